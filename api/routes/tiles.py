"""Tiles of layers and scenes.

A map asks for thirty at once, so neither the layer nor the login is looked up for each.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cachetools import LRUCache
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from api.answers import Png, etag_of, unchanged
from api.dependencies import Entrant, enters
from api.schemas.problem import ONE_PROBLEMS
from api.schemas.shape import StableId
from models.errors import NotFound, Unavailable
from models.person import Action
from models.scene import Layer
from models.store import scenes as store
from models.store.database import ReadTx

if TYPE_CHECKING:
    from api.tiles.raster import TileSource

router = APIRouter(tags=["layers"])
# a layer never changes once published, but the login of who asks may
HEADERS = {"Cache-Control": "private, max-age=86400", "Vary": "Authorization"}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
    204: {"description": "The tile lies outside the layer"},
    304: {"description": "Not modified"},
    **ONE_PROBLEMS,
}
_KEPT = 1000  # layers
DISPLAY = "/v1/layers/{layer_id}/tiles/{z}/{x}/{y}.png"
LIVE = "/v1/scenes/{scene_id}/tiles/{z}/{x}/{y}.png"
# the keys of analytics.remote.indices, which a test holds against this
IndexKey = Literal["ndvi", "evi", "evi2", "savi", "ndwi", "mndwi", "ndmi", "ndre", "gndvi", "bsi"]
Zoom = Annotated[int, InPath(ge=0, le=24, examples=[12])]
Column = Annotated[int, InPath(ge=0, lt=2**24, description="Column from the west (XYZ)")]
Row = Annotated[int, InPath(ge=0, lt=2**24, description="Row from the north (XYZ)")]


class Rasters:
    """The tile source, made when the first tile or legend is asked for.

    Importing GDAL takes 0.1 s of the start of a process that may never draw a tile.
    """

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._source: TileSource | None = None

    def source(self) -> "TileSource":
        """Return the one tile source of this process."""
        with self._lock:
            if self._source is None:
                from api.tiles.raster import TileSource

                self._source = TileSource(self._archive)
            return self._source


class Published:
    """Layers whose tiles were asked for: a published layer never changes, so it is kept."""

    def __init__(self) -> None:
        self._held: LRUCache[tuple[str, str], Layer] = LRUCache(_KEPT)
        self._lock = threading.Lock()

    def layer(self, entrant: Entrant, layer_id: str) -> Layer:
        """Return one layer, or raise NotFound."""
        return self._find(entrant, ("", layer_id), lambda tx: store.layer(tx, layer_id))

    def of_scene(self, entrant: Entrant, scene_id: str) -> Layer:
        """Return a layer of a scene, from whose bands any index is computed."""

        def read(tx: ReadTx) -> Layer:
            found = store.layers(tx, scene_id=store.scene(tx, scene_id).id)
            if not found:
                raise NotFound(noun="layer of scene", key=scene_id)
            # derived layers keep no bands; that of NDVI is the first that a scene has
            return min(found, key=lambda it: (it.bands_path is None, it.product != "ndvi"))

        return self._find(entrant, ("scene", scene_id), read)

    def known(self, kind: str, key: str) -> Layer | None:
        """Return a layer that was found before ("" by its own id, "scene" by its scene's)."""
        with self._lock:
            return self._held.get((kind, key))

    def _find(
        self, entrant: Entrant, key: tuple[str, str], read: Callable[[ReadTx], Layer]
    ) -> Layer:
        with self._lock:
            held = self._held.get(key)
        if held is None:
            with entrant.reading() as access:
                held = read(access.tx)
            with self._lock:
                self._held[key] = held
        return held


def tag(facts: str) -> str:
    """Return the strong entity tag of a tile: a PNG never goes out zipped."""
    return etag_of(facts).removeprefix("W/")


def display_facts(layer_id: str, it: Layer, z: int, x: int, y: int) -> str:
    """Say what a precomputed tile depends on."""
    return f"{layer_id} {it.display_path} {it.palette} {z}/{x}/{y}"


def live_facts(scene_id: str, it: Layer, index: str, z: int, x: int, y: int) -> str:
    """Say what a live tile depends on."""
    return f"{scene_id} {it.bands_path} {it.palette} {index} {z}/{x}/{y}"


def answer_tiles() -> dict[int | str, dict[str, Any]]:
    """Return the answers that a route of tiles declares."""
    return _ANSWERS


def drawn(request: Request, facts: str, draw: Callable[[], bytes | None]) -> Response:
    """Answer with a tile, or that it is unchanged, or that there is none."""
    etag = tag(facts)
    same = unchanged(request, etag, HEADERS)
    if same is not None:
        return same
    try:
        image = draw()
    except OSError as error:
        why = "a file is missing or unreadable"
        raise Unavailable(part="raster archive", why=why) from error
    headers = {**HEADERS, "ETag": etag}
    return Response(status_code=204, headers=headers) if image is None else Png(image, 200, headers)


@router.get(
    DISPLAY,
    summary="Tile of a layer",
    response_class=Png,
    responses=_ANSWERS,
)
@enters(Action.READ, recently=True)
def display_tile(
    entrant: Entrant, request: Request, layer_id: StableId, z: Zoom, x: Column, y: Row
) -> Response:
    """Draw a palette PNG of 256 px on the WebMercator grid; 204 outside the layer."""
    state = request.app.state
    it = state.layers.layer(entrant, layer_id)
    facts = display_facts(layer_id, it, z, x, y)
    return drawn(request, facts, lambda: state.tiles.source().display(it, z, x, y))


@router.get(
    LIVE,
    summary="Tile computed from a scene's bands",
    response_class=Png,
    responses=_ANSWERS,
)
@enters(Action.READ, recently=True)
def live_tile(
    entrant: Entrant,
    request: Request,
    scene_id: StableId,
    z: Zoom,
    x: Column,
    y: Row,
    index: Annotated[IndexKey | None, Query(description="Spectral index; NDVI by default")] = None,
    expression: Annotated[
        str | None, Query(max_length=300, description="Arithmetic over bands: (nir-red)/(nir+red)")
    ] = None,
    bands: Annotated[
        str | None, Query(max_length=60, description="Three bands as colours: nir,red,green")
    ] = None,
    rescale: Annotated[str | None, Query(max_length=100, description="low,high shown")] = None,
    colormap: Annotated[str | None, Query(max_length=40, description="Named colours")] = None,
) -> Response:
    """Compute an index, a formula or a combination of bands of a scene and draw it."""
    state = request.app.state
    it = state.layers.of_scene(entrant, scene_id)
    source = state.tiles.source()
    if expression is None and bands is None and rescale is None and colormap is None:
        key = index or "ndvi"
        facts = live_facts(scene_id, it, key, z, x, y)
        return drawn(request, facts, lambda: source.live(it, z, x, y, index=key))
    how = source.recipe(
        it,
        index_key=index,
        expression=expression,
        bands=bands,
        rescale=rescale,
        colormap=colormap,
    )
    facts = live_facts(scene_id, it, how.facts, z, x, y)
    return drawn(request, facts, lambda: source.cooked(it, how, z, x, y))
