"""Alarm rules and their back-tests."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from models.alarm import AlarmRule, KeptRule, Severity, Trust, document_of, rule_from
from models.errors import Conflict, Invalid, NotFound
from models.place import scope_prefix
from models.store import alarms
from models.store.database import ReadTx, WriteTx

PROVINCE = "220000"
TESTED_WITHIN = timedelta(days=30)  # how long a back-test vouches for a rule


@dataclass(frozen=True, slots=True)
class Backtest:
    """A run of a rule over stored readings.

    Attributes
    ----------
    done, total : int
        Subjects judged, and subjects to judge.
    result : dict or None
        See `analytics.alarms.season.Tally`; an `error` when it failed.
    """

    id: int
    rule_id: int
    version: int
    since: datetime
    until: datetime
    state: str
    done: int
    total: int
    result: dict[str, Any] | None
    started: datetime
    updated: datetime
    started_by: str


def _rule(r: Row[Any]) -> KeptRule:
    return KeptRule(
        r.id,
        rule_from(r.document),
        r.enabled,
        r.region_code,
        r.version,
        r.tested,
        r.updated,
        r.updated_by,
    )


def get(tx: ReadTx, rule_id: int) -> KeptRule:
    """Return one rule, or raise NotFound."""
    row = tx.row("alarm_rules", "rule", id=rule_id)
    if row is None:
        raise NotFound(noun="alarm rule", key=rule_id)
    return _rule(row)


def by_key(tx: ReadTx, key: str) -> KeptRule | None:
    """Return a rule by its key, None when there is none."""
    row = tx.row("alarm_rules", "rule_by_key", key=key)
    return None if row is None else _rule(row)


def listed(
    tx: ReadTx,
    *,
    region_code: str = PROVINCE,
    enabled: bool | None = None,
    after: int = 0,
    limit: int = 1000,
) -> list[KeptRule]:
    """Return the rules that concern a region, in the order of their ids."""
    rows = tx.rows(
        "alarm_rules",
        "rules",
        prefix=scope_prefix(region_code),
        code=region_code,
        enabled=enabled,
        after=after,
        limit=limit,
    )
    return [_rule(r) for r in rows]


def region_of(tx: ReadTx, rule: AlarmRule) -> str:
    """Return the division that the scope of a rule lies in, or raise NotFound."""
    kind, _, number = rule.scope.partition(":")
    if kind == "all":
        return PROVINCE
    row = tx.row("alarm_rules", "region_of", kind=kind, number=number)
    if row is None or row.code is None:
        raise NotFound(noun=kind, key=number)
    return str(row.code)


def add(tx: WriteTx, rule: AlarmRule, by: str, at: datetime) -> KeptRule:
    """Keep a new rule, switched off.

    Raises
    ------
    Conflict
        There is a rule of that key.
    """
    row = tx.row(
        "alarm_rules",
        "add_rule",
        key=rule.key,
        document=_json(rule),
        region_code=region_of(tx, rule),
        updated=at,
        by=by,
    )
    if row is None:
        raise Conflict(noun="alarm rule", key=rule.key)
    tx.run("alarm_rules", "changed")
    return _rule(row)


def change(
    tx: WriteTx, kept: KeptRule, rule: AlarmRule, by: str, at: datetime, *, force: bool = False
) -> KeptRule:
    """Replace a rule.

    What it had found out, and its open alarms, belong to the old one, unless only its words
    change. A rule that judges otherwise than before is switched off until it is back-tested
    and switched on again, unless ``force`` is given.
    """
    if rule.key != kept.rule.key:
        raise Invalid(why="the key of a rule does not change", zh="规则的 key 不能更改。")
    same = judgement(rule) == judgement(kept.rule)
    row = tx.row(
        "alarm_rules",
        "change_rule",
        id=kept.id,
        document=_json(rule),
        region_code=region_of(tx, rule),
        same=same,
        keep=same or force,
        updated=at,
        by=by,
    )
    assert row is not None
    if same:
        tx.run("alarm_rules", "changed")
    else:
        _start_afresh(tx, kept.id, at, "rule changed")
    return _rule(row)


def judgement(rule: AlarmRule) -> AlarmRule:
    """Return a rule without its words: what decides when it fires."""
    return replace(
        rule,
        title_zh="",
        title_en="",
        text_zh="",
        text_en="",
        source="",
        trust=Trust.CHOICE,
        severity=Severity.INFO,
        escalate_after_s=None,
    )


def enable(tx: WriteTx, kept: KeptRule, by: str, at: datetime, *, force: bool = False) -> KeptRule:
    """Switch a rule on.

    Raises
    ------
    Invalid
        It was not run over stored readings within 30 days, and ``force`` is not given.
    """
    if not force and (kept.tested is None or at - kept.tested > TESTED_WITHIN):
        days = TESTED_WITHIN.days
        raise Invalid(
            why=f"this version of the rule has no back-test of the last {days} days: run "
            f"POST /v1/alarm-rules/{kept.id}/backtest first, or give force=true",
            zh=f"该规则的当前版本在 {days} 天内没有回测：请先调用 "
            f"POST /v1/alarm-rules/{kept.id}/backtest，或指定 force=true。",
        )
    row = tx.row("alarm_rules", "enable", id=kept.id, enabled=True, by=by)
    assert row is not None
    tx.run("alarm_rules", "changed")
    return _rule(row)


def disable(tx: WriteTx, kept: KeptRule, by: str, at: datetime) -> KeptRule:
    """Switch a rule off; its open alarms are withdrawn without a letter."""
    row = tx.row("alarm_rules", "enable", id=kept.id, enabled=False, by=by)
    assert row is not None
    _start_afresh(tx, kept.id, at, "rule switched off")
    return _rule(row)


def _start_afresh(tx: WriteTx, rule_id: int, at: datetime, why: str) -> None:
    alarms.withdraw(tx, rule_id, at, why)
    tx.run("alarm_rules", "forget", rule_id=rule_id)
    tx.run("alarm_rules", "changed")


def _json(rule: AlarmRule) -> str:
    return json.dumps(document_of(rule), ensure_ascii=False)


def begin_backtest(
    tx: WriteTx, kept: KeptRule, since: datetime, until: datetime, by: str
) -> Backtest:
    """Note that a back-test begins."""
    row = tx.row(
        "alarm_rules",
        "begin_backtest",
        rule_id=kept.id,
        version=kept.version,
        since=since,
        until=until,
        by=by,
    )
    assert row is not None
    return _backtest(row)


def progress(tx: WriteTx, backtest_id: int, done: int, total: int) -> None:
    """Note how far a back-test is."""
    tx.run("alarm_rules", "progress", id=backtest_id, done=done, total=total)


def end_backtest(
    tx: WriteTx, it: Backtest, result: dict[str, Any], at: datetime, *, failed: bool = False
) -> None:
    """Note what a back-test found; one that went well vouches for its version of the rule."""
    told = json.dumps(result, ensure_ascii=False, default=str)
    state = "failed" if failed else "done"
    tx.run("alarm_rules", "end_backtest", id=it.id, state=state, result=told)
    if not failed:
        tx.run("alarm_rules", "tested", id=it.rule_id, version=it.version, at=at)


def backtest(tx: ReadTx, rule_id: int, backtest_id: int) -> Backtest:
    """Return one back-test; one that was cut off has failed."""
    row = tx.row("alarm_rules", "backtest", id=backtest_id, rule_id=rule_id)
    if row is None:
        raise NotFound(noun="back-test", key=backtest_id)
    return _backtest(row, cut=row.cut)


def _backtest(r: Row[Any], *, cut: bool = False) -> Backtest:
    kept = {name: getattr(r, name) for name in Backtest.__dataclass_fields__}
    if cut:
        kept |= {"state": "failed", "result": {"error": "it was cut off; start it again"}}
    return Backtest(**kept)
