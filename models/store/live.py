"""What was stored just now, and who may still hear of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from models.store.database import ReadTx

Stamp = tuple[int, datetime]


def clock(tx: ReadTx) -> datetime:
    """Return the clock that newest values are stamped with."""
    row = tx.row("live", "clock")
    assert row is not None
    now: datetime = row.now
    return now


def stamps(tx: ReadTx, since: datetime, *, piece: int = 5000) -> list[Stamp]:
    """Return (datastream, stamp) of the newest values stored since an instant, by stamp."""
    found: list[Stamp] = []
    after, after_id = since, 0
    while True:
        rows = tx.tuples("live", "stamps", since=since, after=after, after_id=after_id, limit=piece)
        found += [(stream, stamp) for stream, stamp in rows]
        if len(rows) < piece:
            return found
        after_id, after = rows[-1]


def values(tx: ReadTx, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return newest values as the rows of `readings.latest_rows` and the county, by stamp."""
    return tx.tuples("live", "values", ids=list(ids)) if ids else []


def holders(tx: ReadTx, digests: Collection[bytes]) -> dict[bytes, str]:
    """Return the region of the active account of each valid token, by its digest."""
    rows = tx.rows("live", "holders", digests=list(digests))
    return {bytes(row.digest): row.region_code for row in rows}
