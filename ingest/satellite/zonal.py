"""Statistics of a product over fields, weighted by how much of each pixel lies inside.

exactextract computes the share of every pixel that a polygon covers; on an 0.25 ha garden
plot counting pixel centres would be off by a third of the area.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from exactextract import exact_extract
from exactextract.feature import JSONFeatureSource
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from analytics.remote.digital import NUMBER_NODATA, NUMBER_SCALE
from analytics.remote.zonal import Spread, Verdict, verdict
from ingest.satellite.plan import DEGREES, Grid
from models.place import Field

# how exactextract names what it returns
_SPREAD = ("median", "quantile_10", "quantile_90", "stdev")
_OPERATIONS = ["count", "mean", "median", "quantile(q=0.1)", "quantile(q=0.9)", "stdev"]


@dataclass(frozen=True, slots=True)
class Rasters:
    """What the statistics are taken from.

    Attributes
    ----------
    numbers : ndarray (y, x) of int16
        Values on ``grid``, in steps of ``scale``.
    clouds : ndarray (y, x) of bool or None
        On a grid of the same corner, ``ratio`` times coarser; None: no mask knows.
    """

    grid: Grid
    numbers: NDArray[np.int16]
    clouds: NDArray[np.bool_] | None
    ratio: int
    scale: float = NUMBER_SCALE


def verdicts(fields: list[Field], rasters: Rasters) -> list[tuple[Field, Verdict]]:
    """Judge every field that the scene touches."""
    grid = rasters.grid
    scene = shapely.box(grid.left, grid.bottom, grid.right, grid.top)
    shapes = zip(fields, _projected([field.geometry for field in fields], grid.epsg), strict=True)
    touched = [(field, shape) for field, shape in shapes if shape.intersects(scene)]
    if not touched:
        return []
    polygons = [shape for _, shape in touched]
    found = _statistics(polygons, rasters)
    cloudy = _clouds(polygons, rasters)
    return [
        (
            field,
            verdict(
                mean=_scaled(found[i]["mean"], rasters.scale),
                valid=float(found[i]["count"]),
                total=shape.area / (grid.dx * grid.dy),
                cloud=None if cloudy is None else cloudy[i],
                spread=_spread(found[i], rasters.scale),
            ),
        )
        for i, (field, shape) in enumerate(touched)
    ]


def over(shape: BaseGeometry, rasters: Rasters) -> Verdict:
    """Judge one area (degrees, EPSG:4490), such as a county."""
    grid = rasters.grid
    (inside,) = _projected([shape], grid.epsg)
    (found,) = _statistics([inside], rasters)
    return verdict(
        mean=_scaled(found["mean"], rasters.scale),
        valid=float(found["count"]),
        total=inside.area / (grid.dx * grid.dy),
        cloud=None,
        spread=_spread(found, rasters.scale),
    )


def _projected(shapes: list[BaseGeometry], epsg: int) -> list[BaseGeometry]:
    """Project polygons; the transformer takes 60 ms to set up, so once for all."""
    to_metres = pyproj.Transformer.from_crs(DEGREES, epsg, always_xy=True)

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_metres.transform(points[:, 0], points[:, 1]))

    return [shapely.transform(shape, project) for shape in shapes]


def _statistics(polygons: list[BaseGeometry], rasters: Rasters) -> list[dict[str, Any]]:
    source = _source(rasters.numbers, rasters.grid, 1, nodata=NUMBER_NODATA)
    return _extract(source, polygons, _OPERATIONS)


def _scaled(number: float | None, scale: float) -> float:
    return math.nan if number is None else float(number) * scale


def _spread(found: dict[str, Any], scale: float) -> Spread | None:
    median, p10, p90, sd = (_scaled(found[name], scale) for name in _SPREAD)
    return Spread(median, p10, p90, sd) if math.isfinite(median) else None


def _clouds(polygons: list[BaseGeometry], rasters: Rasters) -> list[float] | None:
    """Pixels of the fine grid under cloud, per polygon."""
    if rasters.clouds is None:
        return None
    source = _source(rasters.clouds.astype(np.uint8), rasters.grid, rasters.ratio)
    return [
        float(one["sum"] or 0) * rasters.ratio**2 for one in _extract(source, polygons, ["sum"])
    ]


def _source(
    values: NDArray[Any], grid: Grid, ratio: int, nodata: int | None = None
) -> NumPyRasterSource:
    height, width = values.shape
    return NumPyRasterSource(
        values,
        xmin=grid.left,
        ymin=grid.top - height * grid.dy * ratio,
        xmax=grid.left + width * grid.dx * ratio,
        ymax=grid.top,
        nodata=nodata,
    )


def _extract(
    source: NumPyRasterSource, polygons: list[BaseGeometry], operations: list[str]
) -> list[dict[str, Any]]:
    features = [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(one)}
        for one in polygons
    ]
    found = exact_extract(source, JSONFeatureSource(features), operations)
    return [one["properties"] for one in found]
