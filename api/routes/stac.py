"""The scene catalogue as a STAC API 1.0: core, collections, features and item search."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath

from api.answers import GeoJson, Json
from api.dependencies import Reading, reads
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import StableId
from api.schemas.stac import SearchGiven
from api.stac import item as written
from api.stac.collections import conformance, queryables, titles
from api.stac.fields import picked
from api.stac.item import GEOJSON, JSON, QUERYABLES, link
from api.stac.question import Question, from_query, question
from models.errors import NotFound
from models.person import Action
from models.store import stac as store
from models.store.stac import Holding

router = APIRouter(tags=["stac"])
_OBJECT: dict[str, Any] = {"schema": {"type": "object"}}
_FEATURES: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: _OBJECT}}}
_PLAIN: dict[int | str, dict[str, Any]] = {200: {"content": {JSON: _OBJECT}}}
Collection = Annotated[str, InPath(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


def _text(description: str, most: int = 4000) -> Any:  # noqa: ANN401
    return Query(description=description, max_length=most)


def _asked(
    bbox: Annotated[str | None, _text("west,south,east,north in degrees", 200)] = None,
    datetime: Annotated[str | None, _text("An instant or start/end; '..' is open", 100)] = None,
    limit: Annotated[int | None, Query(ge=1, description="Items of a page, 500 at most")] = None,
    token: Annotated[str | None, _text("Names the page; from the link 'next'", 2000)] = None,
    sortby: Annotated[str | None, _text("Fields after + or -, e.g. -datetime", 500)] = None,
    fields: Annotated[str | None, _text("Members to show, or after - to leave out")] = None,
    filter_: Annotated[str | None, Query(alias="filter", max_length=8000)] = None,
    filter_lang: Annotated[
        Literal["cql2-text", "cql2-json"] | None, Query(alias="filter-lang")
    ] = None,
    filter_crs: Annotated[str | None, Query(alias="filter-crs", max_length=200)] = None,
) -> dict[str, Any]:
    """Gather what items of one collection and of all are asked by."""
    return {
        "bbox": bbox,
        "datetime": datetime,
        "limit": limit,
        "token": token,
        "sortby": sortby,
        "fields": fields,
        "filter": filter_,
        "filter-lang": filter_lang,
        "filter-crs": filter_crs,
    }


Asked = Annotated[dict[str, Any], Depends(_asked)]


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _holding(access: Reading, key: str) -> Holding:
    found = store.collections(access.tx, key)
    if not found:
        raise NotFound(noun="collection", key=key)
    return found[0]


@router.get(
    "/stac",
    summary="STAC: landing page",
    response_class=Json,
    responses={**READ_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def landing(access: Reading, request: Request) -> Json:
    """Say what is served and where."""
    base = _base(request)
    here = f"{base}/stac"
    links = [
        link("self", here),
        link("root", here),
        link("conformance", f"{here}/conformance"),
        link("data", f"{here}/collections"),
        link("search", f"{here}/search", GEOJSON) | {"method": "GET"},
        link("search", f"{here}/search", GEOJSON) | {"method": "POST"},
        link(QUERYABLES, f"{here}/queryables", "application/schema+json"),
        link(
            "service-desc", f"{base}/openapi.json", "application/vnd.oai.openapi+json;version=3.1"
        ),
    ]
    links.extend(
        link("child", written.at(base, one.key), title=titles(one.key)[0])
        for one in store.collections(access.tx)
    )
    return Json(
        {
            "type": "Catalog",
            "id": "heitu",
            "stac_version": written.STAC,
            "title": "黑土影像目录 · Heitu scene catalogue",
            "description": "吉林省卫星与无人机影像及其产品 · Scenes and products of Jilin province",
            "conformsTo": conformance(),
            "links": links,
        }
    )


@router.get(
    "/stac/conformance",
    summary="STAC: conformance classes",
    response_class=Json,
    responses={**READ_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def conforms(access: Reading) -> Json:
    """List the requirements that are met."""
    return Json({"conformsTo": conformance()})


@router.get(
    "/stac/queryables",
    summary="STAC: what a filter may name",
    response_class=Json,
    responses={**READ_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def all_queryables(access: Reading, request: Request) -> Json:
    """Describe the fields of a filter as a JSON Schema."""
    return Json(queryables(str(request.url.replace(query=""))))


@router.get(
    "/stac/collections",
    summary="STAC: collections",
    response_class=Json,
    responses={**READ_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def collections(access: Reading, request: Request) -> Json:
    """List the collections that hold scenes."""
    base = _base(request)
    found = store.collections(access.tx)
    links = [link("self", f"{base}/stac/collections"), link("root", f"{base}/stac")]
    made = [written.collection(one, titles(one.key), base) for one in found]
    return Json({"collections": made, "links": links, "numberReturned": len(made)})


@router.get(
    "/stac/collections/{collection_id}",
    summary="STAC: one collection",
    response_class=Json,
    responses={**ONE_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def collection(access: Reading, request: Request, collection_id: Collection) -> Json:
    """Describe a collection."""
    one = _holding(access, collection_id)
    return Json(written.collection(one, titles(one.key), _base(request)))


@router.get(
    "/stac/collections/{collection_id}/queryables",
    summary="STAC: what a filter of a collection may name",
    response_class=Json,
    responses={**ONE_PROBLEMS, **_PLAIN},
)
@reads(Action.READ)
def own_queryables(access: Reading, request: Request, collection_id: Collection) -> Json:
    """Describe the fields of a filter as a JSON Schema."""
    _holding(access, collection_id)
    return Json(queryables(str(request.url.replace(query=""))))


@router.get(
    "/stac/collections/{collection_id}/items",
    summary="STAC: items of a collection",
    response_class=GeoJson,
    responses={**ONE_PROBLEMS, **_FEATURES},
)
@reads(Action.READ)
def items(
    access: Reading,
    request: Request,
    collection_id: Collection,
    said: Asked,
) -> GeoJson:
    """List the scenes of a collection, newest first unless sorted."""
    _holding(access, collection_id)
    asked = question(from_query(said) | {"collections": [collection_id]})
    return _page(access, request, asked, said)


@router.get(
    "/stac/collections/{collection_id}/items/{item_id}",
    summary="STAC: one item",
    response_class=GeoJson,
    responses={**ONE_PROBLEMS, **_FEATURES},
)
@reads(Action.READ)
def item(
    access: Reading, request: Request, collection_id: Collection, item_id: StableId
) -> GeoJson:
    """Describe a scene as an item."""
    asked = question({"ids": [item_id], "collections": [collection_id]})
    found = _features(access, request, asked)
    if not found:
        raise NotFound(noun="item", key=item_id)
    return GeoJson(found[0][0])


@router.get(
    "/stac/search",
    summary="STAC: search items",
    response_class=GeoJson,
    responses={**READ_PROBLEMS, **_FEATURES},
)
@reads(Action.READ)
def search(
    access: Reading,
    request: Request,
    asked: Asked,
    ids: Annotated[str | None, _text("Ids, with commas between")] = None,
    collections: Annotated[str | None, _text("Collections, with commas between")] = None,
    intersects: Annotated[str | None, _text("GeoJSON geometry", 100_000)] = None,
) -> GeoJson:
    """Search all collections, newest first unless sorted."""
    said = {"ids": ids, "collections": collections, "intersects": intersects, **asked}
    return _page(access, request, question(from_query(said)), said)


@router.post(
    "/stac/search",
    summary="STAC: search items by a document",
    response_class=GeoJson,
    responses={**{k: v for k, v in WRITE_PROBLEMS.items() if k not in (404, 409)}, **_FEATURES},
)
@reads(Action.READ)
def search_posted(access: Reading, request: Request, wanted: SearchGiven) -> GeoJson:
    """Search as GET does; a filter without a language is CQL2 JSON, unless it is a text."""
    said = wanted.model_dump(by_alias=True, exclude_none=True)
    return _page(access, request, question(said), None)


def _features(
    access: Reading, request: Request, asked: Question
) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    found = store.items(access.tx, asked.search, after=asked.after, limit=asked.limit + 1)
    layers = store.layers(access.tx, [scene.id for scene, _ in found])
    base, look = _base(request), request.app.state.tiles.source().facts
    return [(written.item(scene, layers[scene.id], base, look), key) for scene, key in found]


def _page(
    access: Reading, request: Request, asked: Question, said: dict[str, Any] | None
) -> GeoJson:
    """Write a page; `said` is the query of a GET, None of a POST."""
    found = _features(access, request, asked)
    kept = found[: asked.limit]
    base, here = _base(request), str(request.url.replace(query=""))
    links = [link("self", str(request.url), GEOJSON), link("root", f"{base}/stac")]
    if len(found) > asked.limit:
        links.append(_next(here, asked, asked.token(kept[-1][1]), said))
    features = [picked(one, asked.include, asked.exclude) for one, _ in kept]
    return GeoJson(
        {
            "type": "FeatureCollection",
            "features": features,
            "links": links,
            "numberMatched": store.count(access.tx, asked.search),
            "numberReturned": len(features),
        }
    )


def _next(here: str, asked: Question, token: str, said: dict[str, Any] | None) -> dict[str, Any]:
    made = link("next", here, GEOJSON)
    if said is None:
        return made | {"method": "POST", "body": asked.said | {"token": token}}
    query = {name: value for name, value in said.items() if value is not None}
    return made | {"href": f"{here}?{urlencode(query | {'token': token})}", "method": "GET"}
