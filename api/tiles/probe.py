"""Values of layers under a point and within an area, read from the numbers."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyproj
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from analytics.remote.digital import NUMBER_NODATA
from analytics.remote.zonal import Verdict
from api.tiles.handles import Handles
from ingest.satellite.plan import Grid
from ingest.satellite.zonal import Rasters, over
from models.errors import Invalid
from models.scene import Layer

_MOST_PIXELS = 16_000_000  # 40 km x 40 km at 10 m: 32 MB of numbers


@lru_cache(maxsize=32)
def _to(epsg: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(4490, epsg, always_xy=True)


class Probe:
    """Reads values of the layers of an archive; thread-safe."""

    def __init__(self, archive: Path, handles: Handles) -> None:
        self._archive = archive
        self._handles = handles

    def value(self, layer: Layer, lon: float, lat: float) -> tuple[bool, float | None]:
        """Return whether a layer has a pixel at a point, and its value (None: masked)."""
        with self._handles.borrow(self._archive / layer.data_path) as dataset:
            x, y = _to(dataset.crs.to_epsg()).transform(lon, lat)
            t = dataset.transform
            column, row = (x - t.c) / t.a, (y - t.f) / t.e
            inside = 0 <= column < dataset.width and 0 <= row < dataset.height
            if not inside:
                return False, None
            number = int(dataset.read(1, window=Window(int(column), int(row), 1, 1))[0, 0])
        return True, None if number == NUMBER_NODATA else number * layer.scale + layer.offset

    def within(self, layer: Layer, shape: BaseGeometry) -> Verdict | None:
        """Judge a layer over an area [degrees], each pixel by its share inside; None outside.

        Raises
        ------
        Invalid
            The area spans more than 16 million pixels.
        """
        with self._handles.borrow(self._archive / layer.data_path) as dataset:
            epsg, t = dataset.crs.to_epsg(), dataset.transform
            sides = _to(epsg).transform_bounds(*shape.bounds)
            left, right = ((x - t.c) / t.a for x in (sides[0], sides[2]))
            top, bottom = ((y - t.f) / t.e for y in (sides[3], sides[1]))
            if not np.isfinite([left, right, top, bottom]).all():
                return None  # beyond where the projection reaches
            c0, r0 = max(int(left) - 1, 0), max(int(top) - 1, 0)
            c1, r1 = min(int(right) + 2, dataset.width), min(int(bottom) + 2, dataset.height)
            if c0 >= c1 or r0 >= r1:
                return None
            if (c1 - c0) * (r1 - r0) > _MOST_PIXELS:
                raise Invalid(
                    why=f"the area spans more than {_MOST_PIXELS:,} pixels",
                    zh=f"范围超过 {_MOST_PIXELS:,} 个像元，请缩小。",
                )
            numbers = dataset.read(1, window=Window(c0, r0, c1 - c0, r1 - r0)).astype(np.int16)
        grid = Grid(epsg, t.c + c0 * t.a, t.f + r0 * t.e, t.a, -t.e, c1 - c0, r1 - r0)
        return over(shape, Rasters(grid, numbers, None, 1, layer.scale))
