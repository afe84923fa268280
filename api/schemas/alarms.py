"""Shapes of alarms."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.shape import Answer, Bilingual, Cursor, Given, Note, RegionRef, Spot
from models.alarm import Kind, Severity, Trust
from models.place import Provenance


class AcknowledgementOut(Answer):
    """Who looks after it."""

    by: str
    at: datetime
    note: str


class LimitOut(Answer):
    """One quantity and its limit, in the canonical unit."""

    quantity: str
    label: Bilingual
    side: str
    limit: float
    unit: str


class AlarmOut(Answer):
    """One excursion of one rule at one subject."""

    id: int
    rule: str = Field(description="Key of the rule")
    rule_id: int
    kind: Kind
    severity: Severity
    state: Literal["open", "cleared"]
    title: Bilingual
    text: Bilingual = Field(description="What to do")
    reason: Bilingual = Field(description="Why it opened, with its figures")
    source: str
    trust: Trust = Field(description="S read in its source, C computed, R recalled, D our choice")
    limits: list[LimitOut]
    subject: str = Field(examples=["datastream:6", "gateway:a84041"])
    name: Bilingual
    region: RegionRef
    datastream_id: int | None
    device_id: int | None
    farm_id: int | None
    location: Spot | None
    provenance: Provenance
    since: datetime = Field(description="When the condition began")
    opened: datetime
    noticed: datetime
    cleared: datetime | None
    value: float | None
    peak: float | None
    peak_at: datetime | None
    members: int = Field(description="Devices of a group that fell silent together")
    returned: int = Field(description="Those of them that were heard again")
    acknowledged: AcknowledgementOut | None
    escalated: datetime | None


class AlarmEventOut(Answer):
    """One step in the life of an alarm."""

    at: datetime
    noticed: datetime
    what: str
    detail: dict[str, Any]


class MemberOut(Answer):
    """A device of a group that fell silent together."""

    device_id: int
    key: str
    name: Bilingual
    silent_since: datetime
    returned: datetime | None


class AnnotationOut(Answer):
    """An excursion that only late data show; nobody was notified."""

    since: datetime
    until: datetime
    peak: float | None
    noted: datetime


class AlarmDetail(AlarmOut):
    """An alarm with its life, its devices, and what late data show around it."""

    events: list[AlarmEventOut]
    devices: list[MemberOut] = Field(description="At most 1,000")
    late: list[AnnotationOut]


class AlarmList(Answer):
    """A page of alarms."""

    items: list[AlarmOut]
    next: Cursor


class PointOut(Answer):
    """A GeoJSON point."""

    type: Literal["Point"]
    coordinates: Spot


class AlarmProperties(Answer):
    """What the map shows of an alarm."""

    id: int
    severity: Severity
    kind: Kind
    title: Bilingual
    reason: Bilingual
    name: Bilingual
    subject: str
    device_id: int | None
    farm_id: int | None
    region: str
    opened: datetime
    members: int
    acknowledged: bool
    provenance: Provenance


class AlarmFeature(Answer):
    """An open alarm at its place."""

    type: Literal["Feature"]
    id: int
    geometry: PointOut | None
    properties: AlarmProperties


class AlarmCollection(Answer):
    """Open alarms as GeoJSON, newest first; `truncated` when there are more."""

    type: Literal["FeatureCollection"]
    features: list[AlarmFeature]
    counts: dict[str, int] = Field(description="Every open alarm of the region, by severity")
    truncated: bool


class AcknowledgeIn(Given):
    """Say that somebody looks after it."""

    note: Note = ""
