"""Places: division codes, regions, farms, fields. Coordinates are (lon, lat), EPSG:4490.

CGCS2000 (EPSG:4490) and WGS84 differ by less than a metre and share their numbers here.
EPSG:4490 is latitude-first by definition; every coordinate in this code base is
longitude-first.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from shapely.geometry.base import BaseGeometry


class Level(StrEnum):
    """Administrative level of a region."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"


class FarmKind(StrEnum):
    """What a farm produces, and so which desk looks after it."""

    FIELD = "field"
    PASTURE = "pasture"
    FISHERY = "fishery"
    WORKSHOP = "workshop"


class Provenance(StrEnum):
    """Where data come from; anything but ``REAL`` is labelled on map, API and card."""

    REAL = "real"
    RELOCATED = "relocated"  # real values shown at another place or time
    SYNTHETIC = "synthetic"  # generated


@dataclass(frozen=True, slots=True)
class Region:
    """An administrative division (GB/T 2260 code)."""

    code: str
    name: str
    level: Level
    parent: str | None
    area_km2: float
    label: tuple[float, float]
    geometry: BaseGeometry = field(compare=False)


@dataclass(frozen=True, slots=True)
class Farm:
    """A farm, pasture, fishery or workshop; `location` is (lon, lat) in degrees."""

    id: int
    key: str
    name_zh: str
    name_en: str
    kind: FarmKind
    region_code: str
    location: tuple[float, float]
    provenance: Provenance
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True)
class Field:
    """A parcel of a farm: polygon, area in hectares, crop and soil."""

    id: int
    farm_id: int
    key: str
    name_zh: str
    name_en: str
    region_code: str
    geometry: BaseGeometry = field(compare=False)
    area_ha: float
    crop: str | None
    soil: str | None
    provenance: Provenance


def scope_prefix(code: str) -> str:
    """Return the prefix shared by all divisions inside ``code`` ('220100' -> '2201')."""
    if code.endswith("0000"):
        return code[:2]
    return code[:4] if code.endswith("00") else code


def covers(scope: str, code: str) -> bool:
    """Tell whether the division ``scope`` holds the division ``code`` (or is it)."""
    return code.startswith(scope_prefix(scope))


def common(codes: Collection[str]) -> str:
    """Return the smallest division that holds all of the given ones ('220182', '220112')."""
    some = min(codes)
    for shared in (some, some[:4] + "00"):
        if all(covers(shared, code) for code in codes):
            return shared
    return some[:2] + "0000"
