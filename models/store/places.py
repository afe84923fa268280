"""Regions, farms and fields."""

from collections.abc import Mapping
from typing import Any

import shapely
from pyproj import Geod
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.engine import Row

from models.errors import Conflict, Invalid, NotFound
from models.place import Farm, FarmKind, Field, Level, Provenance, Region
from models.store.database import ReadTx, WriteTx

Box = tuple[float, float, float, float]  # west, south, east, north in degrees
_ELLIPSOID = Geod(ellps="GRS80")  # the ellipsoid of CGCS2000
_NO_BOX: Mapping[str, float | None] = {"west": None, "south": None, "east": None, "north": None}


def _edges(bounds: Box) -> dict[str, float]:
    return dict(zip(("west", "south", "east", "north"), map(float, bounds), strict=True))


def _region(r: Row[Any]) -> Region:
    label = (r.label_lon, r.label_lat)
    geometry = shapely.from_wkb(r.geometry)
    return Region(r.code, r.name, Level(r.level), r.parent, r.area_km2, label, geometry)


def _farm(r: Row[Any]) -> Farm:
    return Farm(
        r.id,
        r.key,
        r.name_zh,
        r.name_en,
        FarmKind(r.kind),
        r.region_code,
        (r.lon, r.lat),
        Provenance(r.provenance),
        r.note_zh,
        r.note_en,
    )


def _field(r: Row[Any]) -> Field:
    return Field(
        r.id,
        r.farm_id,
        r.key,
        r.name_zh,
        r.name_en,
        r.region_code,
        shapely.from_wkb(r.geometry),
        r.area_ha,
        r.crop,
        r.soil,
        Provenance(r.provenance),
    )


def add_regions(tx: WriteTx, geojson: Mapping[str, Any], aliases: Mapping[str, str]) -> int:
    """Register the divisions of a GeoJSON collection and their retired codes.

    Parameters
    ----------
    geojson : mapping
        FeatureCollection in EPSG:4490, longitude first; properties adcode, name, level,
        parent, area_km2, label_lon, label_lat.
    aliases : mapping
        Retired code -> current code.

    Returns
    -------
    int
        Number of divisions.
    """
    for feature in geojson["features"]:
        facts, geometry = feature["properties"], shape(feature["geometry"])
        tx.run(
            "places",
            "add_region",
            code=facts["adcode"],
            name=facts["name"],
            level=facts["level"],
            parent=facts["parent"],
            area_km2=facts["area_km2"],
            lon=facts["label_lon"],
            lat=facts["label_lat"],
            geometry=shapely.to_wkb(geometry),
            **_edges(geometry.bounds),
        )
    for retired, code in aliases.items():
        tx.run("places", "add_alias", retired=retired, code=code)
    return len(geojson["features"])


def regions(tx: ReadTx, *, prefix: str = "") -> list[Region]:
    """Return the divisions whose code starts with a prefix, in code order."""
    return [_region(r) for r in tx.rows("places", "regions", prefix=prefix)]


def region_names(tx: ReadTx) -> dict[str, str]:
    """Return the name of every division by code."""
    return {r.code: r.name for r in tx.rows("places", "region_names")}


def region(tx: ReadTx, code: str) -> Region:
    """Return one division; a retired code gives the division that replaced it.

    Raises
    ------
    NotFound
        No division has or had this code.
    """
    row = tx.row("places", "region", code=code)
    if row is None:
        raise NotFound(noun="region", key=code)
    return _region(row)


def region_at(tx: ReadTx, lon: float, lat: float) -> Region | None:
    """Return the county that holds a point (degrees, EPSG:4490), or None outside Jilin."""
    spot = Point(lon, lat)
    around = (_region(r) for r in tx.rows("places", "counties_around", lon=lon, lat=lat))
    return next((county for county in around if county.geometry.covers(spot)), None)


def add_farm(
    tx: WriteTx,
    *,
    key: str,
    name_zh: str,
    name_en: str,
    kind: FarmKind,
    region_code: str,
    location: tuple[float, float],
    provenance: Provenance,
    note_zh: str = "",
    note_en: str = "",
) -> Farm:
    """Register a farm.

    Raises
    ------
    Conflict
        The key is taken.
    NotFound
        There is no such region.
    """
    row = tx.row(
        "places",
        "add_farm",
        key=key,
        name_zh=name_zh,
        name_en=name_en,
        kind=kind,
        region_code=region(tx, region_code).code,
        lon=location[0],
        lat=location[1],
        provenance=provenance,
        note_zh=note_zh,
        note_en=note_en,
    )
    if row is None:
        raise Conflict(noun="farm", key=key)
    return _farm(row)


def farms(tx: ReadTx, *, prefix: str = "", after: int = 0, limit: int = 100) -> list[Farm]:
    """Return the farms of a region in id order, from the one after ``after``."""
    return [_farm(r) for r in tx.rows("places", "farms", prefix=prefix, after=after, limit=limit)]


def farm(tx: ReadTx, farm_id: int) -> Farm:
    """Return one farm, or raise NotFound."""
    row = tx.row("places", "farm", id=farm_id)
    if row is None:
        raise NotFound(noun="farm", key=farm_id)
    return _farm(row)


def farm_by_key(tx: ReadTx, key: str) -> Farm | None:
    """Return the farm with this key, or None."""
    row = tx.row("places", "farm_by_key", key=key)
    return None if row is None else _farm(row)


def area_ha(geometry: BaseGeometry) -> float:
    """Return the area of a polygon on the ellipsoid, hectares."""
    # a hole is subtracted only when it is wound against its outer ring
    wound = shapely.orient_polygons(geometry)
    square_metres, _ = _ELLIPSOID.geometry_area_perimeter(wound)
    return abs(float(square_metres)) / 10_000


def add_field(
    tx: WriteTx,
    *,
    key: str,
    farm_id: int,
    name_zh: str,
    name_en: str,
    geometry: BaseGeometry,
    provenance: Provenance,
    crop: str | None = None,
    soil: str | None = None,
) -> Field:
    """Register a field; its county is the one that holds its inner point.

    Raises
    ------
    Conflict
        The key is taken.
    NotFound
        There is no such farm.
    Invalid
        The polygon lies outside every county.
    """
    farm(tx, farm_id)
    inside = geometry.representative_point()
    county = region_at(tx, inside.x, inside.y)
    if county is None:
        raise Invalid(why="the field lies outside every county of the platform")
    row = tx.row(
        "places",
        "add_field",
        key=key,
        farm_id=farm_id,
        name_zh=name_zh,
        name_en=name_en,
        region_code=county.code,
        geometry=shapely.to_wkb(geometry),
        area_ha=area_ha(geometry),
        crop=crop,
        soil=soil,
        provenance=provenance,
        **_edges(geometry.bounds),
    )
    if row is None:
        raise Conflict(noun="field", key=key)
    return _field(row)


def fields(
    tx: ReadTx,
    *,
    prefix: str = "",
    farm_id: int | None = None,
    bbox: Box | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Field]:
    """Return fields of a region, farm or box (degrees) in id order."""
    edges = _NO_BOX if bbox is None else _edges(bbox)
    rows = tx.rows(
        "places", "fields", prefix=prefix, farm_id=farm_id, after=after, limit=limit, **edges
    )
    return [_field(r) for r in rows]


def fields_in(tx: ReadTx, bbox: Box) -> list[Field]:
    """Return every field whose extent meets a box (west, south, east, north, degrees)."""
    return fields(tx, bbox=bbox, limit=10_000_000)


def field(tx: ReadTx, field_id: int) -> Field:
    """Return one field, or raise NotFound."""
    row = tx.row("places", "field", id=field_id)
    if row is None:
        raise NotFound(noun="field", key=field_id)
    return _field(row)


def field_by_key(tx: ReadTx, key: str) -> Field | None:
    """Return the field with this key, or None."""
    row = tx.row("places", "field_by_key", key=key)
    return None if row is None else _field(row)
