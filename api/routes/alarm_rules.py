"""Alarm rules: kept, changed, tried on stored readings, switched on."""

import threading
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api import present
from api.dependencies import Entrant, Reading, Writing, enters, reads, writes
from api.paging import Page, paged
from api.schemas.alarm_rules import (
    AlarmRuleChange,
    AlarmRuleIn,
    AlarmRuleList,
    AlarmRuleOut,
    BacktestOut,
)
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id, Instant
from ingest.alarms import backtest as trial
from models.alarm import KeptRule, document_of, rule_from
from models.errors import Invalid, Unavailable
from models.person import Action
from models.place import covers
from models.platform import Platform
from models.store import alarm_rules as store
from models.store.alarm_rules import Backtest

router = APIRouter(tags=["alarms"])
_SEASON = timedelta(days=365)  # of a back-test that names no start
_LONGEST = timedelta(days=5 * 366)
_AT_ONCE = threading.BoundedSemaphore(2)  # back-tests of this process: they read whole seasons
_PATIENCE_S = 3.0  # a short back-test is answered whole
_SUBJECTS = 200


def _shown(caller: present.Caller, kept: KeptRule) -> dict[str, Any]:
    rule = document_of(kept.rule)
    words = {
        name: present.bilingual(rule.pop(f"{name}_zh"), rule.pop(f"{name}_en"))
        for name in ("title", "text")
    }
    own = ("id", "enabled", "version", "tested", "updated", "updated_by")
    return {
        **rule,
        **words,
        **{name: getattr(kept, name) for name in own},
        "region": present.region(caller, kept.region_code),
    }


def _concerns(access: present.Caller, kept: KeptRule) -> KeptRule:
    """Hand a rule on that is about the region of the account, a part of it, or all around it."""
    if not covers(kept.region_code, access.person.region_code):
        access.see(kept)
    return kept


@router.get(
    "/v1/alarm-rules", summary="Alarm rules", response_model=AlarmRuleList, responses=READ_PROBLEMS
)
@reads(Action.READ)
def rules(
    access: Reading,
    page: Annotated[Page, Depends(paged("alarm-rules"))],
    enabled: Annotated[bool | None, Query(description="Only those on, or off")] = None,
) -> dict[str, Any]:
    """List the rules that concern the account's region, with limits, sources and trust."""
    found = store.listed(
        access.tx,
        region_code=access.person.region_code,
        enabled=enabled,
        after=page.key,
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": [_shown(access, it) for it in rows], "next": following}


@router.get(
    "/v1/alarm-rules/{rule_id}",
    summary="One alarm rule",
    response_model=AlarmRuleOut,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def rule(access: Reading, rule_id: Id) -> dict[str, Any]:
    """Show one rule."""
    return _shown(access, _concerns(access, store.get(access.tx, rule_id)))


@router.post(
    "/v1/alarm-rules",
    status_code=201,
    summary="Keep an alarm rule",
    response_model=AlarmRuleOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.OPERATE)
def add(access: Writing, given: AlarmRuleIn) -> dict[str, Any]:
    """Keep a new rule, switched off: back-test it, then switch it on."""
    made = rule_from(_document(given.model_dump(mode="json")))
    access.inside(store.region_of(access.tx, made))
    kept = store.add(access.tx, made, access.person.login, access.platform.clock())
    return _shown(access, kept)


@router.patch(
    "/v1/alarm-rules/{rule_id}",
    summary="Change an alarm rule",
    response_model=AlarmRuleOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.OPERATE)
def change(access: Writing, rule_id: Id, given: AlarmRuleChange) -> dict[str, Any]:
    """Change a rule, or switch it on or off.

    Switching on takes a back-test of this version within the last 30 days, or `force`.
    """
    kept = access.see(store.get(access.tx, rule_id))
    parts = given.model_dump(mode="json", exclude_unset=True)
    enabled, force = parts.pop("enabled", None), parts.pop("force", False)
    by, now = access.person.login, access.platform.clock()
    if parts:
        made = rule_from({**document_of(kept.rule), **_document(parts)})
        access.inside(store.region_of(access.tx, made))
        kept = store.change(access.tx, kept, made, by, now, force=force)
    if enabled is True and not kept.enabled:
        kept = store.enable(access.tx, kept, by, now, force=force)
    elif enabled is False and kept.enabled:
        kept = store.disable(access.tx, kept, by, now)
    return _shown(access, kept)


def _document(parts: dict[str, Any]) -> dict[str, Any]:
    """Spread the two languages of the words over members of their own."""
    for name in ("title", "text"):
        words = parts.pop(name, None)
        if words is not None:
            parts |= {f"{name}_zh": words["zh"], f"{name}_en": words["en"]}
    return {name: part for name, part in parts.items() if part is not None or name in _NULLABLE}


_NULLABLE = {"farm_kind", "escalate_after_s"}


@router.post(
    "/v1/alarm-rules/{rule_id}/backtest",
    status_code=201,
    summary="Back-test an alarm rule",
    response_model=BacktestOut,
    responses=WRITE_PROBLEMS,
)
@enters(Action.OPERATE)
def backtest(
    entrant: Entrant,
    rule_id: Id,
    start: Annotated[Instant | None, Query(description="A year before the end")] = None,
    end: Annotated[Instant | None, Query(description="Now")] = None,
) -> dict[str, Any]:
    """Run the rule over the stored readings of [start, end): "would have fired n times".

    The answer comes when it is done, or after 3 s with how far it is: ask for it again then.
    """
    platform = entrant.platform
    until = end or platform.clock()
    since = start or until - _SEASON
    if not timedelta(0) < until - since <= _LONGEST:
        raise Invalid(
            why="start comes before end, by five years at most",
            zh="start 应早于 end，且相距不超过五年。",
        )
    with entrant.reading() as access:
        kept = access.see(store.get(access.tx, rule_id))
    begun = _begin(platform, kept, since, until, entrant.person.login)
    with entrant.reading() as access:
        return _trial(store.backtest(access.tx, rule_id, begun.id))


def _begin(
    platform: Platform, kept: KeptRule, since: datetime, until: datetime, by: str
) -> Backtest:
    if not _AT_ONCE.acquire(blocking=False):
        raise Unavailable(part="back-tests", why="two are running already; try again later")
    try:
        with platform.database.writing() as tx:
            begun = store.begin_backtest(tx, kept, since, until, by)
        work = threading.Thread(target=_work, args=(platform, begun, kept), daemon=True)
        work.start()
    except BaseException:
        _AT_ONCE.release()
        raise
    work.join(_PATIENCE_S)
    return begun


def _work(platform: Platform, begun: Backtest, kept: KeptRule) -> None:
    try:
        trial.carry_out(platform.database, begun, kept, platform.clock)
    finally:
        _AT_ONCE.release()


@router.get(
    "/v1/alarm-rules/{rule_id}/backtests/{backtest_id}",
    summary="One back-test",
    response_model=BacktestOut,
    responses=ONE_PROBLEMS,
)
@reads(Action.OPERATE)
def one_backtest(access: Reading, rule_id: Id, backtest_id: Id) -> dict[str, Any]:
    """Show how far a back-test is, and what it found."""
    access.see(store.get(access.tx, rule_id))
    return _trial(store.backtest(access.tx, rule_id, backtest_id))


def _trial(it: Backtest) -> dict[str, Any]:
    found = it.result or {}
    own = ("id", "rule_id", "version", "state", "done", "total", "started", "started_by")
    return {
        **{name: getattr(it, name) for name in own},
        "start": it.since,
        "end": it.until,
        "error": found.get("error"),
        "result": _tally(found) if it.state == "done" else None,
    }


def _tally(found: dict[str, Any]) -> dict[str, Any]:
    subjects = [
        {
            "subject": one["subject"],
            "name": present.bilingual(one["name_zh"], one["name_en"]),
            "n": one["n"],
            "hours": one["hours"],
            "spans": [
                {"opened": opened, "until": until, "peak": peak}
                for opened, until, peak in one["spans"]
            ],
        }
        for one in found["subjects"][:_SUBJECTS]
    ]
    kept = {name: found[name] for name in ("n", "days", "hours", "judged", "readings")}
    note = present.bilingual(found["note_zh"], found["note_en"])
    return {**kept, "subjects": subjects, "note": note}
