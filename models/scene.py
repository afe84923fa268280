"""Scenes and the layers made from them (STAC words)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.place import Provenance


@dataclass(frozen=True, slots=True)
class Scene:
    """A catalogued satellite scene.

    Attributes
    ----------
    id : str
        Stable: the same source taken in twice has the same id.
    collection : str
        STAC collection, e.g. ``sentinel-2-l2a``.
    time : datetime
        Acquisition time (UTC).
    bbox : tuple of float
        West, south, east, north in degrees (EPSG:4490).
    valid_share : float
        Share of pixels that carry an unmasked value, 0..1.
    lineage : dict
        Source files with checksums, processing baseline, mask version, code version,
        parameters.
    """

    id: str
    collection: str
    time: datetime
    bbox: tuple[float, float, float, float]
    epsg: int
    valid_share: float
    provenance: Provenance
    lineage: dict[str, Any]
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A map layer of one scene: a numeric COG and a display COG under the archive.

    `data_path` is int16, value = DN * scale + offset; `display_path` is uint8 on the
    GoogleMapsCompatible grid, 0 = nodata, 1..255 spans `low`..`high`; both are relative
    to the archive folder.
    """

    id: str
    scene_id: str
    product: str
    time: datetime
    bbox: tuple[float, float, float, float]
    data_path: str
    display_path: str
    bands_path: str | None
    scale: float
    offset: float
    low: float
    high: float
    palette: str
    min_zoom: int
    max_zoom: int
    provenance: Provenance
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class ZonalValue:
    """Statistics of one product over one field on one date, weighted by pixel coverage.

    `mean`, the quantiles `median`, `p10`, `p90` and the standard deviation `sd` are None when
    fewer than 30 % of the field's pixels are valid; the latter four also for scenes that were
    judged before they were kept.
    """

    field_id: int
    scene_id: str
    product: str
    time: datetime
    mean: float | None
    n_valid: int
    n_total: int
    valid_share: float
    cloud_share: float | None
    median: float | None = None
    p10: float | None = None
    p90: float | None = None
    sd: float | None = None
