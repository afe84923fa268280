"""Messages and readings set aside with a reason, until the cause is fixed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.engine import Row

from models.reading import Quarantined, Reason
from models.store.database import ReadTx, WriteTx


def _entry(r: Row[Any]) -> Quarantined:
    return Quarantined(
        r.received,
        r.device_key,
        r.topic,
        bytes(r.payload),
        r.items,
        r.n,
        Reason(r.reason),
        r.detail,
        r.id,
    )


def put(tx: WriteTx, entries: Iterable[Quarantined]) -> None:
    """Set entries aside; a topic or detail may hold anything, so NUL becomes U+FFFD."""
    rows = [
        {
            "received": entry.received,
            "device_key": _storable(entry.device_key),
            "topic": _storable(entry.topic),
            "payload": entry.payload,
            "items": entry.items,
            "n": entry.n,
            "reason": entry.reason,
            "detail": _storable(entry.detail),
        }
        for entry in entries
    ]
    tx.run_many("intake", "quarantine", rows)


def _storable(text: str) -> str:
    # PostgreSQL text holds neither NUL nor lone surrogates
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def open_ones(
    tx: ReadTx,
    *,
    reason: Reason | None = None,
    device_key: str | None = None,
    after: int = 0,
    limit: int = 500,
) -> list[Quarantined]:
    """Return what waits in quarantine, oldest first, from the entry after ``after``."""
    rows = tx.rows(
        "intake", "set_aside", reason=reason, device_key=device_key, after=after, limit=limit
    )
    return [_entry(r) for r in rows]


def count(tx: ReadTx) -> dict[Reason, int]:
    """Return the number of readings in quarantine by reason."""
    return {Reason(r.reason): r.n for r in tx.rows("intake", "counts")}


def take(tx: WriteTx, entry_id: int) -> Quarantined | None:
    """Lock an entry for a replay; None when it is gone or another replay has it."""
    row = tx.row("intake", "take", id=entry_id)
    return None if row is None else _entry(row)


def resolve(tx: WriteTx, entry_id: int) -> None:
    """Take an entry out of quarantine: all it stands for has been put through."""
    tx.run("intake", "resolve", id=entry_id)


def shrink(
    tx: WriteTx, entry_id: int, items: list[int] | None, n: int, reason: Reason, detail: str
) -> None:
    """Keep only the readings of an entry that are still not cured."""
    detail = _storable(detail)
    tx.run("intake", "shrink", id=entry_id, items=items, n=n, reason=reason, detail=detail)
