"""The outline of a field as it comes in: checked before anything else sees it."""

from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from models.errors import Invalid
from models.store.places import area_ha

# Jilin (121.6-131.3 E, 40.9-46.3 N) with a margin
WEST, SOUTH, EAST, NORTH = 120.0, 40.0, 132.0, 47.0
_SMALLEST = 0.005  # ha: 50 m2, a demonstration plot
_LARGEST = 20_000.0  # ha: ten times the largest farm block of the province
_MOST_CORNERS = 20_000


def outline(given: dict[str, Any]) -> BaseGeometry:
    """Make a polygon of a GeoJSON geometry, longitude first, degrees.

    Raises
    ------
    Invalid
        It is not a valid polygon, lies outside Jilin, or is absurdly small or large.
    """
    try:
        geometry = shapely.force_2d(shape(given))
    except (ShapelyError, ValueError, TypeError, IndexError, AttributeError, OverflowError):
        raise _refused("coordinates are not those of a polygon", "坐标不构成多边形") from None
    if not isinstance(geometry, Polygon | MultiPolygon) or geometry.is_empty:
        raise _refused("it is not a polygon", "不是多边形")
    _check_corners(geometry)
    if not geometry.is_valid:
        why = explain_validity(geometry)
        raise _refused(f"the outline is not valid: {why}", f"边界无效：{why}")
    # outer ring counter-clockwise, holes clockwise (RFC 7946): else a hole adds to the area
    geometry = shapely.orient_polygons(geometry)
    _check_area(area_ha(geometry))
    return geometry


def _check_corners(geometry: BaseGeometry) -> None:
    if shapely.get_num_coordinates(geometry) > _MOST_CORNERS:
        raise _refused(f"more than {_MOST_CORNERS} corners", f"顶点多于 {_MOST_CORNERS} 个")
    bounds = geometry.bounds
    if _within(bounds):
        return
    if _within((bounds[1], bounds[0], bounds[3], bounds[2])):
        raise _refused(
            "latitude and longitude are swapped: GeoJSON is [longitude, latitude]",
            "经纬度顺序颠倒：GeoJSON 为 [经度, 纬度]",
        )
    raise _refused(
        f"it lies outside {WEST:g}-{EAST:g} E, {SOUTH:g}-{NORTH:g} N",
        f"超出东经 {WEST:g}-{EAST:g}、北纬 {SOUTH:g}-{NORTH:g} 的范围",
    )


def _within(bounds: tuple[float, ...]) -> bool:
    west, south, east, north = bounds
    return west >= WEST and south >= SOUTH and east <= EAST and north <= NORTH


def _check_area(hectares: float) -> None:
    if not _SMALLEST <= hectares <= _LARGEST:
        raise _refused(
            f"its area is {hectares:.4g} ha; {_SMALLEST:g} to {_LARGEST:g} ha are accepted",
            f"面积为 {hectares:.4g} 公顷；可接受 {_SMALLEST:g} 至 {_LARGEST:g} 公顷",
        )


def _refused(why: str, zh: str) -> Invalid:
    return Invalid(why=f"geometry: {why}", zh=f"几何无效：{zh}。")
