"""Shapes of devices, their datastreams and the register of quantities."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas.places import BilingualName
from api.schemas.shape import Answer, Bilingual, Cursor, Given, Key, Position, RegionRef, Spot
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


class DeviceDetail(DeviceOut):
    """A device with its history of places."""

    installations: list[InstallationOut]


class NewDeviceOut(DeviceDetail):
    """A registered device and its secret, which is shown this once."""

    secret: str


class DatastreamIn(Given):
    """A datastream to register."""

    channel: Key = Field(examples=["soil_moisture_10"])
    quantity: Annotated[str, StringConstraints(max_length=64)] = Field(examples=["soil_moisture"])
    unit: Annotated[str, StringConstraints(max_length=32)] = Field(examples=["%"])
    depth_cm: Annotated[float, Field(ge=0, le=10_000)] | None = Field(None, examples=[10])


class DeviceIn(Given):
    """A device to register; its county follows from the location."""

    key: Key = Field(examples=["probe-7"])
    farm_id: int = Field(ge=1, le=2**31 - 1, strict=True)
    field_id: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] | None = None
    name: BilingualName
    location: Position = Field(examples=[[126.55, 44.83]])
    provenance: Provenance = Provenance.REAL
    datastreams: list[DatastreamIn] = Field(min_length=1, max_length=100)
