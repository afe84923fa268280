"""Recommendations, the officer's decision, the inbox."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from analytics import desk
from api import present
from api.dependencies import Entrant, Reading, Writing, enters, reads, writes
from api.paging import Page, paged
from api.routes.alarms import shown as shown_alarm
from api.routes.devices import FieldQuery
from api.routes.places import inside_field
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.recommendations import (
    DecisionIn,
    Inbox,
    RecommendationDetail,
    RecommendationIn,
    RecommendationList,
    RecommendationOut,
    Replay,
)
from api.schemas.shape import Id
from models.calendar import day_of
from models.errors import AuditBroken, Invalid
from models.person import Action
from models.place import Field, Provenance
from models.recommendation import Decision, Recommendation, Status
from models.store import alarms, outbox, places
from models.store import recommendations as store
from models.store.outbox import Letter

router = APIRouter(tags=["recommendations"])


class _Fields:
    """Fields named by a list of recommendations, each looked up once."""

    def __init__(self, access: present.Caller) -> None:
        self.access = access
        self.known: dict[int, Field] = {}

    def of(self, it: Recommendation) -> Field:
        """Return the field of a recommendation."""
        if it.field_id not in self.known:
            self.known[it.field_id] = places.field(self.access.tx, it.field_id)
        return self.known[it.field_id]


def _shown(access: present.Caller, it: Recommendation, field: Field) -> dict[str, Any]:
    advice = it.advice
    window = advice.window
    return {
        "id": it.id,
        "kind": it.kind,
        "crop": it.crop,
        "field": {"id": field.id, "name": present.bilingual(field.name_zh, field.name_en)},
        "region": present.region(access, it.region_code),
        "as_of": it.as_of,
        "issued": it.issued,
        "expires": advice.expires,
        "expired": day_of(access.platform.clock()) > advice.expires,
        "status": advice.status,
        "action": advice.action,
        "action_text": present.bilingual(advice.action_zh, advice.action_en),
        "window": None if window is None else {"start": window[0], "end": window[1]},
        "probability": advice.probability,
        "probability_of": present.bilingual(advice.probability_of_zh, advice.probability_of_en),
        "reasons": [_reason(reason) for reason in map(asdict, advice.reasons)],
        "method": it.method,
        "method_version": it.method_version,
        "input_hash": it.input_hash,
        "decision": _decision(it),
        "provenance": _provenance(it, field),
    }


def _reason(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, "text": present.bilingual(facts["zh"], facts["en"])}


def _decision(it: Recommendation) -> dict[str, Any] | None:
    if it.decision is None:
        return None
    return {
        "decision": it.decision,
        "by": it.decided_by or "",
        "at": it.decided_at,
        "note": it.decision_note or "",
    }


def _provenance(it: Recommendation, field: Field) -> Provenance:
    """Return the furthest from real of the evidence and the field it is about."""
    found = {field.provenance, *map(Provenance, _named(it.evidence))}
    worst = (Provenance.SYNTHETIC, Provenance.RELOCATED, Provenance.REAL)
    return next(p for p in worst if p in found)


def _named(evidence: object) -> set[str]:
    if isinstance(evidence, dict):
        own = evidence.get("provenance")
        deeper = set[str]().union(*map(_named, evidence.values()))
        return deeper | ({own} if isinstance(own, str) and own in set(Provenance) else set())
    return set[str]().union(*map(_named, evidence)) if isinstance(evidence, list) else set()


@router.get(
    "/v1/recommendations",
    summary="Recommendations",
    response_model=RecommendationList,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def recommendations(
    access: Reading,
    page: Annotated[Page, Depends(paged("recommendations", most=500))],
    field: FieldQuery = None,
    status: Annotated[Status | None, Query(description="One status only")] = None,
) -> dict[str, Any]:
    """List recommendations of the region or of a field, newest first."""
    inside_field(access, field)
    found = store.listed(
        access.tx,
        prefix=access.prefix,
        field_id=field,
        status=status,
        before=page.number(),
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    fields = _Fields(access)
    return {"items": [_shown(access, it, fields.of(it)) for it in rows], "next": following}


def _detail(access: present.Caller, it: Recommendation) -> dict[str, Any]:
    field = places.field(access.tx, it.field_id)
    return {**_shown(access, it, field), "evidence": it.evidence}


@router.get(
    "/v1/recommendations/{recommendation_id}",
    summary="One recommendation",
    response_model=RecommendationDetail,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def recommendation(access: Reading, recommendation_id: Id) -> dict[str, Any]:
    """Show a recommendation with the evidence it was made from."""
    return _detail(access, access.see(store.get(access.tx, recommendation_id)))


@router.post(
    "/v1/recommendations",
    status_code=201,
    summary="Ask for a recommendation",
    response_model=RecommendationDetail,
    responses=WRITE_PROBLEMS,
)
@enters(Action.ADVISE)
def advise(entrant: Entrant, given: RecommendationIn) -> dict[str, Any]:
    """Make a recommendation for a field; the same evidence gives the one made before."""
    with entrant.reading() as access:
        access.see(places.field(access.tx, given.field_id))
    platform = entrant.platform
    made = desk.recommend(
        platform.database,
        given.field_id,
        kind=given.kind,
        crop=given.crop,
        as_of=given.as_of,
        clock=platform.clock,
    )
    with entrant.reading() as access:
        return _detail(access, made)


@router.post(
    "/v1/recommendations/{recommendation_id}/decision",
    summary="Confirm or override",
    response_model=RecommendationOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.DECIDE)
def decide(access: Writing, recommendation_id: Id, given: DecisionIn) -> dict[str, Any]:
    """Record what the officer made of it; overriding takes a note that says why."""
    access.see(store.get(access.tx, recommendation_id))
    if given.decision is Decision.OVERRIDDEN and not given.note:
        raise Invalid(
            why="an override takes a note that says why", zh="改判时请在 note 中说明原因。"
        )
    now = access.platform.clock()
    it = store.decide(access.tx, recommendation_id, given.decision, access.person, now, given.note)
    return _shown(access, it, places.field(access.tx, it.field_id))


@router.post(
    "/v1/recommendations/{recommendation_id}/replay",
    summary="Replay from the stored evidence",
    response_model=Replay,
    responses=WRITE_PROBLEMS,
)
@enters(Action.READ)
def replay(entrant: Entrant, recommendation_id: Id) -> dict[str, Any]:
    """Judge the stored evidence again; a difference is an error of its own."""
    with entrant.reading() as access:
        access.see(store.get(access.tx, recommendation_id))
    found = desk.replay(entrant.platform.database, recommendation_id)
    if not found.identical:
        raise AuditBroken(noun="recommendation", key=recommendation_id)
    return {"identical": True, "input_hash": found.input_hash}


@router.get("/v1/inbox", summary="Inbox", response_model=Inbox, responses=READ_PROBLEMS)
@reads(Action.READ)
def inbox(
    access: Reading,
    page: Annotated[Page, Depends(paged("inbox", most=500))],
    unread: Annotated[bool, Query(description="Only what has not been read")] = False,
) -> dict[str, Any]:
    """List what is addressed to the region of the account, newest first."""
    found = outbox.inbox(
        access.tx,
        access.person,
        unread_only=unread,
        before=page.number(),
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    fields = _Fields(access)
    return {"items": [_letter(access, it, fields) for it in rows], "next": following}


def _letter(access: present.Caller, it: Letter, fields: _Fields) -> dict[str, Any]:
    about = None if it.recommendation_id is None else store.get(access.tx, it.recommendation_id)
    alarm = None if it.alarm_id is None else alarms.get(access.tx, it.alarm_id)
    return {
        "id": it.id,
        "occasion": it.occasion,
        "recommendation": about and _shown(access, about, fields.of(about)),
        "alarm": alarm and shown_alarm(access, alarm),
        "region": present.region(access, it.region_code),
        "created": it.created,
        "read_at": it.read_at,
    }


@router.post(
    "/v1/inbox/{letter_id}/read",
    status_code=204,
    summary="Mark as read",
    response_class=Response,
    responses=ONE_PROBLEMS,
)
@writes(Action.READ)
def read(access: Writing, letter_id: Id) -> None:
    """Leave a receipt; the first time counts."""
    access.see(outbox.letter(access.tx, letter_id, access.person))
    outbox.mark_read(access.tx, letter_id, access.person.id)
