"""The queues of the quality review, and the windows of readings it looks at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.reading import BLOCK
from models.store.database import ReadTx, WriteTx

_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_ENTRIES = 20_000  # spans looked at together
Queue = Literal["series", "neighbours"]
_NAMES = {
    "series": ("waiting", "clean", "queue_again"),
    "neighbours": ("waiting_neighbours", "clean_neighbours", "queue_neighbours"),
}

# readings of a datastream that changed between two instants [us since 1970], and how many
SPAN = np.dtype(
    [("datastream_id", np.int32), ("since", np.int64), ("until", np.int64), ("n", np.int32)]
)
# a reading as `packed` queries send it; time in microseconds since 2000
_PACKED = np.dtype([("time", ">i8"), ("value", ">f8"), ("quality", ">i2"), ("seq", ">i4")])


@dataclass(frozen=True, slots=True)
class Waiting:
    """Batches at the head of a queue: their ids, the age of the oldest, and their spans."""

    ids: list[int]
    at: datetime | None
    spans: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Stream:
    """A datastream as the review sees it; ``stations`` are those to compare, itself included."""

    quantity: str
    stations: tuple[int, ...]


class Window(NamedTuple):
    """Readings of one datastream, sorted, and the times between which they are judged [us]."""

    first: int
    last: int
    rows: NDArray[np.void]


def spans_of(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return the spans of readings sorted by datastream and time: one a datastream and UTC day.

    A late value must not join a span of years with the present one.
    """
    day = rows["phenomenon_time"] // _DAY_US
    new = np.ones(len(rows), bool)
    new[1:] = (rows["datastream_id"][1:] != rows["datastream_id"][:-1]) | (day[1:] != day[:-1])
    start = np.flatnonzero(new)
    stop = np.append(start[1:], len(rows))
    spans = np.zeros(len(start), SPAN)
    spans["datastream_id"] = rows["datastream_id"][start]
    spans["since"] = rows["phenomenon_time"][start]
    spans["until"] = rows["phenomenon_time"][stop - 1]
    spans["n"] = stop - start
    return spans


def queue(tx: WriteTx, rows: NDArray[np.void]) -> None:
    """Queue changed readings, sorted by datastream and time, for review: one statement."""
    tx.run("review", "queue", **_columns(spans_of(rows)))


def queue_again(tx: WriteTx, which: Queue, at: datetime, spans: NDArray[np.void]) -> None:
    """Queue spans that have waited since ``at``."""
    if len(spans):
        tx.run("review", _NAMES[which][2], at=at, **_columns(spans))


def _columns(spans: NDArray[np.void]) -> dict[str, str]:
    columns = {
        "datastreams": spans["datastream_id"],
        "since": spans["since"] - _EPOCH_US,
        "until": spans["until"] - _EPOCH_US,
        "n": spans["n"],
    }
    return {name: "{" + str(column.tolist())[1:-1] + "}" for name, column in columns.items()}


def alone(tx: WriteTx) -> bool:
    """Hold the review until the transaction ends; False when another process does."""
    row = tx.row("review", "alone")
    return bool(row and row.mine)


def waiting(tx: ReadTx, which: Queue, batches: int = 200) -> Waiting:
    """Return the head of a queue: so many batches, or 20,000 spans."""
    rows = tx.rows("review", _NAMES[which][0], limit=batches)
    sizes = np.cumsum([len(row.datastreams) for row in rows])
    rows = rows[: int(np.searchsorted(sizes, _ENTRIES)) + 1]
    spans = np.zeros(sum(len(row.datastreams) for row in rows), SPAN)
    for name, column in zip(SPAN.names or (), ("datastreams", "since", "until", "n"), strict=True):
        spans[name] = [value for row in rows for value in getattr(row, column)]
    spans["since"] += _EPOCH_US
    spans["until"] += _EPOCH_US
    return Waiting([row.id for row in rows], min((row.at for row in rows), default=None), spans)


def done(tx: WriteTx, which: Queue, ids: Sequence[int]) -> None:
    """Take batches off a queue."""
    tx.run("review", _NAMES[which][1], ids=list(ids))


def standing(tx: ReadTx) -> tuple[float, int]:
    """Return the age of the oldest batch in both queues [s], and how many batches wait."""
    row = tx.row("review", "standing")
    assert row is not None
    return float(row.age), int(row.n)


def streams(tx: ReadTx, ids: Iterable[int]) -> dict[int, Stream]:
    """Return what the review needs to know of some datastreams."""
    found = tx.rows("review", "stations", ids=sorted(set(ids)))
    return {row.id: Stream(row.quantity, tuple(row.stations)) for row in found}


def windows(
    tx: ReadTx, spans: NDArray[np.void], hours: NDArray[np.float64], context: int
) -> list[Window]:
    """Return for each span the readings that it may reflag, with all that decide their flags.

    Parameters
    ----------
    spans : ndarray of SPAN, shape (n,)
    hours : ndarray, shape (n,)
        How far a run of equal values is followed [h].
    context : int
        Readings on either side that a flag depends on.
    """
    columns = _columns(spans)
    del columns["n"]
    columns["hours"] = "{" + str(hours.tolist())[1:-1] + "}"
    found = tx.rows("review", "windows", context=context, **columns)
    return [
        Window(row.first + _EPOCH_US, row.last + _EPOCH_US, _unpacked(int(stream), row.packed))
        for stream, row in zip(spans["datastream_id"], found, strict=True)
    ]


def newest(tx: ReadTx, ids: Sequence[int]) -> int | None:
    """Return the time of the newest reading of some datastreams [us]."""
    row = tx.row("review", "newest", ids=list(ids))
    return None if row is None or row.us is None else int(row.us) + _EPOCH_US


def compared(tx: ReadTx, ids: Sequence[int], start: int, end: int) -> dict[int, NDArray[np.void]]:
    """Return all readings of some stations over [start, end), us."""
    return _by_station(tx, "compared", ids, start, end)


def learnt(tx: ReadTx, ids: Sequence[int], start: int, end: int) -> dict[int, NDArray[np.void]]:
    """Return the first fit reading of each hour of some stations over [start, end), us."""
    return _by_station(tx, "learnt", ids, start, end)


def _by_station(
    tx: ReadTx, name: str, ids: Sequence[int], start: int, end: int
) -> dict[int, NDArray[np.void]]:
    bound = {"start": _instant(start), "end": _instant(end)}
    found = {r.datastream_id: r.packed for r in tx.rows("review", name, ids=list(ids), **bound)}
    return {stream: _unpacked(stream, found.get(stream)) for stream in ids}


def _unpacked(stream: int, packed: bytes | None) -> NDArray[np.void]:
    rows = np.frombuffer(packed or b"", _PACKED)
    block = np.zeros(len(rows), BLOCK)
    block["datastream_id"] = stream
    block["phenomenon_time"] = rows["time"] + _EPOCH_US
    for name in ("value", "quality", "seq"):
        block[name] = rows[name]
    return block


def _instant(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
