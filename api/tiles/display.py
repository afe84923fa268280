"""Precomputed tiles: blocks of a display COG on the WebMercator tile grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from api.tiles.grid import HALF, SIDE
from api.tiles.handles import Handles

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DisplayRaster:
    """A display COG: zoom of its full resolution, and its corner in pixels of that zoom.

    Attributes
    ----------
    levels : int
        Resolutions it holds; level k is the grid of ``zoom`` - k.
    """

    path: Path
    zoom: int
    left: int
    top: int
    width: int
    height: int
    levels: int

    @classmethod
    def open(cls, path: Path, handles: Handles) -> "DisplayRaster":
        """Read the header of a display COG."""
        with handles.borrow(path) as dataset:
            pixel = dataset.transform.a
            return cls(
                path=path,
                zoom=round(np.log2(2 * HALF / SIDE / pixel)),
                left=round((dataset.transform.c + HALF) / pixel),
                top=round((HALF - dataset.transform.f) / pixel),
                width=dataset.width,
                height=dataset.height,
                levels=1 + len(dataset.overviews(1)),
            )

    def codes(self, handles: Handles, z: int, x: int, y: int) -> Codes | None:
        """Return the display codes of a tile, or None when it lies outside."""
        if z > self.zoom:
            return self._enlarged(handles, z, x, y)
        level = self.zoom - z
        if level >= self.levels:
            return self._shrunk(handles, z, x, y)
        return self._window(handles, level, x * SIDE, y * SIDE)

    def at(
        self, handles: Handles, z: int, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> Codes | None:
        """Return the codes under columns of longitudes and rows of latitudes, None outside.

        A pixel of zoom z is as wide in both matrix sets, so the level is that of the zoom.
        """
        level = min(max(self.zoom - z, 0), self.levels - 1)
        n = SIDE * 2 ** (self.zoom - level)
        down = 0.5 - np.arcsinh(np.tan(np.radians(lat))) / (2 * np.pi)
        columns = np.floor((lon + 180) / 360 * n - self.left / 2**level).astype(np.int64)
        rows = np.floor(down * n - self.top / 2**level).astype(np.int64)
        with handles.borrow(self.path, level - 1) as dataset:
            across = np.flatnonzero((columns >= 0) & (columns < dataset.width))
            below = np.flatnonzero((rows >= 0) & (rows < dataset.height))
            if not (across.size and below.size):
                return None
            c0, r0 = int(columns[across[0]]), int(rows[below[0]])
            width, height = int(columns[across[-1]]) + 1 - c0, int(rows[below[-1]]) + 1 - r0
            part: Codes = dataset.read(1, window=Window(c0, r0, width, height))
        codes = np.zeros((lat.size, lon.size), np.uint8)
        codes[np.ix_(below, across)] = part[np.ix_(rows[below] - r0, columns[across] - c0)]
        return codes

    def _window(self, handles: Handles, level: int, column: int, row: int) -> Codes | None:
        """Read 256 x 256 pixels at a pixel address of a level's zoom, 0 beyond the edges."""
        left, top = self.left / 2**level, self.top / 2**level
        with handles.borrow(self.path, level - 1) as dataset:
            c, r = round(column - left), round(row - top)
            c0, r0 = max(c, 0), max(r, 0)
            c1, r1 = min(c + SIDE, dataset.width), min(r + SIDE, dataset.height)
            if c0 >= c1 or r0 >= r1:
                return None
            part: Codes = dataset.read(1, window=Window(c0, r0, c1 - c0, r1 - r0))
        if part.shape == (SIDE, SIDE):
            return part
        whole = np.zeros((SIDE, SIDE), np.uint8)
        whole[r0 - r : r1 - r, c0 - c : c1 - c] = part
        return whole

    def _enlarged(self, handles: Handles, z: int, x: int, y: int) -> Codes | None:
        """Repeat the pixels of the tile above that has full resolution."""
        factor = 2 ** (z - self.zoom)
        parent = self._window(handles, 0, x // factor * SIDE, y // factor * SIDE)
        if parent is None:
            return None
        inside = np.arange(SIDE)
        columns = (x % factor * SIDE + inside) // factor
        rows = (y % factor * SIDE + inside) // factor
        return parent[np.ix_(rows, columns)]

    def _shrunk(self, handles: Handles, z: int, x: int, y: int) -> Codes | None:
        """Pick from the coarsest level, the pixel under the middle of each tile pixel."""
        coarsest = self.levels - 1
        factor = 2 ** (self.zoom - z - coarsest)
        middle = (np.arange(SIDE) + 0.5) * factor
        columns = np.floor(x * SIDE * factor + middle - self.left / 2**coarsest).astype(int)
        rows = np.floor(y * SIDE * factor + middle - self.top / 2**coarsest).astype(int)
        with handles.borrow(self.path, coarsest - 1) as dataset:
            across = (columns >= 0) & (columns < dataset.width)
            down = (rows >= 0) & (rows < dataset.height)
            if not (across.any() and down.any()):
                return None
            whole: Codes = dataset.read(1)
        codes = np.zeros((SIDE, SIDE), np.uint8)
        codes[np.ix_(down, across)] = whole[np.ix_(rows[down], columns[across])]
        return codes
