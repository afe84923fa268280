"""Conversion: placed readings into a block, all of a batch at once with numpy.

Canonical units, calibrations, the time rule, finiteness and the flags that a value bears by
itself; a reading that fails is refused by name.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.batch import Batch
from ingest.placement import Placement
from models.reading import BLOCK, Quality, Reason

FIRST_US = 946_684_800_000_000  # 2000-01-01T00:00Z; before it a clock was never set
AHEAD_US = int(timedelta(minutes=10) / timedelta(microseconds=1))
# a stated time, shown to people, stays within what a calendar can express
_SHOWN_US = 250_000_000_000_000_000


@dataclass(slots=True)
class Rows:
    """Readings that have a datastream, column by column.

    Attributes
    ----------
    row : list of int
        Row in the placement's table.
    time : list of int or None
        None: the time of arrival, less ``ago``.
    message, item : list of int
        Message and position in it.
    """

    row: list[int] = field(default_factory=list)
    time: list[int | None] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    message: list[int] = field(default_factory=list)
    item: list[int] = field(default_factory=list)
    seq: list[int] = field(default_factory=list)
    untimed: dict[int, int] = field(default_factory=dict)  # place in the columns -> ago [us]


def convert(batch: Batch, rows: Rows, placement: Placement, judged_at: int | None) -> None:
    """Fill the batch's block with the readings that can be stored, and refuse the others.

    Parameters
    ----------
    judged_at : int or None
        Present instant of the time rule, microseconds; None takes each message's arrival.
    """
    placed = placement.table()[rows.row]
    message = np.array(rows.message, np.intp)
    item = np.array(rows.item, np.intp)
    received = np.array([m.received for m in batch.messages], np.int64)[message]
    time = _times(rows, received)
    raw = np.array(rows.value, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        measured = value = raw * placed["factor"] + placed["offset"]
        if placement.calibrations:
            value = _calibrated(placement, placed["datastream_id"], time, measured.copy())
    judged = received if judged_at is None else np.full_like(received, judged_at)
    possible = (time >= FIRST_US) & (time <= judged + AHEAD_US)
    finite = np.isfinite(value)
    good = possible & finite
    for row in np.flatnonzero(~good):
        at = int(message[row]), int(item[row])
        if finite[row]:
            batch.refuse(*at, Reason.IMPOSSIBLE_TIME, _when(int(time[row])))
        else:
            batch.refuse(*at, Reason.NOT_A_NUMBER, f"the value is {value[row]}")
    flags = placement.sorts.compiled().flags(placed["sort"], raw, measured, value)
    flags[time > received] |= Quality.CLOCK
    if rows.untimed:
        flags[list(rows.untimed)] |= Quality.ARRIVAL
    block = np.zeros(int(good.sum()), BLOCK)
    block["datastream_id"] = placed["datastream_id"][good]
    block["seq"] = np.array(rows.seq, np.int32)[good]
    block["phenomenon_time"] = time[good]
    block["value"] = value[good]
    block["raw"] = raw[good]
    block["received"] = received[good]
    block["quality"] = flags[good]
    block["unit"] = placed["unit"][good]
    batch.block, batch.message, batch.item = block, message[good], item[good]


def _times(rows: Rows, received: NDArray[np.int64]) -> NDArray[np.int64]:
    if not rows.untimed:
        return np.array(rows.time, np.int64)
    time = np.array([0 if stated is None else stated for stated in rows.time], np.int64)
    for place, ago in rows.untimed.items():
        time[place] = received[place] - ago
    return time


def _calibrated(
    placement: Placement,
    ids: NDArray[np.int32],
    time: NDArray[np.int64],
    value: NDArray[np.float64],
) -> NDArray[np.float64]:
    for stream in np.intersect1d(ids, placement.calibrated).tolist():
        rows = np.flatnonzero(ids == stream)
        value[rows] = placement.correct(stream, value[rows], time[rows])
    return value


def _when(time: int) -> str:
    shown = np.datetime64(max(-_SHOWN_US, min(_SHOWN_US, time)), "us")
    return f"the stated time is {shown}Z"
