"""Tiles of raster layers as palette PNG, precomputed or live, cached in memory.

`display` recolours a block of the layer's display COG: the map uses it. `live` computes the
index from the bands: for any index of a scene, and as the check of the other.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from rasterio.env import set_gdal_config

from api.tiles import palettes, png
from api.tiles.display import DisplayRaster
from api.tiles.facts import Facts
from api.tiles.grid import SIDE, exists
from api.tiles.handles import Handles
from api.tiles.live import BandsRaster, LiveSource
from api.tiles.matrices import WEB, MatrixSet
from api.tiles.probe import Probe
from api.tiles.recipe import Recipe, recipe
from models.errors import NotFound, Unavailable
from models.scene import Layer

# 64 MB of PNGs: about 3000 tiles of 20 kB
_TILE_BYTES = 64_000_000
_MOST_HEADERS = 512
# GDAL's own block cache is of little use beside ours; its default is 5 % of the machine
_GDAL_CACHE_BYTES = 32_000_000

Raster = TypeVar("Raster", DisplayRaster, BandsRaster, Facts)


class TileSource:
    """Draws tiles of the layers of one archive; thread-safe.

    Parameters
    ----------
    archive : Path
        Folder that the paths of layers start from.
    cached : bool
        Keep drawn tiles in memory; benchmarks of drawing switch it off.
    """

    def __init__(self, archive: Path, *, cached: bool = True) -> None:
        # of the whole process, and to stay: an Env would put it back when it is left
        set_gdal_config("GDAL_CACHEMAX", _GDAL_CACHE_BYTES)
        self._archive = archive
        self._handles = Handles()
        self._live = LiveSource(self._handles)
        self.probe = Probe(archive, self._handles)
        self._headers: LRUCache[tuple[object, Path], Any] = LRUCache(_MOST_HEADERS)
        self._tiles: LRUCache[tuple[object, ...], bytes] = LRUCache(
            _TILE_BYTES if cached else 0, getsizeof=len
        )
        self._lock = threading.Lock()

    def display(self, layer: Layer, z: int, x: int, y: int) -> bytes | None:
        """Return the precomputed tile of a layer as PNG, or None where it has no pixel."""

        def draw() -> NDArray[np.uint8] | None:
            raster = self._header(DisplayRaster.open, self._archive / layer.display_path)
            return raster.codes(self._handles, z, x, y)

        return self._tile("display", layer, (z, x, y), draw)

    def live(
        self, layer: Layer, z: int, x: int, y: int, *, index: str | None = None
    ) -> bytes | None:
        """Return a tile of an index of a layer's scene, or None where it is empty.

        Raises
        ------
        NotFound
            The scene keeps no bands, or not those of the index; or the index is unknown.
        """
        return self.cooked(layer, recipe(layer, index_key=index), z, x, y)

    def cooked(self, layer: Layer, how: Recipe, z: int, x: int, y: int) -> bytes | None:
        """Return a tile computed from the bands of a layer's scene, or None where it is empty.

        Raises
        ------
        NotFound
            The scene keeps no bands, or not those that are asked for.
        """

        def draw() -> bytes:
            raster = self._bands_of(layer, how)
            found = [self._live.codes(raster, one, z, x, y) for one in how.expressions]
            drawn = [codes for codes in found if codes is not None and codes.any()]
            if len(drawn) < len(how.expressions):
                return b""
            return png.encode(drawn[0], how.palette) if how.palette else png.encode_rgb(drawn)

        return self._kept(f"live {layer.scene_id} {how.facts}", layer, (z, x, y), draw)

    def _bands_of(self, layer: Layer, how: Recipe) -> BandsRaster:
        if layer.bands_path is None:
            raise NotFound(noun="bands of scene", key=layer.scene_id)
        raster = self._header(BandsRaster.open, self._archive / layer.bands_path)
        roles = {role for one in how.expressions for role in one.index.bands}
        if missing := sorted(roles - set(raster.bands)):
            raise NotFound(noun="band", key=", ".join(missing))
        return raster

    def mosaic(self, layers: list[Layer], grid: MatrixSet, z: int, x: int, y: int) -> bytes | None:
        """Return the tile in which the first layer with a value wins, None where none has one."""
        if not layers or not grid.exists(z, x, y):
            return None

        def draw() -> NDArray[np.uint8] | None:
            whole = np.zeros((SIDE, SIDE), np.uint8)
            for layer in layers:
                raster = self._header(DisplayRaster.open, self._archive / layer.display_path)
                part = (
                    raster.codes(self._handles, z, x, y)
                    if grid is WEB
                    else raster.at(self._handles, z, *grid.degrees(z, x, y))
                )
                if part is not None:
                    whole = np.where(whole == 0, part, whole)
                if whole.all():
                    break
            return whole

        names = ",".join(layer.id for layer in layers)
        return self._tile(f"mosaic {grid.key} {names}", layers[0], (z, x, y), draw)

    def ramp(self, layer: Layer) -> bytes:
        """Return the colours of a layer as an image, from low to high."""
        return png.encode_ramp(layer.palette)

    def legend(self, layer: Layer) -> dict[str, Any]:
        """Return unit, stops (value and colour) and what nodata looks like (transparent)."""
        return {
            "unit": palettes.RAMPS[layer.palette].unit,
            "stops": palettes.stops(layer.palette, layer.low, layer.high),
            "nodata": None,
        }

    recipe = staticmethod(recipe)

    def facts(self, path: str) -> Facts | None:
        """Return the header of a file of the archive, or None when it cannot be read."""
        try:
            return self._header(Facts.open, self._archive / path)
        except (Unavailable, OSError):
            return None

    def close(self) -> None:
        """Close all files."""
        self._handles.close()

    def _tile(
        self,
        kind: str,
        layer: Layer,
        address: tuple[int, int, int],
        draw: Callable[[], NDArray[np.uint8] | None],
    ) -> bytes | None:

        def encoded() -> bytes:
            codes = draw()
            # an empty tile is remembered as no bytes
            return png.encode(codes, layer.palette) if codes is not None and codes.any() else b""

        return self._kept(kind, layer, address, encoded)

    def _kept(
        self, kind: str, layer: Layer, address: tuple[int, int, int], draw: Callable[[], bytes]
    ) -> bytes | None:
        if not exists(*address):
            return None
        key = (kind, layer.id, address)
        with self._lock:
            known = self._tiles.get(key)
        if known is None:
            known = draw()
            self._remember(key, known)
        return known or None

    def _remember(self, key: tuple[object, ...], tile: bytes) -> None:
        with self._lock:
            if len(tile) <= self._tiles.maxsize:
                self._tiles[key] = tile

    def _header(self, read: Callable[[Path, Handles], Raster], path: Path) -> Raster:
        with self._lock:
            known: Raster | None = self._headers.get((read, path))
        if known is None:
            known = read(path, self._handles)
            with self._lock:
                self._headers[read, path] = known
        return known
