"""Recommendations with their evidence, kept so that they replay to the bit."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy.engine import Row

from models.errors import NotFound
from models.person import Person
from models.recommendation import (
    Advice,
    Decision,
    Reason,
    Recommendation,
    Status,
    canonical_json,
)
from models.store.database import ReadTx, WriteTx


def advice_json(advice: Advice) -> str:
    """Serialise an advice so that equal advices give equal bytes."""
    return json.dumps(asdict(advice), sort_keys=True, ensure_ascii=False, default=date.isoformat)


def _advice(text: str) -> Advice:
    facts = json.loads(text)
    window = facts["window"]
    return Advice(
        **facts
        | {
            "status": Status(facts["status"]),
            "window": None if window is None else tuple(map(date.fromisoformat, window)),
            "reasons": tuple(Reason(**reason) for reason in facts["reasons"]),
            "expires": date.fromisoformat(facts["expires"]),
        }
    )


def _recommendation(r: Row[Any]) -> Recommendation:
    return Recommendation(
        id=r.id,
        kind=r.kind,
        crop=r.crop,
        field_id=r.field_id,
        region_code=r.region_code,
        as_of=r.as_of,
        issued=r.issued,
        method=r.method,
        method_version=r.method_version,
        input_hash=r.input_hash,
        advice=_advice(r.advice),
        evidence=json.loads(r.evidence),
        decision=None if r.decision is None else Decision(r.decision),
        decided_by=r.decided_by,
        decided_at=r.decided_at,
        decision_note=r.decision_note,
    )


def save(tx: WriteTx, recommendation: Recommendation) -> Recommendation:
    """Keep a recommendation (its id is ignored) and return it with its id.

    The same evidence judged by the same method on the same day gives the one kept before.
    """
    key = {
        "kind": recommendation.kind,
        "crop": recommendation.crop,
        "field_id": recommendation.field_id,
        "as_of": recommendation.as_of,
        "method_version": recommendation.method_version,
        "input_hash": recommendation.input_hash,
    }
    row = tx.row(
        "recommendations",
        "save",
        **key,
        region_code=recommendation.region_code,
        issued=recommendation.issued,
        method=recommendation.method,
        status=recommendation.advice.status,
        advice=advice_json(recommendation.advice),
        evidence=canonical_json(recommendation.evidence),
    ) or tx.row("recommendations", "same", **key)
    assert row is not None
    return _recommendation(row)


def get(tx: ReadTx, recommendation_id: int) -> Recommendation:
    """Return one recommendation, or raise NotFound."""
    row = tx.row("recommendations", "recommendation", id=recommendation_id)
    if row is None:
        raise NotFound(noun="recommendation", key=recommendation_id)
    return _recommendation(row)


def listed(
    tx: ReadTx,
    *,
    prefix: str = "",
    field_id: int | None = None,
    status: Status | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Recommendation]:
    """Return recommendations, newest first, from the one before id ``before``."""
    rows = tx.rows(
        "recommendations",
        "recommendations",
        prefix=prefix,
        field_id=field_id,
        status=status,
        before=before,
        limit=limit,
    )
    return [_recommendation(r) for r in rows]


def decide(
    tx: WriteTx,
    recommendation_id: int,
    decision: Decision,
    person: Person,
    at: datetime,
    note: str | None,
) -> Recommendation:
    """Record what an officer made of a recommendation, or raise NotFound."""
    row = tx.row(
        "recommendations",
        "decide",
        id=recommendation_id,
        decision=decision,
        decided_by=person.login,
        decided_at=at,
        note=note,
    )
    if row is None:
        raise NotFound(noun="recommendation", key=recommendation_id)
    return _recommendation(row)
