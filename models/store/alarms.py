"""Alarms: opened and cleared by the watch, acknowledged by people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from models.alarm import Alarm, AlarmEvent, Annotation, Kind, Severity
from models.errors import NotFound
from models.person import Person
from models.store.database import ReadTx, WriteTx

_OWN = {f for f in Alarm.__dataclass_fields__ if f not in {"kind", "severity", "location"}}


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A device of a group that fell silent; `returned` when it was heard again."""

    device_id: int
    key: str
    name_zh: str
    name_en: str
    silent_since: datetime
    returned: datetime | None


def _alarm(r: Row[Any]) -> Alarm:
    kept = {name: getattr(r, name) for name in _OWN}
    location = None if r.lon is None else (r.lon, r.lat)
    return Alarm(kind=Kind(r.kind), severity=Severity(r.severity), location=location, **kept)


def get(tx: ReadTx, alarm_id: int) -> Alarm:
    """Return one alarm, or raise NotFound."""
    row = tx.row("alarms", "alarm", id=alarm_id)
    if row is None:
        raise NotFound(noun="alarm", key=alarm_id)
    return _alarm(row)


def listed(
    tx: ReadTx,
    *,
    prefix: str = "",
    state: str | None = None,
    severity: Severity | None = None,
    device_id: int | None = None,
    since: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Alarm]:
    """Return alarms of a region, newest first, from the one before id ``before``.

    Parameters
    ----------
    since : datetime, optional
        Only alarms that opened or cleared since.
    """
    rows = tx.rows(
        "alarms",
        "alarms",
        prefix=prefix,
        state=state,
        severity=severity,
        device_id=device_id,
        since=since,
        before=before,
        limit=limit,
    )
    return [_alarm(r) for r in rows]


def open_counts(tx: ReadTx, prefix: str) -> dict[str, int]:
    """Return how many alarms of a region are open, by severity."""
    return {r.severity: r.n for r in tx.rows("alarms", "open_counts", prefix=prefix)}


def events(tx: ReadTx, alarm_id: int) -> list[AlarmEvent]:
    """Return the life of an alarm, in order."""
    rows = tx.rows("alarms", "events", alarm_id=alarm_id)
    return [AlarmEvent(r.at, r.what, r.noticed, r.detail) for r in rows]


def members(tx: ReadTx, alarm_id: int, limit: int = 1000) -> list[GroupMember]:
    """Return the devices of a group that fell silent together."""
    return [
        GroupMember(*row) for row in tx.tuples("alarms", "members", alarm_id=alarm_id, limit=limit)
    ]


def annotations(tx: ReadTx, alarm: Alarm, until: datetime) -> list[Annotation]:
    """Return what late data show about the rule of an alarm at its subject."""
    found = tx.tuples(
        "alarms",
        "annotations",
        rule_id=alarm.rule_id,
        subject=alarm.subject,
        since=alarm.since,
        until=until,
    )
    return [Annotation(*row) for row in found]


def acknowledge(
    tx: WriteTx, alarm_id: int, person: Person, at: datetime, note: str | None
) -> Alarm:
    """Record who looks after an alarm; the first one counts."""
    row = tx.row("alarms", "acknowledge", id=alarm_id, by=person.login, at=at, note=note)
    if row is None:
        return get(tx, alarm_id)
    note_event(tx, alarm_id, at, at, "acknowledged", {"by": person.login})
    return _alarm(row)


def note_event(
    tx: WriteTx,
    alarm_id: int,
    at: datetime,
    noticed: datetime,
    what: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Note a step in the life of an alarm."""
    told = json.dumps(detail or {}, ensure_ascii=False, default=str)
    tx.run(
        "alarms", "note_event", alarm_id=alarm_id, at=at, noticed=noticed, what=what, detail=told
    )


def withdraw(
    tx: WriteTx, rule_id: int, at: datetime, why: str, subjects: Sequence[str] | None = None
) -> int:
    """Clear open alarms of a rule without a letter; None means all of its subjects."""
    chosen = None if subjects is None else list(subjects)
    return tx.run("alarms", "withdraw", rule_id=rule_id, at=at, why=why, subjects=chosen)
