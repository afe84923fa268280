"""Values of layers under a point, over an area, and the dates that a product was seen on."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from api.dependencies import Entrant, Reading, enters, reads
from api.routes.places import Bbox, parse_bbox
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, problems
from api.schemas.shape import Instant, StableId
from api.schemas.soundings import AreaGiven, AreaOut, DayList, PointOut, PointSeries, ProductKey
from api.stac.cql2 import geometry
from ingest.satellite.products import PRODUCTS
from models.errors import BadQuery, Invalid, NotFound
from models.person import Action
from models.scene import Layer
from models.store import coverage
from models.store import scenes as store

router = APIRouter(tags=["layers"])
_MOST_DATES = 1000
_EMPTY: dict[str, Any] = dict.fromkeys(("median", "p10", "p90", "sd"))
Lon = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)]
Product = Annotated[ProductKey, Query(description="Product", examples=["ndvi"])]


def _told(it: Layer) -> dict[str, Any]:
    known = PRODUCTS.get(it.product)
    return {
        "layer": it.id,
        "scene": it.scene_id,
        "product": it.product,
        "time": it.time,
        "unit": known.unit if known else "1",
        "provenance": it.provenance,
    }


def _value(it: Layer, value: float | None) -> dict[str, Any]:
    shown = None if value is None else round(value, 6)
    return {**_told(it), "value": shown, "valid": value is not None}


@router.get(
    "/v1/layers/{layer_id}/point",
    summary="Value of a layer under a point",
    response_model=PointOut,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def point(
    access: Reading, request: Request, layer_id: StableId, lon: Lon, lat: Lat
) -> dict[str, Any]:
    """Read the pixel under a point; 404 where the layer has none, null where it is masked."""
    it = store.layer(access.tx, layer_id)
    inside, value = request.app.state.tiles.source().probe.value(it, lon, lat)
    if not inside:
        raise NotFound(noun="pixel", key=f"{lon},{lat}")
    return _value(it, value)


@router.get(
    "/v1/series/point",
    summary="Values of a product under a point",
    response_model=PointSeries,
    responses=READ_PROBLEMS,
)
@enters(Action.READ)
def point_series(
    entrant: Entrant,
    request: Request,
    product: Product,
    lon: Lon,
    lat: Lat,
    start: Annotated[Instant | None, Query(description="From, inclusive")] = None,
    end: Annotated[Instant | None, Query(description="To, exclusive")] = None,
) -> dict[str, Any]:
    """Read the pixel of every date, oldest first; the newest thousand dates of a longer series."""
    layers = _layers(entrant, product, (lon, lat, lon, lat), start, end)
    probe = request.app.state.tiles.source().probe
    found = [(it, *probe.value(it, lon, lat)) for it in reversed(layers)]
    return {"items": [_value(it, value) for it, inside, value in found if inside]}


def _layers(
    entrant: Entrant,
    product: str,
    bbox: tuple[float, float, float, float],
    start: datetime | None,
    end: datetime | None,
) -> list[Layer]:
    with entrant.reading() as access:
        return coverage.covering(access.tx, product, bbox, start=start, end=end, limit=_MOST_DATES)


@router.post(
    "/v1/layers/{layer_id}/statistics",
    summary="Statistics of a layer over an area",
    response_model=AreaOut,
    responses=problems(401, 403, 404, 413, 415),
)
@enters(Action.READ)
def statistics(
    entrant: Entrant, request: Request, layer_id: StableId, area: AreaGiven
) -> dict[str, Any]:
    """Judge the pixels of an area as those of a field are; at most 16 million of them."""
    with entrant.reading() as access:
        it = store.layer(access.tx, layer_id)
    try:
        shape = geometry(area.geometry)
    except BadQuery as error:
        raise Invalid(why=f"geometry: {error.facts['why']}", zh="geometry 无法使用。") from None
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise Invalid(why="geometry is a Polygon or a MultiPolygon", zh="geometry 应为多边形。")
    made = request.app.state.tiles.source().probe.within(it, shape)
    if made is None:
        raise NotFound(noun="pixel", key="geometry")
    spread = _EMPTY if made.spread is None else asdict(made.spread)
    return {
        **_told(it),
        **spread,
        "mean": made.mean,
        "n_valid": made.n_valid,
        "n_total": made.n_total,
        "valid_share": made.valid_share,
    }


@router.get(
    "/v1/products/{product}/dates",
    summary="Dates that a product was seen on",
    response_model=DayList,
    responses=READ_PROBLEMS,
)
@reads(Action.READ)
def dates(
    access: Reading,
    product: Annotated[ProductKey, Path(examples=["ndvi"])],
    bbox: Bbox = None,
) -> dict[str, Any]:
    """List the Asia/Shanghai days with a layer in a box, newest first, with their clear share."""
    found = coverage.dates(access.tx, product, parse_bbox(bbox), _MOST_DATES)
    items = [
        {
            "date": one.day,
            "layers": one.n,
            "clear_share": one.clear_share,
            "mean_share": one.mean_share,
        }
        for one in found
    ]
    return {"items": items}
