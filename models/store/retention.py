"""Retention: how long what is kept, what would go, and its going."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from models.errors import Invalid
from models.store.database import Database, ReadTx, WriteTx, lock

Kind = Literal["reading", "revision", "quarantine", "uplink", "unclaimed"]
# what counts a kind, and what removes it; readings go by weeks
_QUERIES: dict[Kind, tuple[str, str]] = {
    "reading": ("count_reading", ""),
    "revision": ("count_revision", "drop_revision"),
    "quarantine": ("count_quarantine", "drop_quarantine"),
    "uplink": ("count_uplink", "drop_uplink"),
    "unclaimed": ("count_unclaimed", "drop_unclaimed"),
}
LATE_DAYS = 1096  # readings may come three years late; rollups of younger hours need theirs


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a policy would remove.

    Attributes
    ----------
    days : int or None
        None keeps for ever.
    before : datetime or None
        What is older goes; readings go by whole weeks.
    n : int
        Rows (readings, for the quarantine) that would go.
    """

    kind: Kind
    days: int | None
    before: datetime | None
    n: int
    first: datetime | None
    last: datetime | None


def keep(tx: WriteTx, kind: str, days: int | None) -> None:
    """Say how long a kind is kept; None for ever.

    Raises
    ------
    Invalid
        No such kind; or readings for less than the three years they may be late.
    """
    if kind not in _QUERIES:
        raise Invalid(why=f"{kind!r} is none of {', '.join(_QUERIES)}")
    if days is not None and (days < 1 or (kind == "reading" and days < LATE_DAYS)):
        raise Invalid(why=f"readings may come late: keep them {LATE_DAYS} days or more")
    tx.run("retention", "keep", kind=kind, days=days)


def plan(tx: ReadTx, now: datetime) -> list[Expiry]:
    """Say what would go now, by kind; nothing is changed."""
    return [_expiry(tx, row.kind, row.days, now) for row in tx.rows("retention", "policies")]


def _expiry(tx: ReadTx, kind: Kind, days: int | None, now: datetime) -> Expiry:
    if days is None:
        return Expiry(kind, None, None, 0, None, None)
    before = now - timedelta(days=days)
    if kind == "reading":
        before = _week_start(before)
    row = tx.row("retention", _QUERIES[kind][0], before=before)
    assert row is not None
    return Expiry(kind, days, before, row.n, row.first, row.last)


def _week_start(instant: datetime) -> datetime:
    """Return the Monday 00:00 UTC at which the week partition of an instant begins."""
    day = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def export(tx: ReadTx, before: datetime) -> Iterator[tuple[Any, ...]]:
    """Yield whole readings before an instant, with bounded memory.

    Rows: datastream_id, seq, time, value, raw, received, quality, unit.
    """
    yield from tx.streamed("retention", "export", before=before)


def expire(database: Database, expiry: Expiry) -> int:
    """Remove what a policy names, in one transaction with its account; return how many rows.

    Raises
    ------
    Invalid
        Readings came after the plan was made, and no export can have them.
    """
    if expiry.before is None or not expiry.n:
        return 0
    bound = {"before": expiry.before}
    with database.writing() as tx:
        if expiry.kind == "reading":
            _expire_readings(tx, expiry, expiry.before, timescale=database.timescale)
            return expiry.n
        if expiry.kind == "revision":
            tx.run("retention", "expire_revisions", **bound)
        if expiry.kind == "quarantine":
            tx.run("retention", "expire_quarantine", **bound)
        return tx.run("retention", _QUERIES[expiry.kind][1], **bound)


def _expire_readings(tx: WriteTx, expiry: Expiry, before: datetime, *, timescale: bool) -> None:
    lock(tx, "rollup")  # no aggregate may be computed from what is about to go
    tx.run("retention", "hold")
    row = tx.row("retention", "count_reading", before=before)
    if row is None or row.n != expiry.n:
        raise Invalid(why="readings came after the plan was made: make it again")
    tx.run("retention", "dropped", before=before.isoformat())
    tx.run("retention", "expire", before=before)
    if timescale:
        tx.rows("retention", "drop_chunks", before=before)
        return
    for row in tx.rows("retention", "weeks", before=before):
        tx.rows("retention", "drop_week", name=row.name)
