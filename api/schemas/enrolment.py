"""Shapes of devices by the hundred, and of claim keys."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.devices import Depth, DeviceDetail, ProfileKey, Ref
from api.schemas.places import BilingualName
from api.schemas.shape import Answer, Cursor, Given, Key, Position, RegionRef


class OutcomeOut(Answer):
    """What became of a row; `line` is its line in the CSV, or its place in the list from 1."""

    line: int
    key: str
    outcome: Literal["registered", "exists", "refused"]
    device_id: int | None
    secret: str | None = Field(description="Shown this once, of a device that was registered")
    why: str | None


class Outcomes(Answer):
    """What became of the rows; in a dry run what would have become of them."""

    dry_run: bool
    registered: int
    exists: int
    refused: int
    rows: list[OutcomeOut]


ClaimKey = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class ClaimIn(Given):
    """A claim key as printed on a label, and where the device is to be.

    Without a location the device stands where its farm does.
    """

    claim_key: ClaimKey = Field(examples=["7K2M-9QXD-4T8B-HZ3W"])
    farm_id: Ref
    field_id: Ref | None = None
    name: BilingualName
    location: Position | None = None
    depth_cm: Depth | None = Field(None, description="Of a buried probe")


class ClaimedOut(DeviceDetail):
    """A claimed device and its secret, which is shown this once."""

    secret: str


class AnnouncedIn(Given):
    """A device to announce, with the claim key on its label if it has one already."""

    key: Key = Field(examples=["probe-7"])
    claim_key: ClaimKey | None = None


class AnnouncementIn(Given):
    """Devices of one model that may be claimed in a region (the account's own by default)."""

    profile: ProfileKey
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    devices: list[AnnouncedIn] = Field(min_length=1, max_length=1000)


class AnnouncedOut(Answer):
    """An announced device and its claim key, which is shown this once."""

    key: str
    claim_key: str


class AnnouncementOut(Answer):
    """Claim keys to print."""

    items: list[AnnouncedOut]


class AnnouncementState(Answer):
    """An announced device and what became of it; the claim key itself is not kept."""

    key: str
    profile: str
    region: RegionRef
    announced: datetime
    announced_by: str
    claimed: datetime | None
    claimed_by: str | None
    device_id: int | None


class AnnouncementList(Answer):
    """A page of announced devices."""

    items: list[AnnouncementState]
    next: Cursor


# the rows of POST /v1/devices/bulk, read by `ingest.enrolment` one by one
_TEXT = {"type": "string", "maxLength": 1000}
_NUMBER = {"type": ["number", "null"]}
ROW: dict[str, Any] = {
    "type": "object",
    "required": ["key", "farm", "name_zh"],
    "additionalProperties": False,
    "properties": {
        "key": _TEXT,
        "farm": _TEXT,
        "field": _TEXT,
        "name_zh": _TEXT,
        "name_en": _TEXT,
        "lon": _NUMBER,
        "lat": _NUMBER,
        "profile": _TEXT,
        "datastreams": _TEXT,
        "depth_cm": _NUMBER,
        "formats": _TEXT,
        "groups": _TEXT,
        "provenance": {"enum": ["real", "relocated", "synthetic"]},
    },
}
BULK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A table of devices: CSV with these columns in its first line, or a list",
        "content": {
            "application/json": {"schema": {"type": "array", "items": ROW}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}
