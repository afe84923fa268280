"""Recalibration: stored values derived again from what was sent, after a calibration changed.

What was sent is never touched. Safe to kill and to run again: a value is a function of the
raw one, and a calibration counts as applied only when every reading follows it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from analytics.quality.ranges import range_flags
from models import units
from models.calibration import Calibration, calibrated
from models.device import Datastream
from models.quantity import quantity
from models.reading import Quality
from models.store import calibrations, devices, readings, recording
from models.store.database import Database, WriteTx
from models.units import conversion

_PAGE = 20_000  # readings a transaction, about 0.5 s
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_END = datetime(2200, 1, 1, tzinfo=UTC)


def catch_up(database: Database, progress: Callable[[int], None] | None = None) -> int:
    """Apply every calibration that the stored readings do not follow yet.

    Parameters
    ----------
    progress : callable, optional
        Told the number of readings looked at so far.

    Returns
    -------
    int
        Readings whose value changed.
    """
    with database.reading() as tx:
        waiting = calibrations.waiting(tx)
    changed = 0
    for one in waiting:
        changed += rederive(database, one.datastream_id, progress=progress)
        with database.writing() as tx:
            calibrations.applied(tx, one.id)
    return changed


def rederive(
    database: Database,
    datastream_id: int,
    start: datetime = _BEGINNING,
    end: datetime = _END,
    *,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Derive the readings of a datastream over [start, end) again; return how many changed."""
    with database.reading() as tx:
        (stream,) = devices.datastreams(tx, ids=[datastream_id])
        known = calibrations.of(tx, [datastream_id]).get(datastream_id, [])
    after: tuple[int, datetime, int] = (datastream_id, start, -(2**31))
    looked = changed = 0
    while True:
        with database.writing() as tx:
            page = readings.page(tx, datastream_id, after, end, _PAGE)
            if not len(page):
                return changed
            changed += _rewrite(tx, page, stream, known)
        looked += len(page)
        last = page[-1]
        instant = _EPOCH + timedelta(microseconds=int(last["phenomenon_time"]))
        after = (datastream_id, instant, int(last["seq"]))
        if progress is not None:
            progress(looked)


def _rewrite(tx: WriteTx, page: NDArray[np.void], stream: Datastream, by: list[Calibration]) -> int:
    value = calibrated(_canonical(page, stream), page["phenomenon_time"], by)
    known = quantity(stream.quantity)
    low, high = np.full(len(page), known.low), np.full(len(page), known.high)
    flags = page["quality"] & ~np.int16(Quality.RANGE) | range_flags(value, low, high)
    differs = (value != page["value"]) | (flags != page["quality"])
    rows = page[differs]
    rows["value"], rows["quality"] = value[differs], flags[differs]
    if len(rows):
        recording.rewrite(tx, rows)
    return len(rows)


def _canonical(page: NDArray[np.void], stream: Datastream) -> NDArray[np.float64]:
    """Convert what was sent, by the unit of each reading."""
    value = page["raw"].copy()
    for number in np.unique(page["unit"]).tolist():
        own = page["unit"] == number
        unit = units.code(number)
        if unit:  # without one it came in the canonical unit
            factor, offset = conversion(unit, stream.quantity)
            value[own] = page["raw"][own] * factor + offset
    return value
