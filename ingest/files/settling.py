"""The last step before the store: calibration by valid-time, and the flags of a single value."""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ingest.judgement import Sorts
from models.calibration import Calibration, calibrated
from models.device import DeviceCatalogue
from models.errors import UnknownQuantity
from models.reading import Quality
from models.store import calibrations
from models.store.database import WriteTx


class Settling:
    """Calibrates and flags readings that are in canonical units already."""

    def __init__(self, catalogue: DeviceCatalogue) -> None:
        self._sorts = Sorts()
        streams = [s for of in catalogue.streams.values() for s in of.values()]
        self._sort = np.zeros(max((stream.id for stream in streams), default=0) + 1, np.intp)
        for stream in streams:
            profile = catalogue.profiles.get(stream.device_id or 0, "")
            with suppress(UnknownQuantity):  # one that left the register is in no mapping
                self._sort[stream.id] = self._sorts.number(stream, profile)
        self._version = -1
        self._calibrations: dict[int, list[Calibration]] = {}

    def settled(self, tx: WriteTx, block: NDArray[np.void]) -> NDArray[np.void]:
        """Return the readings as they are to be stored; calibrations hold still until then."""
        version = calibrations.held_version(tx)
        if version != self._version:
            self._calibrations, self._version = calibrations.of(tx), version
        if len(block) == 0:
            return block
        measured = block["value"].copy()
        for stream, valid in self._calibrations.items():
            rows = np.flatnonzero(block["datastream_id"] == stream)
            if len(rows):
                times = block["phenomenon_time"][rows]
                block["value"][rows] = calibrated(measured[rows], times, valid)
        sort = self._sort[block["datastream_id"]]
        flags = self._sorts.compiled().flags(sort, block["raw"], measured, block["value"])
        flags[block["phenomenon_time"] > block["received"]] |= Quality.CLOCK
        block["quality"] = flags
        return block
