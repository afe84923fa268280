"""What the watch does to alarms: open, clear, group, escalate, annotate; with their letters."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from models.alarm import KeptRule, Severity
from models.store import alarms, outbox
from models.store.database import ReadTx, WriteTx
from models.store.watching import Key

_EPOCH_US = 946_684_800_000_000
TOUCHING = timedelta(hours=1)  # late excursions so close to each other are noted as one


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alarm is about, with what its letter and the map say of it."""

    subject: str
    region_code: str
    name_zh: str
    name_en: str
    provenance: str
    datastream_id: int | None = None
    device_id: int | None = None
    farm_id: int | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """When an alarm opens, and its figures."""

    since: datetime
    opened: datetime
    noticed: datetime
    value: float | None = None
    peak: float | None = None
    peak_at: datetime | None = None
    members: int = 0


def begin(
    tx: WriteTx, kept: KeptRule, about: Subject, it: Opening, facts: Mapping[str, Any]
) -> int | None:
    """Open an alarm and write its letter; None when the excursion has one already."""
    rule = kept.rule
    patience = rule.escalate_after_s
    urgent = rule.severity is Severity.CRITICAL and patience is not None
    row = tx.row(
        "alarms",
        "open_alarm",
        rule_id=kept.id,
        rule_key=rule.key,
        kind=rule.kind,
        severity=rule.severity,
        facts=json.dumps(facts, ensure_ascii=False, default=str),
        escalate_at=it.noticed + timedelta(seconds=patience or 0) if urgent else None,
        **asdict(about),
        **asdict(it),
    )
    if row is None:
        return None
    alarms.note_event(tx, row.id, it.opened, it.noticed, "opened", {"value": it.value})
    _post(tx, row.id, "opened", rule.severity, about.region_code)
    return int(row.id)


def end(
    tx: WriteTx,
    key: Key,
    at: datetime,
    noticed: datetime,
    *,
    peak: float | None = None,
    peak_at: datetime | None = None,
) -> int | None:
    """Clear the open alarm of a rule at a subject and write its letter."""
    bound = {"rule_id": key[0], "subject": key[1]}
    row = tx.row("alarms", "clear_alarm", at=at, peak=peak, peak_at=peak_at, **bound)
    if row is None:
        return None
    alarms.note_event(tx, row.id, at, noticed, "cleared", {"peak": peak})
    _post(tx, row.id, "cleared", Severity(row.severity), row.region_code)
    return int(row.id)


def _post(tx: WriteTx, alarm_id: int, occasion: str, severity: Severity, region: str) -> None:
    if severity is not Severity.INFO:
        outbox.put_alarm(tx, alarm_id, occasion, region)


def escalate(tx: WriteTx, now: datetime) -> list[int]:
    """Repeat critical alarms that nobody has acknowledged in time to the region above, once."""
    done = []
    for row in tx.rows("alarms", "to_escalate", now=now):
        above = parent(row.region_code)
        alarms.note_event(tx, row.id, now, now, "escalated", {"region": above})
        if above != row.region_code:
            outbox.put_alarm(tx, row.id, "escalated", above)
            done.append(row.id)
    return done


def parent(code: str) -> str:
    """Return the division above another; of the province the province."""
    return code[:2] + "0000" if code.endswith("00") else code[:4] + "00"


def open_groups(tx: ReadTx) -> dict[Key, int]:
    """Return the open outages of groups: rule and group -> alarm."""
    return {(r.rule_id, r.subject): r.id for r in tx.rows("alarms", "open_groups")}


def join(
    tx: WriteTx, alarm_id: int, rule_id: int, silent: Mapping[int, int], now: datetime
) -> None:
    """Let devices (id -> silent since, microseconds) be part of an outage.

    An alarm that a device had of its own ends without a letter: it is told by the outage.
    """
    since = [us - _EPOCH_US for us in silent.values()]
    tx.run("alarms", "add_members", alarm_id=alarm_id, devices=list(silent), since=since)
    own = [f"device:{device}" for device in silent]
    tx.run("alarms", "absorb", rule_id=rule_id, subjects=own, at=now, alarm_id=alarm_id)
    tx.rows("alarms", "count_members", ids=[alarm_id])


def heard(tx: WriteTx, devices: Sequence[int], at: datetime) -> list[tuple[int, Key, int, int]]:
    """Note that devices of open outages are heard again.

    Returns
    -------
    list of (alarm, (rule, group), members, returned)
        The outages they belong to, as they stand now.
    """
    found = tx.rows("alarms", "returned", devices=list(devices), at=at)
    ids = sorted({r.alarm_id for r in found})
    counted = tx.rows("alarms", "count_members", ids=ids) if ids else []
    return [(r.id, (r.rule_id, r.subject), r.members, r.returned) for r in counted]


def left_behind(tx: ReadTx, alarm_id: int) -> list[int]:
    """Return the members of an outage that were not heard again."""
    return [r.device_id for r in tx.rows("alarms", "left_behind", alarm_id=alarm_id)]


def annotate(
    tx: WriteTx,
    key: Key,
    about: Subject,
    span: tuple[datetime, datetime],
    peak: float,
    noted: datetime,
    worse: Callable[[float, float], float],
) -> bool:
    """Note an excursion that only late data show; False when an alarm told of it already.

    A backlog that comes in pieces widens one note.
    """
    since, until = span
    bound = {"rule_id": key[0], "subject": key[1]}
    if tx.rows("alarms", "within", since=since, until=until, **bound):
        return False
    near = tx.row(
        "alarms", "annotation_near", since=since - TOUCHING, until=until + TOUCHING, **bound
    )
    if near is None:
        tx.run(
            "alarms",
            "annotate",
            device_id=about.device_id,
            region_code=about.region_code,
            since=since,
            until=until,
            peak=peak,
            noted=noted,
            **bound,
        )
        return True
    if near.since <= since and until <= near.until and near.peak == peak:
        return False
    wider = {"since": min(since, near.since), "until": max(until, near.until)}
    tx.run("alarms", "widen", id=near.id, peak=worse(near.peak, peak), noted=noted, **wider)
    return True
