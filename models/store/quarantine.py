"""Messages and readings set aside with a reason, until the cause is fixed."""

from collections.abc import Iterable, Sequence
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


def take(tx: WriteTx, ids: Sequence[int]) -> list[Quarantined]:
    """Lock entries for a replay, but for those that are gone or that another replay has."""
    return [_entry(row) for row in tx.rows("intake", "take", ids=list(ids))]


def resolve(tx: WriteTx, ids: Sequence[int]) -> None:
    """Take entries out of quarantine: what is not cured of them has been put in anew."""
    tx.run("intake", "resolve", ids=list(ids))
