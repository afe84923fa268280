"""Shapes of regions, farms and fields."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.shape import (
    Answer,
    Bilingual,
    Cursor,
    Given,
    Key,
    Name,
    Note,
    Position,
    RegionRef,
    Spot,
)
from models.place import FarmKind, Level, Provenance


class GeometryOut(Answer):
    """A GeoJSON geometry."""

    type: str
    coordinates: list[Any]


class RegionProperties(Answer):
    """Particulars of a division."""

    code: str
    name: str
    level: Level
    parent: str | None
    area_km2: float
    label: Spot


class RegionFeature(Answer):
    """A division with its outline."""

    type: Literal["Feature"]
    id: str
    geometry: GeometryOut
    properties: RegionProperties
    attribution: Bilingual | None = None
    requested_code: str | None = Field(None, description="The retired code that was asked for")


class RegionCollection(Answer):
    """Divisions as GeoJSON."""

    type: Literal["FeatureCollection"]
    attribution: Bilingual
    features: list[RegionFeature]


class FarmOut(Answer):
    """A farm, pasture, fishery or workshop."""

    id: int
    key: str
    name: Bilingual
    kind: FarmKind
    region: RegionRef
    location: Spot
    provenance: Provenance
    note: Bilingual


class FarmList(Answer):
    """A page of farms."""

    items: list[FarmOut]
    next: Cursor


class BilingualName(Given):
    """A name in both languages."""

    zh: Name
    en: Name


class BilingualNote(Given):
    """A note in both languages."""

    zh: Note = ""
    en: Note = ""


class FarmIn(Given):
    """A farm to register; its county follows from the location."""

    key: Key = Field(examples=["yushu-demo"])
    name: BilingualName
    kind: FarmKind
    location: Position = Field(examples=[[126.55, 44.83]])
    provenance: Provenance = Provenance.REAL
    note: BilingualNote = BilingualNote()


class FieldProperties(Answer):
    """Particulars of a field."""

    id: int
    key: str
    farm_id: int
    name: Bilingual
    region: RegionRef
    area_ha: float
    area_mu: float
    crop: str | None
    soil: str | None
    provenance: Provenance


class FieldFeature(Answer):
    """A field as GeoJSON."""

    type: Literal["Feature"]
    id: int
    geometry: GeometryOut
    properties: FieldProperties


class FieldCollection(Answer):
    """A page of fields as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: list[FieldFeature]
    next: Cursor


Degrees = Annotated[float, Field(strict=True, ge=-180, le=180)]
Corner = Annotated[list[Degrees], Field(min_length=2, max_length=3)]
Ring = Annotated[list[Corner], Field(min_length=4)]
Rings = Annotated[list[Ring], Field(min_length=1, max_length=100)]


class PolygonIn(Given):
    """A GeoJSON Polygon, longitude first; a third number of a corner is left out."""

    type: Literal["Polygon"]
    coordinates: Rings


class MultiPolygonIn(Given):
    """A GeoJSON MultiPolygon, longitude first."""

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Rings], Field(min_length=1, max_length=100)]


class FieldIn(Given):
    """A field to register; county and area follow from the outline."""

    key: Key = Field(examples=["yushu-demo-1"])
    farm_id: int = Field(ge=1, le=2**31 - 1, strict=True)
    name: BilingualName
    geometry: PolygonIn | MultiPolygonIn = Field(discriminator="type")
    datum: Literal["CGCS2000", "WGS84", "GCJ-02", "BD-09"] = Field(
        description=(
            "Datum of the coordinates. GCJ-02 and BD-09 are refused: in Jilin they lie "
            "460 to 680 m off; convert to CGCS2000 first."
        )
    )
    crop: Name | None = Field(None, examples=["maize"])
    soil: Name | None = Field(None, examples=["black soil"])
    provenance: Provenance = Provenance.REAL
