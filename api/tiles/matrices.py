"""Tile matrix sets: WebMercator (天地图 w) and CGCS2000 degrees (天地图 c)."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.tiles.grid import HALF, SIDE

_METRES_A_DEGREE = 111319.49079327358  # OGC 17-083r4, 6.3: of the equator of WGS84
_PIXEL = 0.00028  # metres of a pixel that a scale denominator is told for
_CRS = "http://www.opengis.net/def/crs/EPSG/0"
Degrees = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MatrixSet:
    """A pyramid of tiles of 256 pixels.

    Attributes
    ----------
    rows : float
        Rows of tiles at zoom z are ``rows`` * 2**z; columns are always 2**z.
    first : int
        Coarsest zoom.
    """

    key: str
    short: str
    epsg: int
    zh: str
    en: str
    rows: float
    first: int

    def exists(self, z: int, x: int, y: int) -> bool:
        """Tell whether an address names a tile."""
        return z >= self.first and 0 <= x < 2**z and 0 <= y < self.rows * 2**z

    def degrees(self, z: int, x: int, y: int) -> tuple[Degrees, Degrees]:
        """Return longitudes of the columns and latitudes of the rows of a tile's pixels."""
        n = SIDE * 2**z
        inside = np.arange(SIDE) + 0.5
        lon = (x * SIDE + inside) / n * 360 - 180
        down = (y * SIDE + inside) / n
        if self.epsg == CGCS2000.epsg:
            return lon, 90 - down * 360
        return lon, np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * down))))

    def box(self, z: int, x: int, y: int) -> tuple[float, float, float, float]:
        """Return west, south, east, north of a tile [degrees]."""
        west, east = (column / 2**z * 360 - 180 for column in (x, x + 1))
        north, south = (self._latitude(row / 2**z) for row in (y, y + 1))
        return west, south, east, north

    def _latitude(self, down: float) -> float:
        if self.epsg == CGCS2000.epsg:
            return 90 - down * 360
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))

    def scale(self, z: int) -> float:
        """Return the scale denominator of a zoom."""
        return self.cell(z) * self._metres / _PIXEL

    def cell(self, z: int) -> float:
        """Return the side of a pixel at a zoom [units of the system]."""
        whole = 360.0 if self.epsg == CGCS2000.epsg else 2 * HALF
        return whole / SIDE / float(2**z)

    @property
    def _metres(self) -> float:
        return _METRES_A_DEGREE if self.epsg == CGCS2000.epsg else 1.0

    @property
    def corner(self) -> tuple[float, float]:
        """Top left corner in the order of the system's axes: latitude comes first in 4490."""
        return (90.0, -180.0) if self.epsg == CGCS2000.epsg else (-HALF, HALF)

    def document(self, last: int) -> dict[str, Any]:
        """Describe it down to a zoom (OGC two-dimensional tile matrix set 2.0)."""
        axes = ["Lat", "Lon"] if self.epsg == CGCS2000.epsg else ["X", "Y"]
        return {
            "id": self.key,
            "title": f"{self.zh} · {self.en}",
            "crs": f"{_CRS}/{self.epsg}",
            "orderedAxes": axes,
            "tileMatrices": [self._matrix(z) for z in range(self.first, last + 1)],
        }

    def _matrix(self, z: int) -> dict[str, Any]:
        return {
            "id": str(z),
            "scaleDenominator": self.scale(z),
            "cellSize": self.cell(z),
            "pointOfOrigin": list(self.corner),
            "tileWidth": SIDE,
            "tileHeight": SIDE,
            "matrixWidth": 2**z,
            "matrixHeight": int(self.rows * 2**z),
        }


WEB = MatrixSet(
    "WebMercatorQuad", "w", 3857, "球面墨卡托（天地图 w）", "WebMercator (Tianditu w)", 1, 0
)
CGCS2000 = MatrixSet(
    "CGCS2000Quad",
    "c",
    4490,
    "CGCS2000 经纬度（天地图 c）",
    "CGCS2000 degrees (Tianditu c)",
    0.5,
    1,
)
MATRIX_SETS: Final = {one.key: one for one in (WEB, CGCS2000)}
BY_SHORT: Final = {one.short: one for one in (WEB, CGCS2000)}
LAST = 18
