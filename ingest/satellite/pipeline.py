"""Take one scene in: open, check, mask, index, COG, catalogue, zonal means per field.

Files are made in a folder of their own and renamed into the archive when they are whole;
the rows follow in one transaction. A rejected scene leaves nothing behind, a crash at most
files that no row names, and the next attempt starts over.
"""

import shutil
import tempfile
import time as wall
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import rasterio

from analytics.remote.zonal import Verdict
from ingest.satellite import catalogue, cog, unpack
from ingest.satellite.cog import Tally
from ingest.satellite.pixels import Maker
from ingest.satellite.plan import Grid, moved_to
from ingest.satellite.products import NDVI, Product
from ingest.satellite.read import Reader
from ingest.satellite.scene import open_scene
from ingest.satellite.source import SourceScene
from ingest.satellite.zonal import Rasters, verdicts
from models import calendar
from models.errors import SceneRejected
from models.place import Field, Provenance
from models.scene import Layer, Scene
from models.store import places, rollups, scenes
from models.store.database import Database

Progress = Callable[[str], None]
INCOMING = ".incoming"
# GDAL's own default is 5 % of the machine, 1.2 GB here; a row of blocks of two bands fits in this
_CACHE_BYTES = 192_000_000
_STALE_S = 86_400


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a scene.

    Attributes
    ----------
    unchanged : bool
        It was catalogued already, and no field was without a value: nothing was written.
    fields, stored : int
        Fields that the scene touches and that were judged now, and readings stored.
    without_value : int
        Fields with fewer than 30 % valid pixels: their mean is null.
    """

    scene: Scene
    layer: Layer
    unchanged: bool
    fields: int = 0
    stored: int = 0
    without_value: int = 0
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Task:
    """A scene on its way in."""

    source: SourceScene
    target: Grid
    name: str
    sums: dict[str, str]
    provenance: Provenance
    product: Product = NDVI


def take_in(
    path: Path,
    database: Database,
    archive: Path,
    *,
    progress: Progress | None = None,
    relocate: tuple[float, float] | None = None,
    provenance: Provenance = Provenance.REAL,
    time: datetime | None = None,
    clock: Callable[[], datetime] = calendar.now,
) -> Report:
    """Take one scene in; taking the same one in again changes nothing.

    Parameters
    ----------
    path : Path
        Folder of bands, SAFE or Landsat product (folder or archive), or multi-band GeoTIFF.
    archive : Path
        Folder that keeps the rasters.
    progress : callable, optional
        Told the name of each step as it begins.
    relocate : tuple of float, optional
        (lon, lat) to move the centre of the scene to, for demonstrations; the scene is then
        labelled relocated and its lineage says from where.
    provenance : Provenance
        What to call the data otherwise.
    time : datetime, optional
        Acquisition time where the files do not say it.

    Raises
    ------
    SceneRejected
        With a reason and what to do; nothing has changed on disk or in the database.
    """
    tell = progress or _silence
    with _at_hand(path, archive, tell) as folder:
        tell("open and check")
        source = open_scene(folder, now=clock(), time=time)
        return _take_in(source, database, archive, tell, relocate, provenance, clock)


@contextmanager
def _at_hand(path: Path, archive: Path, tell: Progress) -> Iterator[Path]:
    """Give the path itself, or the folder that an archive unpacks to, beside our own archive."""
    if not unpack.is_archive(path):
        yield path
        return
    tell("unpack")
    incoming = archive / INCOMING
    _sweep(incoming)
    incoming.mkdir(parents=True, exist_ok=True)
    try:
        with unpack.unpacked(path, incoming) as folder:
            yield folder
    finally:
        with suppress(OSError):  # another scene is on its way in
            incoming.rmdir()


def _take_in(
    source: SourceScene,
    database: Database,
    archive: Path,
    tell: Progress,
    relocate: tuple[float, float] | None,
    provenance: Provenance,
    clock: Callable[[], datetime],
) -> Report:
    target = source.grid if relocate is None else moved_to(source.grid, *relocate)
    tell("checksums")
    sums = catalogue.checksums(source)
    name = catalogue.scene_id(source, target, sums)
    task = _Task(
        source, target, name, sums, provenance if relocate is None else Provenance.RELOCATED
    )
    _check_roles(source, task.product)
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), _reader(task) as reader:
        known = _known(task, database, archive)
        if known is None:
            report = _make(task, reader, database, archive, tell, clock())
        else:
            report = _catch_up(task, known, reader, database, archive, clock())
    if report.stored:
        tell("rollups")
        rollups.refresh(database)
    return report


def _silence(step: str) -> None:
    """Tell nobody."""
    del step


@contextmanager
def _reader(task: _Task) -> Iterator[Reader]:
    reader = Reader(task.source)
    try:
        yield reader
    finally:
        reader.close()


def _check_roles(source: SourceScene, product: Product) -> None:
    """Refuse a scene of which the product cannot be made."""
    if not source.has(*product.index.bands):
        detail = (
            f"{product.title_en} needs {', '.join(product.index.bands)}; "
            f"this scene has {', '.join(source.roles)}"
        )
        raise SceneRejected(reason="missing_band", detail=detail)


def _known(task: _Task, database: Database, archive: Path) -> tuple[Scene, Layer] | None:
    """Return scene and layer when they are catalogued and their files are there."""
    if not catalogue.has_files(archive / catalogue.SCENES / task.name):
        return None
    with database.reading() as tx:
        if not scenes.has_scene(tx, task.name):
            return None
        layer = next(iter(scenes.layers(tx, product=task.product.key, scene_id=task.name)), None)
        return None if layer is None else (scenes.scene(tx, task.name), layer)


def _make(
    task: _Task, reader: Reader, database: Database, archive: Path, tell: Progress, now: datetime
) -> Report:
    """Make the files of a new scene, then publish files and rows together."""
    with _workshop(archive) as folder:
        tell("mask and index")
        tally = cog.write_blocks(Maker(reader, task.product), task.target, folder)
        _check_tally(task.source, tally)
        tell("cloud-optimised files")
        cog.finish(folder)
        scene = catalogue.scene_row(
            task.name, task.source, task.target, task.sums, tally, task.provenance, task.product
        )
        layer = catalogue.layer_row(scene, task.product, folder / "display.tif")
        tell("fields")
        fields = _fields(task, scene, database)
        judged = verdicts(fields, _rasters(task, reader, folder / "ndvi.tif")) if fields else []
        tell("catalogue")
        place = archive / catalogue.SCENES / task.name
        with database.writing() as tx:
            is_new = scenes.add_scene(tx, scene) and scenes.add_layer(tx, layer)
            stored = catalogue.keep_values(tx, scene, task.product, judged, now) if is_new else 0
            # Last before the commit: a row must never name a file that is not there. A scene
            # that is not new was taken in by another process meanwhile, or lost its files.
            if is_new or not catalogue.has_files(place):
                _move_in(folder, place)
    if not is_new:
        return Report(scene, layer, unchanged=True, notes=task.source.notes)
    return _report(task, scene, layer, judged, stored)


def _fields(task: _Task, scene: Scene, database: Database) -> list[Field]:
    """Return the fields to judge: none for an undated scene, for a value needs its date."""
    if not task.source.dated:
        return []
    with database.reading() as tx:
        return places.fields_in(tx, scene.bbox)


def _check_tally(source: SourceScene, tally: Tally) -> None:
    """Refuse a scene without a single pixel to speak of."""
    if tally.with_data == 0:
        detail = "every pixel is nodata"
        raise SceneRejected(reason="all_nodata", detail=detail)
    if tally.valid == 0:
        share = tally.cloud / tally.with_data
        mask = source.mask_version
        detail = f"no pixel is left by the mask {mask}; {share:.0%} lie under cloud or shadow"
        raise SceneRejected(reason="all_cloud" if tally.cloud else "all_masked", detail=detail)


def _rasters(task: _Task, reader: Reader, path: Path) -> Rasters:
    numbers = cog.read_numbers(path)
    return Rasters(task.target, numbers, reader.clouds(), task.source.scl_ratio)


def _catch_up(
    task: _Task,
    known: tuple[Scene, Layer],
    reader: Reader,
    database: Database,
    archive: Path,
    now: datetime,
) -> Report:
    """Give a scene's value to the fields that were registered after it came in, if any."""
    scene, layer = known
    with database.reading() as tx:
        judged_before = scenes.judged(tx, scene.id, task.product.key)
    late = [one for one in _fields(task, scene, database) if one.id not in judged_before]
    judged = verdicts(late, _rasters(task, reader, archive / layer.data_path)) if late else []
    if not judged:
        return Report(scene, layer, unchanged=True, notes=task.source.notes)
    with database.writing() as tx:
        stored = catalogue.keep_values(tx, scene, task.product, judged, now)
    return _report(task, scene, layer, judged, stored)


def _report(
    task: _Task, scene: Scene, layer: Layer, judged: list[tuple[Field, Verdict]], stored: int
) -> Report:
    silent = sum(one.mean is None for _, one in judged)
    return Report(scene, layer, False, len(judged), stored, silent, task.source.notes)


@contextmanager
def _workshop(archive: Path) -> Iterator[Path]:
    """Give a fresh folder on the archive's file system, and leave no trace of it."""
    incoming = archive / INCOMING
    _sweep(incoming)
    incoming.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=incoming))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another scene is on its way in
            incoming.rmdir()


def _sweep(incoming: Path) -> None:
    """Remove what a crash left behind more than a day ago; no scene takes that long."""
    if incoming.is_dir():
        for folder in incoming.iterdir():
            if folder.stat().st_mtime < wall.time() - _STALE_S:
                shutil.rmtree(folder, ignore_errors=True)


def _move_in(folder: Path, place: Path) -> None:
    """Rename the finished folder into the archive, over what a crash may have left there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    folder.rename(place)
