"""Readings: idempotent writes, the newest value, series and aggregates.

The key is datastream and phenomenon time. A batch goes in by binary COPY; only when that
meets a key that is already there are the stored values looked up, and the rest copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.engine import Row

from models.place import Provenance
from models.reading import Bucket, Quality
from models.store.database import ReadTx, WriteTx

STORED, DUPLICATE, CONFLICT = 0, 1, 2
Width = Literal["hour", "day"]

_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01, BLOCK from 1970-01-01
_HOUR_US = 3_600_000_000
_WEEK_US = 168 * _HOUR_US
_MONDAY_US = 2 * 24 * _HOUR_US  # week 0 starts on Monday 2000-01-03

# one row of COPY BINARY: field count, then (length, big-endian value) four times, 40 bytes
_WIRE = np.dtype(
    [
        ("fields", ">i2"),
        ("l1", ">i4"),
        ("datastream_id", ">i4"),
        ("l2", ">i4"),
        ("time", ">i8"),
        ("l3", ">i4"),
        ("value", ">f8"),
        ("l4", ">i4"),
        ("quality", ">i2"),
    ]
)
_ROW = np.array([(4, 4, 0, 8, 0, 8, 0, 2, 0)], _WIRE).view(np.uint8)  # lengths filled in
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_COPY = "COPY reading (datastream_id, time, value, quality) FROM STDIN (FORMAT binary)"


@dataclass(frozen=True, slots=True)
class LatestRow:
    """The newest value of a device's datastream, with what is needed to show it."""

    datastream_id: int
    channel: str
    quantity: str
    depth_cm: float | None
    device_id: int
    device_key: str
    name_zh: str
    name_en: str
    farm_id: int
    field_id: int | None
    location: tuple[float, float]
    provenance: Provenance
    time: datetime
    value: float
    quality: Quality
    updated: datetime


def add(tx: WriteTx, block: NDArray[np.void]) -> NDArray[np.uint8]:
    """Store readings once.

    Parameters
    ----------
    tx : WriteTx
        Newest values and the queue of dirty hours change in the same transaction.
    block : ndarray of `models.reading.BLOCK`, shape (n,)
        Finite values in canonical units, in order of arrival.

    Returns
    -------
    ndarray of uint8, shape (n,)
        STORED; DUPLICATE (the same value is there already, or came earlier in the block);
        CONFLICT (another value is there, which is kept).
    """
    outcome = np.zeros(len(block), np.uint8)
    if len(block) == 0:
        return outcome
    # stable, so that of equal keys the first to arrive leads; take() and astype() here and
    # below because numpy indexes and byte-swaps packed structs 2 to 14 times slower in place
    order = np.lexsort((block["phenomenon_time"], block["datastream_id"]))
    rows = block.take(order)
    first, leader = _firsts(rows)
    _ensure_weeks(tx, rows)
    fresh = rows if first.all() else rows[first]
    verdict = _copy_new(tx, fresh)
    later = ~first
    same = rows["value"] == fresh["value"][leader]
    by_row = np.where(later, np.where(same, DUPLICATE, CONFLICT), verdict[leader])
    outcome[order] = by_row
    stored = fresh[verdict == STORED] if verdict.any() else fresh
    if len(stored):
        _keep_latest(tx, stored)
        hours = np.unique((stored["phenomenon_time"] - _EPOCH_US) // _HOUR_US)
        tx.run("readings", "mark_dirty", hours=_literal(hours))
    return outcome


def _firsts(rows: NDArray[np.void]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Mark the first row of each key in sorted rows, and number each row's first."""
    first = np.ones(len(rows), bool)
    first[1:] = (rows["datastream_id"][1:] != rows["datastream_id"][:-1]) | (
        rows["phenomenon_time"][1:] != rows["phenomenon_time"][:-1]
    )
    return first, np.cumsum(first) - 1


def _ensure_weeks(tx: WriteTx, rows: NDArray[np.void]) -> None:
    weeks = np.unique((rows["phenomenon_time"] - _EPOCH_US - _MONDAY_US) // _WEEK_US).tolist()
    missing = set(weeks) - tx.known_weeks - tx.new_weeks
    if missing:
        tx.rows("readings", "ensure_partitions", weeks=sorted(missing))
        tx.new_weeks |= missing


def _copy_new(tx: WriteTx, rows: NDArray[np.void]) -> NDArray[np.uint8]:
    """Copy the rows whose key is free; say of the others whether their value is there."""
    verdict = np.zeros(len(rows), np.uint8)
    todo = np.arange(len(rows))
    while len(todo):
        try:
            with tx.connection.begin_nested():
                _copy(tx, rows.take(todo))
        except psycopg.errors.UniqueViolation:
            # a key is taken, perhaps by a writer that committed just now: look and try again
            there = _existing(tx, rows[todo])
            taken = ~np.isnan(there)
            same = there == rows["value"][todo]
            verdict[todo[taken]] = np.where(same, DUPLICATE, CONFLICT)[taken]
            todo = todo[~taken]
        else:
            break
    return verdict


def _copy(tx: WriteTx, rows: NDArray[np.void]) -> None:
    wire = np.empty(len(rows), _WIRE)
    wire.view(np.uint8).reshape(len(rows), -1)[:] = _ROW
    wire["datastream_id"] = rows["datastream_id"].astype(">i4")
    wire["time"] = (rows["phenomenon_time"] - _EPOCH_US).astype(">i8")
    wire["value"] = rows["value"].astype(">f8")
    wire["quality"] = rows["quality"].astype(">i2")
    with tx.driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(b"".join((_HEADER, wire.tobytes(), _TRAILER)))


def _existing(tx: WriteTx, rows: NDArray[np.void]) -> NDArray[np.float64]:
    found = tx.rows(
        "readings",
        "existing",
        datastreams=_literal(rows["datastream_id"]),
        times=_literal(rows["phenomenon_time"] - _EPOCH_US),
    )
    return np.array([np.nan if row.value is None else row.value for row in found], float)


def _keep_latest(tx: WriteTx, rows: NDArray[np.void]) -> None:
    # rows are sorted by datastream and time: the last of each datastream is its newest, and
    # the order of ids keeps two writers from locking each other out
    newest = np.ones(len(rows), bool)
    newest[:-1] = rows["datastream_id"][1:] != rows["datastream_id"][:-1]
    rows = rows[newest]
    tx.run(
        "readings",
        "keep_latest",
        datastreams=_literal(rows["datastream_id"]),
        times=_literal(rows["phenomenon_time"] - _EPOCH_US),
        values=_literal(rows["value"]),
        qualities=_literal(rows["quality"]),
    )


def _literal(column: NDArray[Any]) -> str:
    """Write numbers as an array literal: the driver dumps a list element by element.

    For 10,000 keys 0.8 ms instead of 7.4; repr gives a float64 back to the last bit.
    """
    return "{" + str(column.tolist())[1:-1] + "}"


def latest(tx: ReadTx, *, prefix: str, limit: int = 1000) -> list[LatestRow]:
    """Return the newest value of each device datastream of a region, in datastream order."""
    return [_latest_row(row) for row in latest_rows(tx, prefix=prefix, limit=limit)]


def latest_rows(
    tx: ReadTx,
    *,
    prefix: str,
    farm_id: int | None = None,
    field_id: int | None = None,
    device_id: int | None = None,
    updated_after: datetime | None = None,
    after: int = 0,
    limit: int = 1000,
) -> list[tuple[Any, ...]]:
    """Return the newest values in scope as the bare rows of the query, in its column order.

    For callers that encode a thousand at once: naming 16 columns of a row costs 17 us.
    """
    return tx.tuples(
        "readings",
        "latest",
        prefix=prefix,
        farm_id=farm_id,
        field_id=field_id,
        device_id=device_id,
        updated_after=updated_after,
        after=after,
        limit=limit,
    )


def _latest_row(row: tuple[Any, ...]) -> LatestRow:
    stream, channel, quantity, depth, _, device, key, zh, en, farm, field, *rest = row
    lon, lat, provenance, time, value, quality, updated = rest
    return LatestRow(
        stream,
        channel,
        quantity,
        depth,
        device,
        key,
        zh,
        en,
        farm,
        field,
        (lon, lat),
        Provenance(provenance),
        time,
        value,
        Quality(quality),
        updated,
    )


def series(
    tx: ReadTx,
    datastream_ids: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    limit: int,
    after: tuple[int, datetime] | None = None,
) -> Sequence[Row[Any]]:
    """Return raw readings over [start, end) as rows (datastream_id, time, value, quality).

    `after` is the (datastream id, time) of the last row of the page before.
    """
    return tx.rows(
        "readings",
        "series",
        datastreams=list(datastream_ids),
        start=start,
        end=end,
        limit=limit,
        after_id=after[0] if after else None,
        after_time=after[1] if after else None,
    )


def buckets(
    tx: ReadTx, datastream_id: int, start: datetime, end: datetime, width: Width
) -> list[Bucket]:
    """Return hourly or daily (Asia/Shanghai) aggregates whose bucket starts in [start, end)."""
    return [Bucket(*row) for row in bucket_rows(tx, datastream_id, start, end, width)]


def bucket_rows(
    tx: ReadTx, datastream_id: int, start: datetime, end: datetime, width: Width
) -> list[tuple[Any, ...]]:
    """Return aggregates as rows (start, n, n_good, mean, min, max): see `buckets`."""
    return tx.tuples("readings", width, datastream=datastream_id, start=start, end=end)
