"""Write the cloud-optimised GeoTIFFs of a scene, block by block.

``ndvi.tif``    int16 x 1e4 on the grid of the scene: for numbers.
``display.tif`` uint8 on the WebMercator tile grid, 0 = nodata: for precomputed tiles.
``evi2.tif``, ``evi2_display.tif`` ... the same for every other product.
``bands.tif``   uint16 digital numbers, masked to 0, red and near infrared: for live tiles.

The blocks go into plain tiled TIFFs first; GDAL then makes the COG with its overviews.
Indices are averaged in overviews, with nodata left out of the mean.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.shutil import copy
from rasterio.windows import Window

from analytics.remote.digital import (
    NUMBER_NODATA,
    NUMBER_SCALE,
    Calibration,
    display,
    numbers,
)
from ingest.satellite.pixels import Maker, Pixels
from ingest.satellite.plan import Block, Grid, blocks
from ingest.satellite.products import Product

THREADS = 2
_RAW = ".raw.tif"
_COG = {
    "driver": "COG",
    "COMPRESS": "DEFLATE",
    "OVERVIEW_RESAMPLING": "AVERAGE",
    "NUM_THREADS": str(THREADS),
    "BIGTIFF": "IF_SAFER",
}
# people download the numbers: deflate opens everywhere. The bands are for our own tiles: zstd
# is written four times as fast and read twice as fast
_NUMBERS = _COG | {"PREDICTOR": "YES", "BLOCKSIZE": "512", "LEVEL": "4"}
_BANDS = _NUMBERS | {"COMPRESS": "ZSTD", "LEVEL": "1"}
# 256 px blocks on the tile grid: one tile is one block, read and recoloured
_DISPLAY = _COG | {
    "TILING_SCHEME": "GoogleMapsCompatible",
    "BLOCKSIZE": "256",
    "ADD_ALPHA": "NO",
    # zooms down to four below the finest share their tiles with the blocks, too
    "ALIGNED_LEVELS": "5",
    "SPARSE_OK": "YES",
    # nearest: a colour on the map is the value of a pixel, not of a blend with its neighbours
    "WARP_RESAMPLING": "NEAREST",
}


@dataclass(slots=True)
class Tally:
    """Counts over the pixels of a scene that have data at all."""

    pixels: int = 0
    with_data: int = 0
    valid: int = 0
    cloud: int = 0

    def add(self, block: Pixels) -> None:
        """Count one block."""
        self.pixels += block.numbers.size
        self.with_data += block.with_data
        self.valid += int((block.numbers != NUMBER_NODATA).sum())
        self.cloud += 0 if block.cloud is None else int(block.cloud.sum())


def write_blocks(maker: Maker, grid: Grid, folder: Path) -> Tally:
    """Compute every block, with two threads ahead of one writer, into plain TIFFs."""
    tally = Tally()
    with ExitStack() as stack:
        made = {one.key: _pair(stack, folder, one.key, grid) for one in maker.products}
        bands = _bands(stack, folder, maker, grid)
        pool = stack.enter_context(ThreadPoolExecutor(THREADS))
        for block, pixels in _ahead(pool, maker, list(blocks(grid.width, grid.height))):
            window = Window(block.column, block.row, block.width, block.height)
            for key, files in made.items():
                for file, values in zip(files, pixels.made[key], strict=True):
                    file.write(values, 1, window=window)
            bands.write(pixels.dn, window=window)
            tally.add(pixels)
    return tally


def _pair(
    stack: ExitStack, folder: Path, key: str, grid: Grid, scale: float = NUMBER_SCALE
) -> tuple[DatasetWriter, DatasetWriter]:
    """Open the plain files of one product: numbers and display codes."""
    whole = _raw(folder / f"{key}{_RAW}", grid, dtype="int16", count=1, nodata=NUMBER_NODATA)
    shown = folder / display_name(key).replace(".tif", _RAW)
    stack.enter_context(whole)
    whole.scales = (scale,)
    return whole, stack.enter_context(_raw(shown, grid, dtype="uint8", count=1, nodata=0))


def _bands(stack: ExitStack, folder: Path, maker: Maker, grid: Grid) -> DatasetWriter:
    kind: dict[str, Any] = {"dtype": "uint16", "count": len(maker.roles), "nodata": 0}
    bands = stack.enter_context(_raw(folder / f"bands{_RAW}", grid, **kind))
    for number, role in enumerate(maker.roles, 1):
        bands.set_band_description(number, role)
    _calibrate(bands, maker.stored)
    return bands


def display_name(key: str) -> str:
    """Name the display COG of a product; that of NDVI has kept the name it had alone."""
    return "display.tif" if key == "ndvi" else f"{key}_display.tif"


def _calibrate(bands: DatasetWriter, stored: Calibration) -> None:
    # GDAL's convention: value = DN * scale + offset
    bands.scales = (stored.scale,) * bands.count
    bands.offsets = (stored.offset * stored.scale,) * bands.count


def _ahead(
    pool: ThreadPoolExecutor, maker: Maker, todo: list[Block]
) -> Iterator[tuple[Block, Pixels]]:
    """Yield computed blocks in order, with at most two waiting per thread (about 60 MB)."""
    queue = iter(todo)

    def start(n: int) -> list[tuple[Block, Future[Pixels]]]:
        return [(block, pool.submit(maker.block, block)) for block in islice(queue, n)]

    waiting = start(2 * THREADS)
    while waiting:
        block, future = waiting.pop(0)
        waiting += start(1)
        yield block, future.result()


def _raw(path: Path, grid: Grid, **kind: Any) -> DatasetWriter:  # noqa: ANN401
    return rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=grid.width,
        height=grid.height,
        crs=f"EPSG:{grid.epsg}",
        transform=rasterio.Affine(grid.dx, 0, grid.left, 0, -grid.dy, grid.top),
        tiled=True,
        blockxsize=512,
        blockysize=512,
        interleave="pixel",
        BIGTIFF="IF_SAFER",
        **kind,
    )


def finish(folder: Path) -> None:
    """Turn the plain TIFFs of a folder into COGs and remove them."""
    for raw in sorted(folder.glob(f"*{_RAW}")):
        name = raw.name.removesuffix(_RAW)
        options = _BANDS if name == "bands" else _NUMBERS
        copy(raw, folder / f"{name}.tif", **(_DISPLAY if name.endswith("display") else options))
        raw.unlink()


def finest_zoom(path: Path) -> int:
    """Return the zoom of a display COG's full resolution."""
    with rasterio.open(path) as dataset:
        return int(dataset.tags(ns="TILING_SCHEME")["ZOOM_LEVEL"])


def write_derived(
    folder: Path,
    grid: Grid,
    made: dict[str, Product],
    counts: tuple[str, ...],
    rows: Iterable[tuple[Block, dict[str, NDArray[Any]]]],
) -> None:
    """Write what is derived from other rasters as COGs.

    Parameters
    ----------
    made : dict
        Name of the file -> product; its values come as float, NaN where there is none.
    counts : tuple of str
        Files of uint8 numbers beside them, written as they are; 255 says nothing.
    rows : iterable
        Block -> values by name.
    """
    with ExitStack() as stack:
        pairs = {key: _pair(stack, folder, key, grid, one.scale) for key, one in made.items()}
        plain = {
            key: stack.enter_context(
                _raw(folder / f"{key}{_RAW}", grid, dtype="uint8", count=1, nodata=255)
            )
            for key in counts
        }
        for block, values in rows:
            window = Window(block.column, block.row, block.width, block.height)
            for key, (numbers_file, display_file) in pairs.items():
                one = made[key]
                numbers_file.write(numbers(values[key], one.scale), 1, window=window)
                display_file.write(display(values[key], one.low, one.high), 1, window=window)
            for key, file in plain.items():
                file.write(values[key], 1, window=window)
    finish(folder)


def grid_of(path: Path, epsg: int) -> Grid:
    """Return the grid of one of our own rasters."""
    with rasterio.open(path) as one:
        at = one.transform
        return Grid(epsg, at.c, at.f, at.a, -at.e, one.width, one.height)


def read_numbers(path: Path) -> NDArray[Any]:
    """Read the int16 numbers of a whole scene (241 MB for a Sentinel-2 tile)."""
    with rasterio.open(path) as dataset:
        values: NDArray[Any] = dataset.read(1)
    return values
