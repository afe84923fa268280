"""Shapes of devices, their datastreams and the register of quantities."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.schemas.places import BilingualName
from api.schemas.shape import (
    Answer,
    Bilingual,
    Cursor,
    Given,
    Instant,
    Key,
    Note,
    Position,
    RegionRef,
    Spot,
)
from models.place import Provenance


class QuantityOut(Answer):
    """An observed quantity of the register."""

    key: str
    unit: str = Field(description="Canonical unit (UCUM) in which values are kept and served")
    low: float = Field(description="Plausible range; outside it a value is flagged RANGE")
    high: float
    label: Bilingual
    decimals: int
    source: str


class QuantityList(Answer):
    """The register of quantities."""

    items: list[QuantityOut]


class QualityOut(Answer):
    """A quality flag; a value with a ``bad`` one counts in no aggregate."""

    key: str
    bit: int
    bad: bool
    label: Bilingual


class QualityList(Answer):
    """The register of quality flags."""

    items: list[QualityOut]


class DatastreamOut(Answer):
    """A datastream; `unit` is the canonical one of its observations."""

    id: int
    channel: str
    quantity: str
    label: Bilingual
    unit: str
    wire_unit: str = Field(description="Unit in which the device sends it")
    depth_cm: float | None
    device_id: int | None
    field_id: int | None


class DatastreamList(Answer):
    """A page of datastreams."""

    items: list[DatastreamOut]
    next: Cursor


class StatusOut(Answer):
    """What is known of a device by its messages; `seen` is null when there was none."""

    seen: datetime | None
    online: bool = Field(
        description="It says so itself, or was heard within three of its usual intervals"
    )
    battery_pct: float | None
    battery_v: float | None
    rssi_dbm: float | None
    snr_db: float | None
    skew_s: float | None = Field(description="Its clock less ours, seconds")
    gateway: str | None


class DeviceOut(Answer):
    """A device with its datastreams."""

    id: int
    key: str
    name: Bilingual
    farm_id: int
    field_id: int | None
    region: RegionRef
    location: Spot
    provenance: Provenance
    profile: str | None = Field(description="Key of its model, see /v1/profiles")
    active: bool = Field(description="An inactive one may not log in, its messages are set aside")
    groups: list[int]
    status: StatusOut
    datastreams: list[DatastreamOut]


class DeviceList(Answer):
    """A page of devices."""

    items: list[DeviceOut]
    next: Cursor


class InstallationOut(Answer):
    """A span of time at one place."""

    location: Spot
    since: datetime
    until: datetime | None
    note: str


class InstallationList(Answer):
    """Where a device has stood, oldest first."""

    items: list[InstallationOut]


class DeviceDetail(DeviceOut):
    """A device with its history of places and its rights at the broker."""

    installations: list[InstallationOut]
    formats: list[str] = Field(description="Payload formats whose own topics it may publish")
    relays: list[str] = Field(description="Topic filters that it may publish for others")
    relay_group_id: int | None = Field(description="Group whose topics it may publish")
    has_secret: bool = Field(description="Whether it may log in to the broker")


class NewDeviceOut(DeviceDetail):
    """A registered device and its secret, which is shown this once."""

    secret: str


class DatastreamIn(Given):
    """A datastream to register."""

    channel: Key = Field(examples=["soil_moisture_10"])
    quantity: Annotated[str, StringConstraints(max_length=64)] = Field(examples=["soil_moisture"])
    unit: Annotated[str, StringConstraints(max_length=32)] = Field(examples=["%"])
    depth_cm: Annotated[float, Field(ge=0, le=10_000, strict=True)] | None = Field(
        None, examples=[10]
    )


FormatNames = Annotated[
    list[Annotated[str, StringConstraints(max_length=40)]], Field(min_length=1, max_length=20)
]
Depth = Annotated[float, Field(ge=0, le=10_000, strict=True, description="Centimetres")]
Ref = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
ProfileKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class DeviceIn(Given):
    """A device to register; its county follows from the location.

    Its datastreams are those of its profile and those named here; one of both is needed.
    """

    key: Key = Field(examples=["probe-7"])
    farm_id: Ref
    field_id: Ref | None = None
    name: BilingualName
    location: Position = Field(examples=[[126.55, 44.83]])
    provenance: Provenance = Provenance.REAL
    profile: ProfileKey | None = Field(None, examples=["dragino-lse01"])
    depth_cm: Depth | None = Field(None, description="Of the buried probe of a profile")
    datastreams: list[DatastreamIn] = Field(default=[], max_length=100)
    formats: FormatNames = Field(default=["heitu"])


class DeviceChange(Given):
    """What is to be changed of a device; what is not named stays."""

    name: BilingualName | None = None
    field_id: Ref | None = None
    location: Position | None = Field(None, description="Where it stands, `since`")
    since: Instant | None = Field(None, description="Of the location; now when it is not given")
    note: Note = Field("", description="Kept with the location")
    profile: ProfileKey | None = None
    active: bool | None = None
    groups: Annotated[list[Ref], Field(max_length=50)] | None = None
    formats: FormatNames | None = None
    relays: (
        Annotated[list[Annotated[str, StringConstraints(max_length=200)]], Field(max_length=50)]
        | None
    ) = Field(None, description="Of a gateway; the province decides")
    relay_group_id: Ref | None = Field(None, description="Of a gateway: for whom it publishes")


class DatastreamsIn(Given):
    """Datastreams to add to a device."""

    datastreams: list[DatastreamIn] = Field(min_length=1, max_length=100)


class DatastreamsAdded(DatastreamList):
    """The datastreams of a device, and how many values kept for them became readings."""

    claimed: int


class DatastreamChange(Given):
    """What is to be changed of a datastream; its quantity stays."""

    channel: Key | None = None
    unit: Annotated[str, StringConstraints(max_length=32)] | None = None
    depth_cm: Depth | None = None


class InstallationIn(Given):
    """A place where a device stood from a time on, until the installation that follows."""

    location: Position
    since: Instant
    note: Note = ""


class SecretOut(Answer):
    """A secret, which is shown this once."""

    key: str = Field(description="The account at the broker, and the client id")
    secret: str


class EventOut(Answer):
    """Something that was done to a device."""

    id: int
    at: datetime
    by: str
    what: str
    detail: dict[str, Any]


class EventList(Answer):
    """A page of what was done to a device, newest first."""

    items: list[EventOut]
    next: Cursor


class UnclaimedOut(Answer):
    """A key of a device's payloads that has no datastream."""

    channel: str
    first: datetime
    last: datetime
    n: int
    example: str
    suggestion: str | None = Field(description="Channel of the device's profile that it may be")


class UnclaimedList(Answer):
    """Keys of a device's payloads that have no datastream, each once."""

    items: list[UnclaimedOut]


class CalibrationIn(Given):
    """A correction by valid-time: value = canonical(raw) x gain + bias over [since, until)."""

    since: Instant
    until: Instant | None = None
    gain: Annotated[float, Field(ge=-1e6, le=1e6, strict=True)] = 1.0
    bias: Annotated[float, Field(ge=-1e9, le=1e9, strict=True)] = 0.0
    note: Note = ""


class CalibrationOut(Answer):
    """A correction by valid-time, and whether the stored readings follow it."""

    id: int
    since: datetime
    until: datetime | None
    gain: float
    bias: float
    note: str
    by: str
    created: datetime
    applied: datetime | None = Field(
        description="When all stored readings followed it; null: run `deploy recalibrate`"
    )


class CalibrationList(Answer):
    """The corrections of a datastream, oldest first."""

    items: list[CalibrationOut]


class CalibrationMade(CalibrationOut):
    """A correction and how many stored readings were derived again."""

    rederived: int


class ProfileChannelOut(Answer):
    """A value of a device model."""

    name: str
    quantity: str
    unit: str
    depth_cm: float | None
    buried: bool
    optional: bool


class ProfileOut(Answer):
    """A device model."""

    key: str
    maker: str
    name: Bilingual
    cadence_s: float | None
    channels: list[ProfileChannelOut]


class ProfileList(Answer):
    """Device models of this platform."""

    items: list[ProfileOut]
