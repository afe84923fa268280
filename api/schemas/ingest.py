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


_TIME: dict[str, Any] = {
    "description": "RFC 3339 with a zone, or epoch seconds or milliseconds",
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
}
_READING: dict[str, Any] = {
    "type": "object",
    "required": ["time", "value"],
    "properties": {
        "device": {"type": "string", "description": "Key; a device that sends may leave it out"},
        "datastream": {"type": "integer", "description": "Id, instead of device and channel"},
        "time": _TIME,
        "channel": {"type": "string"},
        "quantity": {"type": "string"},
        "depth_cm": {"type": "number"},
        "value": {"type": "number"},
        "unit": {"type": "string"},
    },
}
_SEVERAL: dict[str, Any] = {
    "type": "object",
    "required": ["readings"],
    "properties": {
        "device": {"type": "string"},
        "readings": {"type": "array", "items": _READING, "minItems": 1, "maxItems": 10_000},
    },
}
_VALUES: dict[str, Any] = {
    "type": "object",
    "required": ["time", "values"],
    "properties": {
        "device": {"type": "string"},
        "time": _TIME,
        "values": {"type": "object", "additionalProperties": {"type": "number"}},
    },
}
_BATCH = {"type": "array", "items": _READING, "minItems": 1, "maxItems": 10_000}
_ENTITY: dict[str, Any] = {
    "type": "object",
    "required": ["result"],
    "properties": {
        "result": {"type": "number"},
        "phenomenonTime": {"type": "string", "format": "date-time"},
        "resultTime": {"type": "string", "format": "date-time"},
        "parameters": {"type": "object"},
        "Datastream": {
            "type": "object",
            "required": ["@iot.id"],
            "properties": {"@iot.id": {"type": "integer"}},
        },
    },
}
_ARRAYS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["Datastream", "components", "dataArray"],
        "properties": {
            "Datastream": _ENTITY["properties"]["Datastream"],
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
        "application/json": {"anyOf": [_READING, _BATCH, _SEVERAL, _VALUES]},
        "application/x-ndjson": {"type": "string", "description": "One reading a line"},
    }
)
ENTITY = _asks({"application/json": _ENTITY})
ARRAYS = _asks({"application/json": _ARRAYS})
EVENT = _asks({"application/json": {"type": "object"}})


class Created(Answer):
    """An observation that was created, or was there already."""

    id: str = Field(alias="@iot.id", examples=["1-1777593600000000-0"])
    link: str = Field(alias="@iot.selfLink")
