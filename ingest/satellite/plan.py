"""Pure arithmetic of grids and windows: where pixels lie, never what they hold.

A grid is north-up: column grows east, row grows south. Coordinates are (x, y) in metres of
its projection, or (lon, lat) in degrees where its system is geographic.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pyproj

# 1024 x 1024 x two uint16 bands: 4 MB a block, and the tile size of Sentinel-2 JPEG 2000
BLOCK = 1024
DEGREES = 4490  # CGCS2000; the same numbers as WGS84 to less than a metre


@dataclass(frozen=True, slots=True)
class Grid:
    """A north-up raster grid.

    Attributes
    ----------
    epsg : int
        Projected coordinate system in metres, or a geographic one.
    left, top : float
        Outer corner of the first pixel [m].
    dx, dy : float
        Pixel width and height [m], both positive.
    width, height : int
        Columns and rows.
    """

    epsg: int
    left: float
    top: float
    dx: float
    dy: float
    width: int
    height: int

    @property
    def right(self) -> float:
        """Eastern edge [m]."""
        return self.left + self.dx * self.width

    @property
    def bottom(self) -> float:
        """Southern edge [m]."""
        return self.top - self.dy * self.height

    @property
    def in_degrees(self) -> bool:
        """Whether coordinates are longitude and latitude."""
        return _is_geographic(self.epsg)

    @property
    def pixel_metres(self) -> tuple[float, float]:
        """Width and height of a pixel in the middle of the grid [m]."""
        if not self.in_degrees:
            return self.dx, self.dy
        lat = math.radians((self.top + self.bottom) / 2)
        # metres of a degree on the CGCS2000 ellipsoid, to 1 in 300
        return self.dx * 111_320 * math.cos(lat), self.dy * 111_320

    def same_as(self, other: "Grid") -> bool:
        """Tell whether both grids put every pixel in the same place (to 1 % of a pixel)."""
        near = 0.01 * self.dx
        return (
            (self.epsg, self.width, self.height) == (other.epsg, other.width, other.height)
            and math.dist((self.left, self.top), (other.left, other.top)) < near
            and math.dist((self.right, self.bottom), (other.right, other.bottom)) < near
        )

    def bounds_degrees(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees; edges are densified, for they bend."""
        to_degrees = pyproj.Transformer.from_crs(self.epsg, DEGREES, always_xy=True)
        west, south, east, north = to_degrees.transform_bounds(
            self.left, self.bottom, self.right, self.top
        )
        return west, south, east, north


@cache
def _is_geographic(epsg: int) -> bool:
    return bool(pyproj.CRS.from_epsg(epsg).is_geographic)


@dataclass(frozen=True, slots=True)
class Block:
    """A window of a grid, in pixels."""

    column: int
    row: int
    width: int
    height: int


def blocks(width: int, height: int, side: int = BLOCK) -> Iterator[Block]:
    """Cut a raster into blocks, row by row; the last of a row or column may be narrower."""
    for row in range(0, height, side):
        for column in range(0, width, side):
            yield Block(column, row, min(side, width - column), min(side, height - row))


def coarser_by(fine: Grid, coarse: Grid) -> int | None:
    """Whole number of fine pixels along one coarse pixel, or None if the grids do not nest.

    They nest when they share system and origin, the ratio is whole, and the coarse grid
    reaches as far as the fine one.
    """
    ratio = round(coarse.dx / fine.dx)
    near = 0.01 * fine.dx
    nests = (
        ratio >= 1
        and coarse.epsg == fine.epsg
        and math.isclose(coarse.dx, ratio * fine.dx, rel_tol=1e-6)
        and math.isclose(coarse.dy, ratio * fine.dy, rel_tol=1e-6)
        and math.dist((coarse.left, coarse.top), (fine.left, fine.top)) < near
        and coarse.width * ratio >= fine.width
        and coarse.height * ratio >= fine.height
    )
    return ratio if nests else None


def utm_north(lon: float) -> int:
    """EPSG code of the WGS84 UTM zone, northern hemisphere, that holds a longitude."""
    return 32601 + int((lon + 180) // 6) % 60


def moved_to(grid: Grid, lon: float, lat: float) -> Grid:
    """Move a grid so that its centre lies at (lon, lat), in the UTM zone of that place.

    The corner is snapped to whole pixels, so that the pixels of the moved scene line up
    with those of real scenes of the zone.
    """
    epsg = utm_north(lon)
    to_metres = pyproj.Transformer.from_crs(DEGREES, epsg, always_xy=True)
    x, y = to_metres.transform(lon, lat)
    left = round((x - grid.dx * grid.width / 2) / grid.dx) * grid.dx
    top = round((y + grid.dy * grid.height / 2) / grid.dy) * grid.dy
    return replace(grid, epsg=epsg, left=left, top=top)


def fits_its_system(grid: Grid, margin: float = 3.0) -> bool:
    """Tell whether a grid lies where its coordinate system is meant to be used.

    Parameters
    ----------
    margin : float
        Degrees by which it may lie outside; a UTM zone is 6 degrees wide and scenes of its
        edge reach into the next.
    """
    area = pyproj.CRS.from_epsg(grid.epsg).area_of_use
    west, south, east, north = grid.bounds_degrees()
    if not all(map(math.isfinite, (west, south, east, north))) or area is None:
        return False
    lon, lat = (west + east) / 2, (south + north) / 2
    return (
        area.west - margin <= lon <= area.east + margin
        and area.south - margin <= lat <= area.north + margin
    )


def coarsest_zoom(west: float, east: float, finest: int, least: int = 8) -> int:
    """Return the lowest WebMercator zoom at which a span of longitude is ``least`` pixels wide."""
    pixels_at_zoom_0 = 256 * (east - west) / 360
    return min(max(math.ceil(math.log2(least / pixels_at_zoom_0)), 0), finest)
