"""The last step before the store: calibration by valid-time, and the flags of a single value."""

import numpy as np
from numpy.typing import NDArray

from analytics.quality.ranges import range_flags
from models.calibration import Calibration, calibrated
from models.device import DeviceCatalogue
from models.quantity import QUANTITIES
from models.reading import Quality
from models.store import calibrations
from models.store.database import WriteTx


class Settling:
    """Calibrates and flags readings that are in canonical units already."""

    def __init__(self, catalogue: DeviceCatalogue) -> None:
        streams = [s for of in catalogue.streams.values() for s in of.values()]
        size = max((stream.id for stream in streams), default=0) + 1
        self._limits = np.full((2, size), np.nan)
        for stream in streams:
            if (known := QUANTITIES.get(stream.quantity)) is not None:
                self._limits[:, stream.id] = known.low, known.high
        self._version = -1
        self._calibrations: dict[int, list[Calibration]] = {}

    def settled(self, tx: WriteTx, block: NDArray[np.void]) -> NDArray[np.void]:
        """Return the readings as they are to be stored; calibrations hold still until then."""
        version = calibrations.held_version(tx)
        if version != self._version:
            self._calibrations, self._version = calibrations.of(tx), version
        for stream, valid in self._calibrations.items():
            rows = np.flatnonzero(block["datastream_id"] == stream)
            if len(rows):
                times = block["phenomenon_time"][rows]
                block["value"][rows] = calibrated(block["value"][rows], times, valid)
        low, high = self._limits[:, block["datastream_id"]]
        flags = range_flags(block["value"], low, high)
        flags[block["phenomenon_time"] > block["received"]] |= Quality.CLOCK
        block["quality"] = flags
        return block
