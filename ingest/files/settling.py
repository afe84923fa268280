"""The last step before the store: calibration by valid-time, and the flags of a single value."""

import numpy as np
from numpy.typing import NDArray

from ingest.judgement import Sorts
from models.calibration import Calibration, calibrated
from models.device import DeviceCatalogue
from models.quantity import QUANTITIES
from models.reading import Quality
from models.store import calibrations
from models.store.database import WriteTx


class Settling:
    """Calibrates and flags readings that are in canonical units already."""

    def __init__(self, catalogue: DeviceCatalogue) -> None:
        streams = [(d, s) for d, of in catalogue.streams.items() for s in of.values()]
        size = max((stream.id for _, stream in streams), default=0) + 1
        self._sorts, self._sort = Sorts(), np.zeros(size, np.int32)
        for device, stream in streams:
            if stream.quantity in QUANTITIES:
                number = self._sorts.number(stream, catalogue.profiles.get(device, ""))
                self._sort[stream.id] = number
        self._version = -1
        self._calibrations: dict[int, list[Calibration]] = {}

    def settled(self, tx: WriteTx, block: NDArray[np.void]) -> NDArray[np.void]:
        """Return the readings as they are to be stored; calibrations hold still until then."""
        version = calibrations.held_version(tx)
        if version != self._version:
            self._calibrations, self._version = calibrations.of(tx), version
        measured = block["value"].copy()
        for stream, valid in self._calibrations.items():
            rows = np.flatnonzero(block["datastream_id"] == stream)
            if len(rows):
                times = block["phenomenon_time"][rows]
                block["value"][rows] = calibrated(block["value"][rows], times, valid)
        sort = self._sort[block["datastream_id"]]
        flags = self._sorts.compiled().flags(sort, block["raw"], measured, block["value"])
        flags[block["phenomenon_time"] > block["received"]] |= Quality.CLOCK
        block["quality"] = flags
        return block
