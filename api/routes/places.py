"""Farms and fields."""

from typing import Annotated, Any

import msgspec
import shapely
from fastapi import APIRouter, Depends, Query

from api import present
from api.answers import GeoJson
from api.dependencies import Reading, Writing, reads, writes
from api.outline import outline
from api.paging import Page, paged
from api.schemas.places import (
    FarmIn,
    FarmList,
    FarmOut,
    FieldCollection,
    FieldFeature,
    FieldIn,
)
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id, Number
from models.errors import Invalid
from models.person import Action
from models.place import Farm, Field
from models.store import places
from models.store.database import ReadTx

router = APIRouter(tags=["places"])
_MU = 15.0  # mu in a hectare, by definition of the Chinese mu
Box = tuple[float, float, float, float]


def parse_bbox(text: str | None) -> Box | None:
    """Read ``west,south,east,north`` in degrees.

    Raises
    ------
    Invalid
        It is not four numbers in order.
    """
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise _bad_bbox() from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise _bad_bbox()
    return west, south, east, north


def _bad_bbox() -> Invalid:
    return Invalid(
        why="bbox takes west,south,east,north in degrees, west <= east and south <= north",
        zh="bbox 的格式为 西,南,东,北（度），且西不大于东、南不大于北。",
    )


Bbox = Annotated[
    str | None,
    Query(max_length=100, description="west,south,east,north", examples=["125,43,127,45"]),
]


@router.get("/v1/farms", summary="Farms", response_model=FarmList, responses=READ_PROBLEMS)
@reads(Action.READ)
def farms(access: Reading, page: Annotated[Page, Depends(paged("farms"))]) -> dict[str, Any]:
    """List farms, pastures, fisheries and workshops of the account's region."""
    found = places.farms(access.tx, prefix=access.prefix, after=page.key, limit=page.one_more)
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": [present.farm(access, it) for it in rows], "next": following}


@router.get(
    "/v1/farms/{farm_id}", summary="One farm", response_model=FarmOut, responses=ONE_PROBLEMS
)
@reads(Action.READ)
def farm(access: Reading, farm_id: Id) -> dict[str, Any]:
    """Show one farm."""
    return present.farm(access, access.see(places.farm(access.tx, farm_id)))


@router.post(
    "/v1/farms",
    status_code=201,
    summary="Register a farm",
    response_model=FarmOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def add_farm(access: Writing, given: FarmIn) -> dict[str, Any]:
    """Register a farm; its county is the one that holds the location."""
    county = county_at(access.tx, given.location)
    access.inside(county)
    made = places.add_farm(
        access.tx,
        key=given.key,
        name_zh=given.name.zh,
        name_en=given.name.en,
        kind=given.kind,
        region_code=county,
        location=given.location,
        provenance=given.provenance,
        note_zh=given.note.zh,
        note_en=given.note.en,
    )
    return present.farm(access, made)


def county_at(tx: ReadTx, location: tuple[float, float]) -> str:
    """Return the code of the county at a place.

    Raises
    ------
    Invalid
        No county of the platform holds it; says so when the axes look swapped.
    """
    lon, lat = location
    found = places.region_at(tx, lon, lat)
    if found is not None:
        return found.code
    if places.region_at(tx, lat, lon) is not None:
        raise Invalid(
            why="location is [latitude, longitude]; send [longitude, latitude]",
            zh="location 的经纬度顺序颠倒，应为 [经度, 纬度]。",
        )
    raise Invalid(
        why="no county of the platform holds this location", zh="该位置不在平台的任何县级区划内。"
    )


def _feature(access: present.Caller, it: Field) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": it.id,
        "geometry": msgspec.Raw(shapely.to_geojson(it.geometry).encode()),
        "properties": {
            "id": it.id,
            "key": it.key,
            "farm_id": it.farm_id,
            "name": present.bilingual(it.name_zh, it.name_en),
            "region": present.region(access, it.region_code),
            "area_ha": round(it.area_ha, 4),
            "area_mu": round(it.area_ha * _MU, 2),
            "crop": it.crop,
            "soil": it.soil,
            "provenance": it.provenance,
        },
    }


@router.get(
    "/v1/fields",
    summary="Fields as GeoJSON",
    response_model=FieldCollection,
    response_class=GeoJson,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def fields(
    access: Reading,
    page: Annotated[Page, Depends(paged("fields"))],
    farm: Annotated[Number | None, Query(description="Fields of one farm")] = None,
    bbox: Bbox = None,
) -> GeoJson:
    """List fields of the account's region, of a farm or in a box."""
    inside_farm(access, farm)
    found = places.fields(
        access.tx,
        prefix=access.prefix,
        farm_id=farm,
        bbox=parse_bbox(bbox),
        after=page.key,
        limit=page.one_more,
    )
    rows, following = page.cut(found, lambda it: (it.id,))
    features = [_feature(access, it) for it in rows]
    return GeoJson({"type": "FeatureCollection", "features": features, "next": following})


def inside_farm(access: Reading, farm_id: int | None) -> Farm | None:
    """Return the farm a list is narrowed to, once the account may see it."""
    return None if farm_id is None else access.see(places.farm(access.tx, farm_id))


def inside_field(access: Reading, field_id: int | None) -> Field | None:
    """Return the field a list is narrowed to, once the account may see it."""
    return None if field_id is None else access.see(places.field(access.tx, field_id))


@router.get(
    "/v1/fields/{field_id}",
    summary="One field",
    response_model=FieldFeature,
    response_class=GeoJson,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def field(access: Reading, field_id: Id) -> GeoJson:
    """Show one field with its outline."""
    return GeoJson(_feature(access, access.see(places.field(access.tx, field_id))))


@router.post(
    "/v1/fields",
    status_code=201,
    summary="Register a field",
    response_model=FieldFeature,
    response_class=GeoJson,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def add_field(access: Writing, given: FieldIn) -> GeoJson:
    """Register a field; its county and its area follow from the outline."""
    if given.datum not in ("CGCS2000", "WGS84"):
        raise Invalid(
            why=(
                f"datum {given.datum} is shifted 460 to 680 m in Jilin; "
                "convert the outline to CGCS2000 (EPSG:4490) first"
            ),
            zh=f"坐标系 {given.datum} 在吉林偏移 460 至 680 米；请先转换为 CGCS2000（EPSG:4490）。",
        )
    access.see(places.farm(access.tx, given.farm_id))
    made = places.add_field(
        access.tx,
        key=given.key,
        farm_id=given.farm_id,
        name_zh=given.name.zh,
        name_en=given.name.en,
        geometry=outline(given.geometry.model_dump()),
        crop=given.crop,
        soil=given.soil,
        provenance=given.provenance,
    )
    return GeoJson(_feature(access, access.see(made)), 201)
