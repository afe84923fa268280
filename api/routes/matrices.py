"""Tiles on both matrix sets, mosaics of a product by day, legends and WMTS."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api.answers import Json, Png
from api.dependencies import Entrant, Reading, enters, reads
from api.routes.tiles import HEADERS, Column, Row, Zoom, answer_tiles, drawn
from api.schemas.layers import Legend
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS
from api.schemas.shape import StableId
from api.schemas.soundings import ProductKey
from api.tiles.matrices import BY_SHORT, CGCS2000, LAST, MATRIX_SETS
from api.tiles.wmts import Shown, capabilities
from ingest.satellite.products import PRODUCTS
from models.calendar import day_start
from models.errors import BadQuery, NotFound
from models.person import Action
from models.scene import Layer
from models.store import coverage
from models.store import scenes as store

router = APIRouter(tags=["layers"])
_MOST_LAYERS = 30  # that one tile of a mosaic looks through
_PLAIN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}}
}
Product = Annotated[ProductKey, Path(examples=["ndvi"])]
Matrix = Literal["w", "c", "WebMercatorQuad", "CGCS2000Quad"]
Day = Annotated[str, Path(pattern=r"^(latest|20\d\d-\d\d-\d\d)$", examples=["latest"])]


class Xml(Response):
    """A document of WMTS."""

    media_type = "application/xml"


@router.get(
    "/v1/tileMatrixSets",
    summary="Tile matrix sets",
    response_class=Json,
    responses={**READ_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def matrix_sets(access: Reading, request: Request) -> Json:
    """List the tile matrix sets (OGC API Tiles)."""
    base = str(request.base_url).rstrip("/")
    made = [
        {
            "id": key,
            "title": f"{one.zh} · {one.en}",
            "links": [{"rel": "self", "href": f"{base}/v1/tileMatrixSets/{key}"}],
        }
        for key, one in MATRIX_SETS.items()
    ]
    return Json({"tileMatrixSets": made})


@router.get(
    "/v1/tileMatrixSets/{matrix_set}",
    summary="One tile matrix set",
    response_class=Json,
    responses={**ONE_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def matrix_set(access: Reading, matrix_set: StableId) -> Json:
    """Describe a tile matrix set (OGC two-dimensional tile matrix set 2.0)."""
    if matrix_set not in MATRIX_SETS:
        raise NotFound(noun="tile matrix set", key=matrix_set)
    return Json(MATRIX_SETS[matrix_set].document(LAST))


@router.get(
    "/v1/layers/{layer_id}/tiles/c/{z}/{x}/{y}.png",
    summary="Tile of a layer in CGCS2000 degrees",
    response_class=Png,
    responses=answer_tiles(),
)
@enters(Action.READ, recently=True)
def degree_tile(
    entrant: Entrant, request: Request, layer_id: StableId, z: Zoom, x: Column, y: Row
) -> Response:
    """Draw a tile of 天地图's matrix c (EPSG:4490); 204 outside the layer."""
    state = request.app.state
    it = state.layers.layer(entrant, layer_id)
    facts = f"c {layer_id} {it.display_path} {it.palette} {z}/{x}/{y}"
    source = state.tiles.source()
    return drawn(request, facts, lambda: source.mosaic([it], CGCS2000, z, x, y))


@router.get(
    "/v1/products/{product}/tiles/{matrix}/{day}/{z}/{x}/{y}.png",
    summary="Tile of a product on a day, or of its latest clear view",
    response_class=Png,
    responses=answer_tiles(),
)
@enters(Action.READ, recently=True)
def product_tile(
    entrant: Entrant,
    request: Request,
    product: Product,
    matrix: Matrix,
    day: Day,
    z: Zoom,
    x: Column,
    y: Row,
) -> Response:
    """Lay the layers of a day, or of all days, over each other: the newest clear pixel wins."""
    grid = MATRIX_SETS.get(matrix) or BY_SHORT[matrix]
    start, end = _span(day)
    if not grid.exists(z, x, y):
        return Response(status_code=204, headers=HEADERS)
    with entrant.reading() as access:
        layers: list[Layer] = coverage.covering(
            access.tx, product, grid.box(z, x, y), start=start, end=end, limit=_MOST_LAYERS
        )
    names = " ".join(f"{it.id} {it.display_path}" for it in layers)
    source = request.app.state.tiles.source()
    facts = f"mosaic {grid.key} {names} {z}/{x}/{y}"
    made = drawn(request, facts, lambda: source.mosaic(layers, grid, z, x, y))
    # another scene may come in at any time: ask again, and mostly be told 304
    made.headers["Cache-Control"] = "private, max-age=60"
    return made


def _span(day: str) -> tuple[datetime | None, datetime | None]:
    if day == "latest":
        return None, None
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        raise BadQuery(option="day", why=f"{day!r} is not a date") from None
    return day_start(asked), day_start(asked + timedelta(days=1))


def _newest(access: Reading, product: str) -> Layer:
    for one in coverage.products(access.tx):
        if one.product == product:
            return store.layer(access.tx, one.newest)
    raise NotFound(noun="product", key=product)


@router.get(
    "/v1/products/{product}/legend.json",
    summary="Legend of a product",
    response_model=Legend,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def legend(access: Reading, request: Request, product: Product) -> Any:  # noqa: ANN401
    """Say which value each colour stands for."""
    return request.app.state.tiles.source().legend(_newest(access, product))


@router.get(
    "/v1/products/{product}/legend.png",
    summary="Colours of a product as an image",
    response_class=Png,
    responses={
        200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
        **ONE_PROBLEMS,
    },
)
@reads(Action.READ)
def legend_image(access: Reading, request: Request, product: Product) -> Png:
    """Draw the colours from the lowest value to the highest, left to right."""
    return Png(request.app.state.tiles.source().ramp(_newest(access, product)))


@router.get(
    "/v1/wmts",
    summary="WMTS 1.0 capabilities",
    response_class=Xml,
    responses={
        200: {"content": {"application/xml": {"schema": {"type": "string"}}}},
        **READ_PROBLEMS,
    },
)
@reads(Action.READ)
def wmts(
    access: Reading,
    request: Request,
    service: Annotated[str | None, Query(alias="SERVICE", max_length=40)] = None,
    wanted: Annotated[str | None, Query(alias="REQUEST", max_length=40)] = None,
    version: Annotated[str | None, Query(alias="VERSION", max_length=40)] = None,
    lower_service: Annotated[str | None, Query(alias="service", max_length=40)] = None,
    lower_request: Annotated[str | None, Query(alias="request", max_length=40)] = None,
    lower_version: Annotated[str | None, Query(alias="version", max_length=40)] = None,
) -> Xml:
    """List the products as layers with their dates; tiles follow by the templates."""
    said = {
        "SERVICE": (service or lower_service or "WMTS", "WMTS"),
        "REQUEST": (wanted or lower_request or "GetCapabilities", "GetCapabilities"),
        "VERSION": (version or lower_version or "1.0.0", "1.0.0"),
    }
    for name, (given, known) in said.items():
        if given.lower() != known.lower():
            raise BadQuery(option=name, why=f"it is {known}")
    shown = [
        Shown(one.product, _title(one.product), one.bbox, _days(access, one.product))
        for one in coverage.products(access.tx)
    ]
    return Xml(capabilities(str(request.base_url).rstrip("/"), shown))


def _title(product: str) -> str:
    known = PRODUCTS.get(product)
    return f"{known.title_zh} · {known.title_en}" if known else product


def _days(access: Reading, product: str) -> tuple[date, ...]:
    return tuple(one.day for one in coverage.dates(access.tx, product))
