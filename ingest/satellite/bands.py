"""Open one band of a file and refuse, by name, what cannot be a band of a scene."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.io import DatasetReader

from ingest.satellite.integrity import CutError, check_whole
from ingest.satellite.plan import Grid, fits_its_system
from models.errors import SceneRejected

# the driver goes by the first bytes and no other is tried: a .tif that holds VRT text would
# otherwise make GDAL read any file or address
DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\0\0\0\x0c": "JP2OpenJPEG",
    b"CDF\x01": "netCDF",
    b"CDF\x02": "netCDF",
    b"\x89HDF": "netCDF",
}
# a Sentinel-2 band has 1.2e8 pixels, a whole Landsat scene 6e7; beyond is a mistake or a bomb
MOST_PIXELS = 500_000_000
# one block is decoded at once: an untiled 20000 x 10000 float64 TIFF would be 1.6 GB of it
MOST_BLOCK_BYTES = 256_000_000
PIXEL_METRES = (0.01, 1000.0)
PIXEL_DEGREES = (1e-7, 0.01)  # 1 cm to 1 km of latitude
PSEUDO_MERCATOR = 3857


@dataclass(frozen=True, slots=True)
class Band:
    """One band in one file, as its header describes it.

    Attributes
    ----------
    index : int
        Band number in the file, from 1.
    label : str
        What the file calls it (description, or the attributes of the sample).
    nodata : float or None
        Value that stands for no measurement, besides those of `empty`.
    scale, offset : float
        As the file declares them: reflectance = value * scale + offset; 1 and 0 when it
        does not.
    stated : bool
        Whether scale and offset come from a descriptor or catalogue item of this scene; then
        they hold, an offset of 0 included.
    empty : tuple of float
        Values that stand for no measurement on this platform.
    valid : tuple of float or None
        Lowest and highest value that can be trusted.
    """

    path: Path
    index: int
    label: str
    grid: Grid
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    tags: dict[str, str]
    stated: bool = False
    empty: tuple[float, ...] = (0.0, 65535.0)
    valid: tuple[float, float] | None = None


def open_raster(path: Path) -> DatasetReader:
    """Open a raster file for reading; the caller closes it, in whatever thread it likes.

    Raises
    ------
    SceneRejected
        It is cut, or no raster of a kind we read.
    """
    try:
        check_whole(path)
        driver = _driver(path)
        with warnings.catch_warnings():
            # a file without position is refused below, in words
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path, driver=driver)
    except CutError as cut:
        raise SceneRejected(reason="truncated", detail=f"{path.name} is cut: {cut}") from None
    except (RasterioError, OSError) as broken:
        detail = f"{path.name} cannot be opened: {broken}"
        raise SceneRejected(reason="not_a_raster", detail=detail) from None


@contextmanager
def opened(path: Path) -> Iterator[DatasetReader]:
    """Open a raster file for the length of a block (see `open_raster`)."""
    dataset = open_raster(path)
    try:
        yield dataset
    finally:
        dataset.close()


def _driver(path: Path) -> str:
    with path.open("rb") as file:
        driver = DRIVERS.get(file.read(4))
    if driver is None:
        detail = f"{path.name} is not a TIFF, JPEG 2000 or netCDF file"
        raise SceneRejected(reason="not_a_raster", detail=detail)
    return driver


def band(
    path: Path, index: int = 1, *, place: Grid | None = None, geographic: bool = False
) -> Band:
    """Describe one band of a file after checking that it can be one.

    Parameters
    ----------
    place : Grid, optional
        Where the raster lies if the file itself does not say it.
    geographic : bool
        Whether a grid in degrees is taken.

    Raises
    ------
    SceneRejected
        Unreadable, too large, without a usable coordinate system, or not north-up.
    """
    with opened(path) as dataset:
        if not 1 <= index <= dataset.count:
            detail = f"{path.name} has {dataset.count} bands, not a number {index}"
            raise SceneRejected(reason="missing_band", detail=detail)
        _check_size(path, dataset)
        _check_type(path, dataset.dtypes[index - 1])
        tags = dataset.tags() | dataset.tags(index)
        return Band(
            path=path,
            index=index,
            label=_label(dataset.descriptions[index - 1], tags, path),
            grid=_placed(path, dataset, place) or _grid(path, dataset, tags, geographic),
            dtype=dataset.dtypes[index - 1],
            nodata=dataset.nodatavals[index - 1],
            scale=float(dataset.scales[index - 1]),
            offset=float(dataset.offsets[index - 1]),
            tags=tags,
        )


def _label(description: str | None, tags: dict[str, str], path: Path) -> str:
    if description:
        return description
    return f"B{tags['Band']}" if tags.get("Band", "").isdigit() else path.stem


def _check_size(path: Path, dataset: DatasetReader) -> None:
    pixels = dataset.width * dataset.height
    rows, columns = dataset.block_shapes[0]
    block = rows * columns * max(np.dtype(kind).itemsize for kind in dataset.dtypes)
    if pixels > MOST_PIXELS or block > MOST_BLOCK_BYTES:
        detail = (
            f"{path.name} is {dataset.width} x {dataset.height} pixels in blocks of "
            f"{block} bytes; the limit is {MOST_PIXELS} pixels and {MOST_BLOCK_BYTES} bytes"
        )
        raise SceneRejected(reason="too_large", detail=detail)


def _check_type(path: Path, dtype: str) -> None:
    if np.dtype(dtype).kind not in "uif":
        detail = f"{path.name} holds {dtype}, not numbers of reflectance"
        raise SceneRejected(reason="wrong_type", detail=detail)


def _placed(path: Path, dataset: DatasetReader, place: Grid | None) -> Grid | None:
    """Return the grid that the metadata give a file without a position of its own."""
    if place is None or dataset.crs is not None or not dataset.transform.is_identity:
        return None
    if (dataset.width, dataset.height) != (place.width, place.height):
        detail = (
            f"{path.name} is {dataset.width} x {dataset.height} pixels without a position, and "
            f"its metadata place {place.width} x {place.height}"
        )
        raise SceneRejected(reason="no_position", detail=detail)
    return place


def _epsg(path: Path, dataset: DatasetReader, tags: dict[str, str], geographic: bool) -> int:
    """EPSG code from the file's own system, or from a netCDF attribute naming one."""
    named = re.search(r"epsg:(\d{4,5})$", tags.get("crs", ""), re.IGNORECASE)
    if dataset.crs is None and named is None:
        detail = f"{path.name} does not say its coordinate system"
        raise SceneRejected(reason="no_crs", detail=detail)
    crs = dataset.crs or rasterio.crs.CRS.from_epsg(int(named[1]) if named else 0)
    epsg = crs.to_epsg()
    metric = crs.is_projected and crs.linear_units_factor[1] == 1.0
    if epsg is None or not (metric or (geographic and crs.is_geographic)):
        detail = (
            f"{path.name} is in {crs.to_string()[:80]}; a scene needs a projected system in "
            "metres with an EPSG code, such as UTM 51N (EPSG:32651): reproject it first"
        )
        raise SceneRejected(reason="wrong_crs", detail=detail)
    return int(epsg)


def _grid(path: Path, dataset: DatasetReader, tags: dict[str, str], geographic: bool) -> Grid:
    epsg = _epsg(path, dataset, tags, geographic)
    t = dataset.transform
    if t.is_identity or t.b or t.d or t.a <= 0 or t.e >= 0:
        detail = f"{path.name} has no position, or is not north-up: {tuple(t)[:6]}"
        raise SceneRejected(reason="no_position", detail=detail)
    grid = Grid(epsg, t.c, t.f, t.a, -t.e, dataset.width, dataset.height)
    low, high = PIXEL_DEGREES if grid.in_degrees else PIXEL_METRES
    if not (low <= t.a <= high and low <= -t.e <= high):
        unit = "degrees" if grid.in_degrees else "m"
        detail = f"pixels of {path.name} are {t.a} x {-t.e} {unit}; {low} to {high} can be"
        raise SceneRejected(reason="wrong_resolution", detail=detail)
    if epsg == PSEUDO_MERCATOR or not fits_its_system(grid):
        detail = (
            f"{path.name} lies at x {grid.left:.0f}, y {grid.top:.0f}, where EPSG:{epsg} is "
            "not made for; its coordinate system is wrong, or it needs reprojecting to UTM"
        )
        raise SceneRejected(reason="wrong_crs", detail=detail)
    return grid


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Turn a failure while pixels are read into a rejection that names the file."""
    try:
        yield
    except RasterioIOError as broken:
        detail = f"{path.name} cannot be read to its end: {broken.__cause__ or broken}"
        raise SceneRejected(reason="truncated", detail=detail) from None
