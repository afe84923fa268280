"""Shapes of observations and latest values."""

from datetime import datetime

from pydantic import Field

from api.schemas.shape import Answer, Bilingual, Cursor, Spot
from models.place import Provenance


class ReadingOut(Answer):
    """One raw reading in the canonical unit; `quality` is empty when it is good."""

    datastream: int
    time: datetime
    value: float
    quality: list[str]


class BucketOut(Answer):
    """An aggregate over an hour or an Asia/Shanghai day; null when no reading was good."""

    datastream: int
    start: datetime
    n: int
    n_good: int
    mean: float | None
    min: float | None
    max: float | None


class SeriesOut(Answer):
    """What a datastream measures."""

    datastream: int
    quantity: str
    unit: str
    depth_cm: float | None
    label: Bilingual


class Observations(Answer):
    """A page of readings or aggregates."""

    items: list[ReadingOut] | list[BucketOut]
    series: list[SeriesOut]
    next: Cursor


class DeviceRef(Answer):
    """Which device."""

    id: int
    key: str
    name: Bilingual


class LatestOut(Answer):
    """The newest value of a datastream by phenomenon time."""

    datastream: int
    device: DeviceRef
    field_id: int | None
    farm_id: int
    location: Spot
    quantity: str
    label: Bilingual
    unit: str
    depth_cm: float | None
    time: datetime
    value: float
    quality: list[str]
    provenance: Provenance
    age_s: int


class LatestList(Answer):
    """A page of newest values."""

    items: list[LatestOut]
    next: Cursor
    server_time: datetime = Field(
        description=(
            "Give it back as updated_after to ask for what changed since. It lies a few "
            "seconds back, so that a value committed meanwhile is not missed: a value may "
            "come twice."
        )
    )
