"""The WebMercator tile grid, and where the pixels of a tile lie in another projection. Pure."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray

SIDE = 256
HALF = 20037508.342789244  # half the circumference of the WebMercator square [m]
NODES = 17


@dataclass(frozen=True, slots=True)
class TileBounds:
    """Edges of a tile [m], EPSG:3857."""

    west: float
    south: float
    east: float
    north: float


def bounds(z: int, x: int, y: int) -> TileBounds:
    """Return the edges of an XYZ tile."""
    side = 2 * HALF / 2**z
    west, north = x * side - HALF, HALF - y * side
    return TileBounds(west, north - side, west + side, north)


def exists(z: int, x: int, y: int) -> bool:
    """Tell whether an XYZ address names a tile."""
    return z >= 0 and 0 <= x < 2**z and 0 <= y < 2**z


def part_inside(tile: TileBounds, extent: TileBounds) -> tuple[slice, slice] | None:
    """Return the rows and columns of a tile's pixels that touch an extent; None for none."""
    step = (tile.east - tile.west) / SIDE
    left, right = _clipped((extent.west - tile.west) / step, (extent.east - tile.west) / step)
    top, bottom = _clipped((tile.north - extent.north) / step, (tile.north - extent.south) / step)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _clipped(low: float, high: float) -> tuple[int, int]:
    return max(math.floor(low), 0), min(math.ceil(high), SIDE)


@lru_cache(maxsize=2 * SIDE)
def _weights(n: int) -> NDArray[np.float64]:
    """Return the weights that take NODES values, spread over n pixels, to the n centres.

    Between nodes a projection is taken as straight: at zoom 8, nodes 10 km apart, UTM bends
    by less than 1 m from one to the next, 0.002 of a pixel, and less at every further zoom.
    """
    at = (np.arange(n) + 0.5) / n * (NODES - 1)
    cell = np.minimum(at.astype(int), NODES - 2)
    weights = np.zeros((n, NODES))
    weights[np.arange(n), cell] = 1 - (at - cell)
    weights[np.arange(n), cell + 1] = at - cell
    return weights


def pixel_centres(
    tile: TileBounds, rows: slice, columns: slice, to_raster: pyproj.Transformer
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y, in the raster's system, of the centres of some of a tile's pixels."""
    step = (tile.east - tile.west) / SIDE
    across = np.linspace(tile.west + columns.start * step, tile.west + columns.stop * step, NODES)
    down = np.linspace(tile.north - rows.start * step, tile.north - rows.stop * step, NODES)
    x, y = to_raster.transform(*np.meshgrid(across, down))
    by_row, by_column = _weights(rows.stop - rows.start), _weights(columns.stop - columns.start)
    return by_row @ x @ by_column.T, by_row @ y @ by_column.T
