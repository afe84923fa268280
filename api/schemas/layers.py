"""Shapes of scenes, layers, TileJSON and zonal statistics."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.shape import Answer, Bilingual, Box, Cursor
from models.place import Provenance


class Stop(Answer):
    """A value of the legend and its colour."""

    value: float
    color: str = Field(examples=["#1a9850"])


class Legend(Answer):
    """How to read the colours of a layer."""

    unit: str
    stops: list[Stop]
    nodata: str | None


class LayerOut(Answer):
    """A map layer of one scene."""

    id: str
    product: str
    title: Bilingual
    scene: str
    time: datetime
    bbox: Box
    provenance: Provenance
    age_days: int
    tiles: str
    tilejson: str
    legend: Legend
    min_zoom: int
    max_zoom: int
    valid_share: float


class LayerList(Answer):
    """A page of layers, newest first."""

    items: list[LayerOut]
    next: Cursor


class TileJson(Answer):
    """TileJSON 3.0.0, with the legend beside its own members."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str
    tiles: list[str]
    scheme: Literal["xyz"] = "xyz"
    bounds: Box
    minzoom: int
    maxzoom: int
    attribution: str
    legend: Legend


class SceneOut(Answer):
    """A catalogued scene."""

    id: str
    collection: str
    time: datetime
    bbox: Box
    epsg: int
    valid_share: float
    provenance: Provenance
    title: Bilingual


class SceneList(Answer):
    """A page of scenes."""

    items: list[SceneOut]
    next: Cursor


class SceneDetail(SceneOut):
    """A scene with its lineage: sources, checksums, versions, parameters."""

    lineage: dict[str, Any]


class ZonalOut(Answer):
    """Statistics of a product over a field; its values are null below 30 % valid pixels."""

    time: datetime
    scene: str
    mean: float | None
    median: float | None
    p10: float | None
    p90: float | None
    sd: float | None
    n_valid: int
    n_total: int
    valid_share: float
    cloud_share: float | None
    provenance: Provenance


class ZonalList(Answer):
    """The zonal series of a field."""

    items: list[ZonalOut]
