"""Messages and readings set aside with a reason, until the cause is fixed."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.engine import Row

from models.reading import Quarantined, Reason
from models.store.database import ReadTx, WriteTx

# by COPY: a flood's 2,000 messages cost 90 ms as single statements
_COPY = (
    "COPY quarantine (received, device_key, topic, payload, items, n, reason, detail) FROM STDIN"
)
_ESCAPED = str.maketrans({"\0": "\ufffd", "\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


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
    texts: dict[str, str] = {}  # of a flood's messages most are the same
    rows = [_line(entry, texts) for entry in entries]
    if rows:
        with tx.driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write("".join(rows))


def _line(entry: Quarantined, texts: dict[str, str]) -> str:
    items = r"\N" if entry.items is None else "{" + str(entry.items)[1:-1] + "}"
    key, topic, detail = (
        texts.get(text) or texts.setdefault(text, _storable(text))
        for text in (entry.device_key, entry.topic, entry.detail)
    )
    return (
        f"{entry.received.isoformat()}\t{key}\t{topic}\t\\\\x{entry.payload.hex()}\t{items}\t"
        f"{entry.n}\t{entry.reason.value}\t{detail}\n"
    )


def _storable(text: str) -> str:
    # PostgreSQL text holds neither NUL nor lone surrogates; COPY wants four signs escaped
    return text.encode("utf-8", "replace").decode().translate(_ESCAPED)


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
