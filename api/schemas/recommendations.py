"""Shapes of recommendations, decisions and the officer's inbox."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.alarms import AlarmOut
from api.schemas.shape import Answer, Bilingual, Cursor, Given, Note, RegionRef
from models.place import Provenance
from models.recommendation import Decision, Status


class FieldRef(Answer):
    """Which field."""

    id: int
    name: Bilingual


class Window(Answer):
    """First and last day, Asia/Shanghai."""

    start: date
    end: date


class ReasonOut(Answer):
    """One reason with its numbers and the source of its threshold."""

    code: str
    text: Bilingual
    numbers: dict[str, int | float | str | None]
    evidence: str
    source: str


class DecisionOut(Answer):
    """What the officer made of it."""

    decision: Decision
    by: str
    at: datetime
    note: str


class RecommendationOut(Answer):
    """A recommendation and its grounds."""

    id: int
    kind: str
    crop: str
    field: FieldRef
    region: RegionRef
    as_of: date
    issued: datetime
    expires: date
    expired: bool
    status: Status
    action: str
    action_text: Bilingual
    window: Window | None
    probability: float | None
    probability_of: Bilingual
    reasons: list[ReasonOut]
    method: str
    method_version: str
    input_hash: str
    decision: DecisionOut | None
    provenance: Provenance


class RecommendationDetail(RecommendationOut):
    """A recommendation with the evidence it was made from."""

    evidence: dict[str, Any]


class RecommendationList(Answer):
    """A page of recommendations."""

    items: list[RecommendationOut]
    next: Cursor


class RecommendationIn(Given):
    """What to advise on."""

    field_id: int = Field(ge=1, le=2**31 - 1, strict=True)
    kind: Literal["sowing_window"] = "sowing_window"
    crop: Literal["maize"] = "maize"
    as_of: date | None = Field(
        None,
        ge=date(1990, 1, 1),
        le=date(2100, 12, 31),
        description="Day of the advice; today (Asia/Shanghai) when left out.",
        examples=["2026-04-28"],
    )


class DecisionIn(Given):
    """Confirm it or override it; an override says why."""

    decision: Decision
    note: Note = ""


class Replay(Answer):
    """Whether the stored evidence gives the same advice again, to the bit."""

    identical: Literal[True]
    input_hash: str


class InboxItem(Answer):
    """A letter for the officer of a county: about a recommendation, or about an alarm."""

    id: int
    occasion: Literal["issued", "opened", "cleared", "escalated"]
    recommendation: RecommendationOut | None
    alarm: AlarmOut | None
    region: RegionRef
    created: datetime
    read_at: datetime | None


class Inbox(Answer):
    """A page of the inbox."""

    items: list[InboxItem]
    next: Cursor
