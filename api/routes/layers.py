"""Scenes, layers, tiles and zonal statistics."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import StringConstraints

from api import present
from api.answers import unchanged
from api.dependencies import Reading, reads
from api.paging import Page, paged
from api.routes.account import IMAGERY
from api.routes.places import Bbox, parse_bbox
from api.schemas.layers import (
    LayerList,
    SceneDetail,
    SceneList,
    TileJson,
    ZonalList,
)
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS
from api.schemas.shape import Id, StableId
from models.errors import NotFound, Unavailable
from models.person import Action
from models.scene import Layer, Scene
from models.store import places
from models.store import scenes as store

ProductKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,31}$")]

router = APIRouter(tags=["layers"])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _layer(it: Layer, scene: Scene, now: datetime, tiles: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": it.id,
        "product": it.product,
        "title": present.bilingual(it.title_zh, it.title_en),
        "scene": it.scene_id,
        "time": it.time,
        "bbox": it.bbox,
        "provenance": it.provenance,
        "age_days": max(0, (now - it.time).days),
        "tiles": f"/v1/layers/{it.id}/tiles/{{z}}/{{x}}/{{y}}.png",
        "tilejson": f"/v1/layers/{it.id}/tilejson.json",
        "legend": tiles.legend(it),
        "min_zoom": it.min_zoom,
        "max_zoom": it.max_zoom,
        "valid_share": scene.valid_share,
    }


def _instant_key(it: Layer | Scene) -> tuple[int, str]:
    return (it.time - _EPOCH) // _MICROSECOND, it.id


def _last(page: Page) -> tuple[datetime, str] | None:
    microseconds = page.number()
    if microseconds is None:
        return None
    return _EPOCH + microseconds * _MICROSECOND, str(page.after[1])


@router.get("/v1/layers", summary="Map layers", response_model=LayerList, responses=READ_PROBLEMS)
@reads(Action.READ)
def layers(
    access: Reading,
    request: Request,
    page: Annotated[Page, Depends(paged("layers", shape=(int, str)))],
    product: Annotated[ProductKey | None, Query(description="One product only")] = None,
) -> dict[str, Any]:
    """List layers, newest first."""
    last = _last(page)
    found = store.layers(access.tx, product=product)
    # a layer for each scene and product: a few thousand rows at most, cut here
    later = [it for it in found if last is None or _before((it.time, it.id), last)]
    rows, following = page.cut(later, _instant_key)
    scenes = {scene_id: store.scene(access.tx, scene_id) for scene_id in {r.scene_id for r in rows}}
    now, tiles = access.platform.clock(), request.app.state.tiles.source()
    items = [_layer(it, scenes[it.scene_id], now, tiles) for it in rows]
    return {"items": items, "next": following}


def _before(row: tuple[datetime, str], last: tuple[datetime, str]) -> bool:
    """Tell whether a row comes after ``last`` in the order newest first, then by id."""
    return row[0] < last[0] or (row[0] == last[0] and row[1] > last[1])


@router.get(
    "/v1/layers/{layer_id}/tilejson.json",
    summary="TileJSON of a layer",
    response_model=TileJson,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def tilejson(access: Reading, request: Request, layer_id: StableId) -> dict[str, Any]:
    """Describe the tiles of a layer (TileJSON 3.0.0)."""
    it = store.layer(access.tx, layer_id)
    base = str(request.base_url).rstrip("/")
    return {
        "name": it.title_zh,
        "tiles": [f"{base}/v1/layers/{it.id}/tiles/{{z}}/{{x}}/{{y}}.png"],
        "bounds": it.bbox,
        "minzoom": it.min_zoom,
        "maxzoom": it.max_zoom,
        "attribution": IMAGERY["zh"],
        "legend": request.app.state.tiles.source().legend(it),
    }


class Cog(FileResponse):
    """A cloud-optimised GeoTIFF, whole or in ranges of bytes."""

    media_type = "image/tiff"


@router.get(
    "/v1/layers/{layer_id}/{file}.tif",
    summary="Numbers, display codes or bands of a layer",
    response_class=Cog,
    responses={
        200: {"content": {"image/tiff": {"schema": {"type": "string", "format": "binary"}}}},
        206: {"description": "The range that was asked for"},
        304: {"description": "Not modified"},
        416: {"description": "The range lies outside the file"},
        **ONE_PROBLEMS,
    },
)
@reads(Action.READ)
def raster_file(
    access: Reading, request: Request, layer_id: StableId, file: Literal["data", "display", "bands"]
) -> Response:
    """Hand out a cloud-optimised GeoTIFF; takes ranges of bytes, as GDAL and QGIS ask."""
    it = store.layer(access.tx, layer_id)
    path = {"data": it.data_path, "display": it.display_path, "bands": it.bands_path}[file]
    if path is None:
        raise NotFound(noun="file of layer", key=file)
    here = access.platform.archive / path
    try:
        said = here.stat()
    except OSError as error:
        raise Unavailable(part="raster archive", why=f"{here.name} is missing") from error
    headers = {"Cache-Control": "private, max-age=86400", "Vary": "Authorization"}
    whole = Cog(here, headers=headers, stat_result=said, filename=f"{it.id}-{file}.tif")
    same = unchanged(request, whole.headers["etag"], headers)
    return same or whole


def _scene(it: Scene) -> dict[str, Any]:
    return {
        "id": it.id,
        "collection": it.collection,
        "time": it.time,
        "bbox": it.bbox,
        "epsg": it.epsg,
        "valid_share": it.valid_share,
        "provenance": it.provenance,
        "title": present.bilingual(it.title_zh, it.title_en),
    }


@router.get("/v1/scenes", summary="Scenes", response_model=SceneList, responses=READ_PROBLEMS)
@reads(Action.READ)
def scenes(
    access: Reading,
    page: Annotated[Page, Depends(paged("scenes", shape=(int, str)))],
    collection: Annotated[
        str | None,
        Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="STAC collection"),
    ] = None,
    bbox: Bbox = None,
) -> dict[str, Any]:
    """List scenes, newest first."""
    found = store.scenes(
        access.tx,
        collection=collection,
        bbox=parse_bbox(bbox),
        after=_last(page),
        limit=page.one_more,
    )
    rows, following = page.cut(found, _instant_key)
    return {"items": [_scene(it) for it in rows], "next": following}


@router.get(
    "/v1/scenes/{scene_id}", summary="One scene", response_model=SceneDetail, responses=ONE_PROBLEMS
)
@reads(Action.READ)
def scene(access: Reading, scene_id: StableId) -> dict[str, Any]:
    """Show a scene with its lineage."""
    it = store.scene(access.tx, scene_id)
    return {**_scene(it), "lineage": it.lineage}


@router.get(
    "/v1/fields/{field_id}/zonal",
    summary="Statistics of a product over a field",
    response_model=ZonalList,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def zonal(
    access: Reading,
    field_id: Id,
    product: Annotated[ProductKey, Query(description="Product: ndvi, evi2, ndmi ...")] = "ndvi",
) -> dict[str, Any]:
    """List the mean of each date with its valid pixels; null below 30 % valid."""
    it = access.see(places.field(access.tx, field_id))
    items = [
        {
            "time": value.time,
            "scene": value.scene_id,
            "mean": value.mean,
            "median": value.median,
            "p10": value.p10,
            "p90": value.p90,
            "sd": value.sd,
            "n_valid": value.n_valid,
            "n_total": value.n_total,
            "valid_share": value.valid_share,
            "cloud_share": value.cloud_share,
            "provenance": provenance,
        }
        for value, provenance in store.zonal(access.tx, it.id, product)
    ]
    return {"items": items}
