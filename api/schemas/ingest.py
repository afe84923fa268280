"""Shapes of readings handed in and of what became of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from api.schemas.shape import Answer, Bilingual
from models.reading import Reason


class Outcome(StrEnum):
    """What became of a reading; every one of them is accounted for."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REVISED = "revised"
    QUARANTINED = "quarantined"


class ItemOut(Answer):
    """What became of one reading."""

    item: int = Field(description="Place of the element in the body, from 0")
    reading: int = Field(description="Place of the reading in the element, from 0")
    outcome: Outcome
    reason: Reason | None = Field(description="Why it was quarantined")
    detail: Bilingual | None


class Receipt(Answer):
    """What became of a body: received = stored + duplicate + quarantined, as in the ledger."""

    received: int
    stored: int = Field(description="Those that replaced an earlier value included")
    revised: int
    duplicate: int
    quarantined: int
    items: list[ItemOut]


# No schema of a reading: one that does not fit is not refused but put aside, accounted for.
_READING = {"device": "probe-7", "time": "2026-05-01T08:00:00+08:00", "channel": "w", "value": 23.1}
_BODY: dict[str, Any] = {
    "description": (
        "A reading, a list of readings, or {readings: [...]}. A reading has device (key; a device "
        "that sends may leave it out) and channel or quantity with depth_cm, or instead of these "
        "datastream (id); time, RFC 3339 with a zone or epoch seconds or milliseconds; value; "
        "and, where it is not the registered one, unit. Or, instead of value, "
        "values: {channel: number}."
    ),
    "type": ["object", "array"],
    "minItems": 1,
    "examples": [_READING, [_READING], {"readings": [_READING]}],
}
_STREAM: dict[str, Any] = {
    "type": "object",
    "required": ["@iot.id"],
    "properties": {"@iot.id": {"type": "integer"}},
}
# resultTime, parameters and FeatureOfInterest may be anything: they are not looked at
_ENTITY: dict[str, Any] = {
    "type": "object",
    "required": ["result"],
    "properties": {
        "result": {"type": "number"},
        "phenomenonTime": {
            "type": ["string", "number", "null"],
            "description": "RFC 3339; the instant of arrival when it is left out",
        },
    },
}
_ARRAYS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["Datastream", "components", "dataArray"],
        "properties": {
            "Datastream": _STREAM,
            "components": {"type": "array", "items": {"type": "string"}},
            "dataArray": {"type": "array", "items": {"type": "array"}},
        },
    },
}


def _asks(content: Mapping[str, Any]) -> dict[str, Any]:
    media = {name: {"schema": schema} for name, schema in content.items()}
    return {"requestBody": {"required": True, "content": media}}


OBSERVATIONS = _asks(
    {
        "application/json": _BODY,
        "application/x-ndjson": {"type": "string", "description": "One reading a line"},
    }
)
OBSERVATION_OF = _asks({"application/json": _ENTITY})
OBSERVATION = _asks(
    {
        "application/json": {
            **_ENTITY,
            "required": ["result", "Datastream"],
            "properties": {**_ENTITY["properties"], "Datastream": _STREAM},
        }
    }
)
ARRAYS = _asks({"application/json": _ARRAYS})
EVENT = _asks({"application/json": {"type": "object"}})


class Created(Answer):
    """An observation that was created, or was there already."""

    id: str = Field(alias="@iot.id", examples=["1-1777593600000000-0"])
    link: str = Field(alias="@iot.selfLink")
