"""Shapes of observations and latest values."""

from datetime import datetime

from pydantic import Field

from api.schemas.shape import Answer, Bilingual, Cursor, Spot
from models.place import Provenance


class RevisionOut(Answer):
    """A value that another one has replaced, and when, and who brought the other one."""

    value: float
    raw: float
    raw_unit: str
    received: datetime
    quality: list[str]
    superseded: datetime
    by: str


class ReadingOut(Answer):
    """One raw reading in the canonical unit; `quality` is empty when it is good.

    The members after it come when `include` asks for them.
    """

    datastream: int
    time: datetime
    value: float
    quality: list[str]
    seq: int | None = None
    raw: float | None = Field(None, description="As the device sent it, in `raw_unit`")
    raw_unit: str | None = None
    received: datetime | None = None
    revisions: list[RevisionOut] | None = None


class BucketOut(Answer):
    """An aggregate over a bucket of time; null when no reading in it counts.

    Of mean, min, max, last, sum and count those come that `aggregation` names.
    """

    datastream: int
    start: datetime
    n: int = Field(description="Readings")
    n_good: int = Field(description="Readings without a flag that makes them bad")
    coverage: float | None = Field(
        None, description="Good ones, percent of those expected; null while that is not known"
    )
    mean: float | None = None
    min: float | None = None
    max: float | None = None
    last: float | None = None
    sum: float | None = None
    count: int | None = Field(None, description="Readings that count in the aggregates")


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
