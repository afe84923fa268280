"""Shapes of alarm rules and their back-tests."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.places import BilingualName
from api.schemas.shape import Answer, Bilingual, Cursor, Given, Key, Note, RegionRef
from models.alarm import Kind, Severity, Side, Trust
from models.place import FarmKind

_YEAR_S = 366 * 86_400
Seconds = Annotated[float, Field(ge=0, le=_YEAR_S, strict=True)]
Scope = Annotated[
    str,
    StringConstraints(pattern=r"^(all|(region|farm|field|device|datastream):[0-9]{1,9})$"),
]
# strict: a boolean is not a number
Depth = Annotated[float, Field(ge=0, le=10_000, strict=True)]
Month = Annotated[int, Field(ge=1, le=12)]
Figure = Annotated[float, Field(ge=-1e9, le=1e9, strict=True)]


class BilingualNote(Given):
    """Text in both languages, a sentence or two."""

    zh: Note
    en: Note


class TermIn(Given):
    """One quantity and its limit, in the canonical unit."""

    quantity: Annotated[str, StringConstraints(max_length=64)] = Field(
        description="A quantity of the register, or thi_mader_2006 in an index rule",
        examples=["air_temperature"],
    )
    side: Side
    limit: Figure
    hysteresis: Annotated[float, Field(ge=0, le=1e9, strict=True)] = 0.0
    depth_cm: Annotated[list[Depth], Field(min_length=2, max_length=2)] | None = None


class _Parts(Given):
    """What a rule and a change of one share."""

    kind: Kind
    severity: Severity
    title: BilingualName
    text: BilingualNote
    source: Note = Field(description="Where the limit comes from")
    trust: Trust = Field(description="S read in its source, C computed, R recalled, D our choice")


class AlarmRuleIn(_Parts):
    """A rule to keep; it is switched off until it has been back-tested."""

    key: Key = Field(examples=["frost-orchard"])
    terms: list[TermIn] = Field(default_factory=list, max_length=2)
    scope: Scope = "all"
    farm_kind: FarmKind | None = None
    months: list[Month] = Field(default_factory=list, max_length=12)
    hold_s: Seconds = 0.0
    clear_delay_s: Seconds = 0.0
    max_age_s: Seconds = 21_600.0
    window_s: Seconds = 0.0
    cadences: Annotated[float, Field(ge=1, le=1000, strict=True)] = 3.0
    at_least_s: Seconds = 900.0
    per: Literal["device", "datastream"] = "device"
    escalate_after_s: Seconds | None = None


class AlarmRuleChange(Given):
    """What to change of a rule; what is left out stays.

    Another judgement than before switches the rule off until it is back-tested, unless
    `force` is given. `enabled` takes a back-test of the last 30 days, or `force`.
    """

    severity: Severity | None = None
    title: BilingualName | None = None
    text: BilingualNote | None = None
    source: Note | None = None
    trust: Trust | None = None
    terms: Annotated[list[TermIn], Field(max_length=2)] | None = None
    scope: Scope | None = None
    farm_kind: FarmKind | None = None
    months: Annotated[list[Month], Field(max_length=12)] | None = None
    hold_s: Seconds | None = None
    clear_delay_s: Seconds | None = None
    max_age_s: Seconds | None = None
    window_s: Seconds | None = None
    cadences: Annotated[float, Field(ge=1, le=1000, strict=True)] | None = None
    at_least_s: Seconds | None = None
    per: Literal["device", "datastream"] | None = None
    escalate_after_s: Seconds | None = None
    enabled: bool | None = None
    force: bool = False


class TermOut(Answer):
    """One quantity and its limit."""

    quantity: str
    side: Side
    limit: float
    hysteresis: float
    depth_cm: list[float] | None


class AlarmRuleOut(Answer):
    """A rule as it is kept."""

    id: int
    key: str
    kind: Kind
    severity: Severity
    title: Bilingual
    text: Bilingual
    source: str
    trust: Trust
    terms: list[TermOut]
    scope: str
    region: RegionRef
    farm_kind: FarmKind | None
    months: list[int]
    hold_s: float
    clear_delay_s: float
    max_age_s: float
    window_s: float
    cadences: float
    at_least_s: float
    per: str
    escalate_after_s: float | None
    enabled: bool
    version: int
    tested: datetime | None = Field(description="When this version was back-tested")
    updated: datetime
    updated_by: str


class AlarmRuleList(Answer):
    """A page of rules."""

    items: list[AlarmRuleOut]
    next: Cursor


class SpanOut(Answer):
    """One alarm that would have been; `until` null: it would still be open."""

    opened: datetime
    until: datetime | None
    peak: float


class SubjectTallyOut(Answer):
    """What the rule would have done at one subject; the first 50 spans."""

    subject: str
    name: Bilingual
    n: int
    hours: float
    spans: list[SpanOut]


class TallyOut(Answer):
    """What the rule would have done."""

    n: int = Field(description="Alarms; an outage of a group is one")
    days: dict[date, int] = Field(description="Asia/Shanghai days of opening")
    hours: float
    judged: int = Field(description="Subjects looked at")
    readings: int
    subjects: list[SubjectTallyOut] = Field(description="At most 200, the most alarms first")
    note: Bilingual


class BacktestOut(Answer):
    """A run of a rule over stored readings."""

    id: int
    rule_id: int
    version: int
    start: datetime
    end: datetime
    state: Literal["running", "done", "failed"]
    done: int
    total: int
    started: datetime
    started_by: str
    error: str | None
    result: TallyOut | None
