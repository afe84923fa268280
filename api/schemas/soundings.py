"""Shapes of values under a point, over an area and by date."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.schemas.shape import Answer, Given
from models.place import Provenance

ProductKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class PointOut(Answer):
    """The value of a layer under a point; null where it is masked."""

    layer: str
    scene: str
    product: str
    time: datetime
    value: float | None
    valid: bool
    unit: str
    provenance: Provenance


class PointSeries(Answer):
    """The values of a product under a point, oldest first."""

    items: list[PointOut]


class AreaGiven(Given):
    """An area: a GeoJSON Polygon or MultiPolygon, degrees."""

    geometry: dict[str, Any] = Field(
        examples=[{"type": "Polygon", "coordinates": [[[126, 44], [126.1, 44], [126, 44.1]]]}]
    )


class AreaOut(Answer):
    """Statistics over an area, each pixel by its share inside; null below 30 % valid."""

    layer: str
    scene: str
    product: str
    time: datetime
    unit: str
    mean: float | None
    median: float | None
    p10: float | None
    p90: float | None
    sd: float | None
    n_valid: int
    n_total: int
    valid_share: float
    provenance: Provenance


class DayOut(Answer):
    """A day with layers: how many, and the share of clear pixels of the best and of all."""

    date: date
    layers: int
    clear_share: float
    mean_share: float


class DayList(Answer):
    """Days, newest first."""

    items: list[DayOut]
