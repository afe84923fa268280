"""Administrative divisions."""

import threading
from typing import Annotated, Any

import msgspec
import shapely
from cachetools import TTLCache
from fastapi import APIRouter, Query, Request, Response

from api.answers import GeoJson, etag_of, unchanged
from api.routes.account import BOUNDARIES
from api.schemas.places import RegionCollection, RegionFeature
from api.schemas.problem import PUBLIC_PROBLEMS, problems
from api.schemas.shape import Code
from models.place import Level, Region
from models.store import places
from models.store.database import Database

router = APIRouter(tags=["places"])
_HEADERS = {"Cache-Control": "public, max-age=300"}
_Body = tuple[str, bytes]  # entity tag, GeoJSON


def _feature(region: Region) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": region.code,
        "geometry": msgspec.Raw(shapely.to_geojson(region.geometry).encode()),
        "properties": {
            "code": region.code,
            "name": region.name,
            "level": region.level,
            "parent": region.parent,
            "area_km2": region.area_km2,
            "label": region.label,
        },
    }


class Outlines:
    """Encoded collections: 400 kB of outlines are read and encoded once a minute."""

    def __init__(self) -> None:
        self._held: TTLCache[tuple[str | None, str | None], _Body] = TTLCache(maxsize=64, ttl=60)
        self._lock = threading.Lock()

    def body(self, database: Database, level: Level | None, parent: str | None) -> _Body:
        """Return the collection of one level, of one parent, or of all."""
        with self._lock:
            held = self._held.get((level, parent))
        if held is None:
            with database.reading() as tx:
                found = places.regions(tx)
            held = _encoded(found, level, parent)
            with self._lock:
                self._held[(level, parent)] = held
        return held


def _encoded(found: list[Region], level: Level | None, parent: str | None) -> _Body:
    wanted = [r for r in found if level in (None, r.level) and parent in (None, r.parent)]
    collection = {
        "type": "FeatureCollection",
        "attribution": BOUNDARIES,
        "features": [_feature(r) for r in wanted],
    }
    body = msgspec.json.encode(collection)
    return etag_of(body), body


@router.get(
    "/v1/regions",
    summary="Divisions as GeoJSON",
    response_model=RegionCollection,
    response_class=GeoJson,
    responses={304: {"description": "Not modified"}, **PUBLIC_PROBLEMS},
)
def regions(
    request: Request,
    level: Annotated[Level | None, Query(description="One level only")] = None,
    parent: Annotated[
        str | None, Query(pattern=r"^[0-9]{6}$", description="Children of a code")
    ] = None,
) -> Response:
    """List province, prefectures and counties with outlines and label points."""
    state = request.app.state
    etag, body = state.outlines.body(state.platform.database, level, parent)
    same = unchanged(request, etag, _HEADERS)
    if same is not None:
        return same
    return Response(body, headers={**_HEADERS, "ETag": etag}, media_type=GeoJson.media_type)


@router.get(
    "/v1/regions/{code}",
    summary="One division",
    response_model=RegionFeature,
    response_class=GeoJson,
    responses={304: {"description": "Not modified"}, **problems(404)},
)
def region(request: Request, code: Code) -> Response:
    """Show one division; a retired code gives the division that replaced it."""
    with request.app.state.platform.database.reading() as tx:
        found = places.region(tx, code)
    feature = {**_feature(found), "attribution": BOUNDARIES}
    if code != found.code:
        feature["requested_code"] = code
    etag = etag_of(msgspec.json.encode(feature))
    headers = {**_HEADERS, "ETag": etag}
    return unchanged(request, etag, _HEADERS) or GeoJson(feature, headers=headers)
