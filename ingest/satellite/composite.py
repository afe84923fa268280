"""Ten-day and monthly composites: the scenes of a period on one grid over an area.

The grid is that of the UTM zone in which the middle of the area lies, on whole multiples of the
pixel: scenes of that zone keep their pixels, those of the next zone are brought over by the
nearest pixel. A composite is a scene of a collection of its own with the layer, the number of
valid views (`count.tif`) and the days since the newest (`age.tif`); its lineage names every
file that went in, so that it can be made again, bit by bit.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from analytics.remote.composite import Composite, Method, compose
from analytics.remote.digital import NUMBER_NODATA
from analytics.remote.period import Period
from ingest.satellite import cog
from ingest.satellite.derived import Made, Outcome, publish
from ingest.satellite.plan import DEGREES, Block, Grid, blocks, utm_north
from ingest.satellite.products import KINDS, PIPELINE_VERSION, PRODUCTS, Product, products
from ingest.satellite.scene import checksum
from ingest.satellite.workshop import workshop
from ingest.satellite.zonal import Rasters, over
from models.errors import Invalid, NotFound
from models.place import Provenance
from models.scene import Layer, Scene
from models.store import scenes
from models.store.database import Database

COMPOSITE_VERSION = "1"
# 40 scenes of a month at 512 x 512: 42 MB a stack, 0.4 GB with the copies that a median takes
_SIDE = 512
# pixels of one Sentinel-2 tile: beyond it the next coarser grid, so that a county of any size
# is done in minutes
_MOST_PIXELS = 121_000_000
_PIXELS_M = (10, 20, 30, 60, 120, 300)
_UNKNOWN_AGE = 255


@dataclass(frozen=True, slots=True)
class Area:
    """Where: a name that stays the same, a box (degrees), and the outline where there is one."""

    name: str
    bbox: tuple[float, float, float, float]
    outline: BaseGeometry | None = None
    title_zh: str = ""
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class _Task:
    product: Product
    period: Period
    area: Area
    grid: Grid
    method: Method
    sources: list[tuple[Layer, Scene]]

    @property
    def made(self) -> Product:
        """The product that comes out."""
        return PRODUCTS[f"{self.product.key}_{self.period.kind}"]


def compose_period(
    database: Database,
    archive: Path,
    key: str,
    period: Period,
    area: Area,
    *,
    now: datetime,
    method: Method = "median",
    pixel_m: float | None = None,
) -> Outcome:
    """Make the composite of a product over an area, unless it is there already.

    Parameters
    ----------
    key : str
        Index, e.g. ``ndvi``.
    pixel_m : float, optional
        Default 10 m, coarser where that would be more pixels than a Sentinel-2 tile has.

    Raises
    ------
    NotFound
        No dated scene of the period meets the area.
    Invalid
        The period has not begun.
    """
    (product,) = products((key,))
    start, end = period.bounds
    if start > now:
        raise Invalid(why=f"the period {period} has not begun")
    with database.reading() as tx:
        found = scenes.layers_within(tx, key, area.bbox, start, end)
        sources = [(one, scenes.scene(tx, one.scene_id)) for one in found]
    if not sources:
        raise NotFound(noun="scene of the period", key=f"{key} {period}")
    grid = grid_over(area.bbox, pixel_m)
    task = _Task(product, period, area, grid, method, sources)
    with workshop(archive) as folder:
        return publish(
            database,
            archive,
            folder,
            _described(task, archive),
            lambda: _write(task, archive, folder),
            now,
        )


def grid_over(bbox: tuple[float, float, float, float], pixel_m: float | None = None) -> Grid:
    """Return the grid of an area: UTM zone of its middle, edges on whole pixels.

    The pixel is the finest of 10, 20, 30, 60, 120 and 300 m that keeps it to the pixels of a
    Sentinel-2 tile.
    """
    west, south, east, north = bbox
    epsg = utm_north((west + east) / 2)
    to_metres = pyproj.Transformer.from_crs(DEGREES, epsg, always_xy=True)
    x0, y0, x1, y1 = to_metres.transform_bounds(west, south, east, north)
    area = (x1 - x0) * (y1 - y0)
    fits = (p for p in _PIXELS_M if area / p**2 <= _MOST_PIXELS)
    pixel = pixel_m or next(fits, _PIXELS_M[-1])
    left, top = math.floor(x0 / pixel) * pixel, math.ceil(y1 / pixel) * pixel
    width, height = math.ceil((x1 - left) / pixel), math.ceil((top - y0) / pixel)
    return Grid(epsg, left, top, pixel, pixel, max(width, 1), max(height, 1))


def _write(task: _Task, archive: Path, folder: Path) -> dict[str, Any]:
    """Write the files; return what the lineage says of their pixels."""
    made, seen = task.made, 0

    def rows() -> Iterator[tuple[Block, dict[str, NDArray[Any]]]]:
        nonlocal seen
        for block, one in composed(task, archive):
            seen += int((one.count > 0).sum())
            age = np.where(np.isfinite(one.age), np.minimum(one.age, 254), _UNKNOWN_AGE)
            yield block, {made.key: one.values, "count": one.count, "age": age.astype(np.uint8)}

    cog.write_derived(folder, task.grid, {made.key: made}, ("count", "age"), rows())
    said: dict[str, Any] = {"valid_share": seen / (task.grid.width * task.grid.height)}
    if task.area.outline is not None:
        numbers = cog.read_numbers(folder / f"{made.key}.tif")
        found = over(task.area.outline, Rasters(task.grid, numbers, None, 1, made.scale))
        spread = found.spread
        said["area"] = {
            "mean": found.mean,
            "valid_share": found.valid_share,
            **({} if spread is None else {"median": spread.median, "p10": spread.p10}),
            **({} if spread is None else {"p90": spread.p90, "sd": spread.sd}),
        }
    return said


def composed(task: _Task, archive: Path) -> Iterator[tuple[Block, Composite]]:
    """Yield the composite block by block."""
    end = task.period.bounds[1]
    days = np.array([(end - layer.time).total_seconds() / 86_400 for layer, _ in task.sources])
    with ExitStack() as stack:
        files = [on_grid(stack, archive / layer.data_path, task.grid) for layer, _ in task.sources]
        for block in blocks(task.grid.width, task.grid.height, _SIDE):
            stacked = np.stack(
                [
                    read_values(file, block, one.scale)
                    for file, (one, _) in zip(files, task.sources, strict=True)
                ]
            )
            yield block, compose(stacked, days, task.method)


def on_grid(stack: ExitStack, path: Path, grid: Grid) -> WarpedVRT:
    """Open a raster of numbers as if it lay on a grid.

    The nearest pixel, so that a number is one that was measured; the mean of those within
    where the grid is more than half as coarse again.
    """
    source = stack.enter_context(rasterio.open(path))
    coarser = grid.dx > 1.5 * abs(source.transform.a)
    return stack.enter_context(
        WarpedVRT(
            source,
            crs=f"EPSG:{grid.epsg}",
            transform=rasterio.Affine(grid.dx, 0, grid.left, 0, -grid.dy, grid.top),
            width=grid.width,
            height=grid.height,
            nodata=NUMBER_NODATA,
            resampling=Resampling.average if coarser else Resampling.nearest,
        )
    )


def read_values(file: WarpedVRT, block: Block, scale: float) -> NDArray[np.float32]:
    """Read a block of numbers as values, NaN where there is none."""
    window = Window(block.column, block.row, block.width, block.height)
    numbers = file.read(1, window=window)
    values: NDArray[np.float32] = numbers.astype(np.float32) * np.float32(scale)
    values[numbers == NUMBER_NODATA] = np.nan
    return values


def _described(task: _Task, archive: Path) -> Made:
    period, area, made = task.period, task.area, task.made
    start, end = period.bounds
    zh, en = KINDS[period.kind]
    return Made(
        collection=f"heitu-{task.product.key}-{period.kind}",
        name=f"{period}_{area.name}",
        products=(made,),
        time=start,
        grid=task.grid,
        bbox=task.grid.bounds_degrees(),
        provenance=least_real(scene.provenance for _, scene in task.sources),
        lineage={
            "derived_from": [_source(layer, scene, archive) for layer, scene in task.sources],
            "masks": sorted({str(scene.lineage.get("mask")) for _, scene in task.sources}),
            "code_version": f"composite {COMPOSITE_VERSION}, ingest.satellite {PIPELINE_VERSION}",
            "parameters": {
                "product": task.product.key,
                "period": str(period),
                "start": start.isoformat(),
                "end": end.isoformat(),
                "area": area.name,
                "method": task.method,
                "grid": [task.grid.epsg, task.grid.left, task.grid.top, task.grid.dx],
            },
            "time_from": "period",
        },
        title_zh=f"{task.product.title_zh} {period.zh}{zh} {area.title_zh}".strip(),
        title_en=f"{task.product.title_en}, {en} {period} {area.title_en}".strip(),
    )


def _source(layer: Layer, scene: Scene, archive: Path) -> dict[str, Any]:
    return {
        "scene": scene.id,
        "layer": layer.id,
        "sha256": checksum(archive / layer.data_path),
        "mask": scene.lineage.get("mask"),
        "processing_baseline": scene.lineage.get("processing_baseline"),
        "pipeline": scene.lineage.get("pipeline"),
    }


def least_real(found: Any) -> Provenance:  # noqa: ANN401
    """Return synthetic if any is, else relocated if any is, else real."""
    kinds = set(found)
    order = (Provenance.SYNTHETIC, Provenance.RELOCATED)
    return next((one for one in order if one in kinds), Provenance.REAL)
