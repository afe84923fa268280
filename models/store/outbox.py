"""The outbox: recommendations and alarms on their way to the officers of a region."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from models.errors import NotFound
from models.person import Person
from models.place import scope_prefix
from models.store.database import ReadTx, WriteTx


@dataclass(frozen=True, slots=True)
class Letter:
    """An outbox entry as one person sees it.

    Attributes
    ----------
    recommendation_id, alarm_id : int or None
        What it is about: one of the two.
    occasion : str
        "issued" of a recommendation; "opened", "cleared" or "escalated" of an alarm.
    read_at : datetime or None
        That person's receipt.
    """

    id: int
    recommendation_id: int | None
    alarm_id: int | None
    occasion: str
    region_code: str
    created: datetime
    state: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outbox entry whose next attempt is due."""

    id: int
    recommendation_id: int | None
    alarm_id: int | None
    occasion: str
    region_code: str
    attempts: int


def _letter(r: Row[Any]) -> Letter:
    about = (r.recommendation_id, r.alarm_id, r.occasion)
    return Letter(r.id, *about, r.region_code, r.created, r.state, r.read_at)


def put(tx: WriteTx, recommendation_id: int, region_code: str) -> None:
    """Address a recommendation to the officers of a region; a second time does nothing."""
    tx.run("recommendations", "post", recommendation_id=recommendation_id, region_code=region_code)


def put_alarm(tx: WriteTx, alarm_id: int, occasion: str, region_code: str) -> None:
    """Tell the officers of a region what happened to an alarm; each occasion once."""
    bound = {"alarm_id": alarm_id, "occasion": occasion, "region_code": region_code}
    tx.run("recommendations", "post_alarm", **bound)


def inbox(
    tx: ReadTx,
    person: Person,
    *,
    unread_only: bool = False,
    before: int | None = None,
    limit: int = 100,
) -> list[Letter]:
    """Return what is addressed to a person's region, newest first."""
    rows = tx.rows(
        "recommendations",
        "inbox",
        person_id=person.id,
        prefix=scope_prefix(person.region_code),
        unread_only=unread_only,
        before=before,
        limit=limit,
    )
    return [_letter(r) for r in rows]


def letter(tx: ReadTx, outbox_id: int, person: Person) -> Letter:
    """Return one entry with a person's receipt, or raise NotFound."""
    row = tx.row("recommendations", "letter", id=outbox_id, person_id=person.id)
    if row is None:
        raise NotFound(noun="letter", key=outbox_id)
    return _letter(row)


def mark_read(tx: WriteTx, outbox_id: int, person_id: int) -> None:
    """Record that a person has read an entry; the first time counts."""
    tx.run("recommendations", "read", id=outbox_id, person_id=person_id)


def due(tx: WriteTx, now: datetime, limit: int = 100) -> list[Delivery]:
    """Return entries whose next attempt is due, locked until the transaction ends."""
    rows = tx.rows("recommendations", "due", now=now, limit=limit)
    return [
        Delivery(r.id, r.recommendation_id, r.alarm_id, r.occasion, r.region_code, r.attempts)
        for r in rows
    ]


def delivered(tx: WriteTx, outbox_id: int) -> None:
    """Record that every channel has taken an entry."""
    tx.run("recommendations", "delivered", id=outbox_id)


def failed(tx: WriteTx, outbox_id: int, why: str, next_attempt: datetime | None) -> None:
    """Record a failed attempt; None as the next attempt gives up."""
    tx.run("recommendations", "failed", id=outbox_id, why=why, next_attempt=next_attempt)
