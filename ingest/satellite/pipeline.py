"""Take one scene in: open, check, mask, index, COG, catalogue, zonal means per field.

Files are made in a folder of their own and renamed into the archive when they are whole;
the rows follow in one transaction. A rejected scene leaves nothing behind, a crash at most
files that no row names, and the next attempt starts over.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import rasterio

from analytics.remote.indices import Index
from analytics.remote.zonal import Verdict
from ingest.satellite import catalogue, cog, unpack
from ingest.satellite.cog import Tally
from ingest.satellite.pixels import Maker
from ingest.satellite.plan import Grid, moved_to
from ingest.satellite.products import NDVI, PRODUCTS, Product, products
from ingest.satellite.read import Reader
from ingest.satellite.scene import checksum, open_scene
from ingest.satellite.source import SourceScene
from ingest.satellite.workshop import INCOMING, sweep, workshop
from ingest.satellite.zonal import Rasters, verdicts
from models import calendar
from models.errors import SceneRejected
from models.place import Field, Provenance
from models.scene import Layer, Scene
from models.store import places, rollups, scenes
from models.store.database import Database, WriteTx

Progress = Callable[[str], None]
# GDAL's own default is 5 % of the machine, 1.2 GB here; a row of blocks of two bands fits in this
_CACHE_BYTES = 192_000_000


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a scene.

    Attributes
    ----------
    layer : Layer
        Of the first product; `layers` are those of all that were made now.
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
    layers: tuple[Layer, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Task:
    """A scene on its way in."""

    source: SourceScene
    target: Grid
    name: str
    sums: dict[str, str]
    provenance: Provenance
    product: Product = NDVI
    others: tuple[Product, ...] = ()

    @property
    def products(self) -> tuple[Product, ...]:
        """All that is made of it, the one that the scene is judged by first."""
        return (self.product, *self.others)


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
    keys: Iterable[str] = ("ndvi",),
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
    keys : iterable of str
        Products to make, those of them whose bands the scene has; the first of these judges
        it. A scene that came in before gets those that it lacks.

    Raises
    ------
    SceneRejected
        With a reason and what to do; nothing has changed on disk or in the database.
    """
    tell = progress or _silence
    with _at_hand(path, archive, tell) as folder:
        tell("open and check")
        source = open_scene(folder, now=clock(), time=time)
        wanted = _possible(source, products(keys))
        return _take_in(source, wanted, database, archive, tell, relocate, provenance, clock)


@contextmanager
def _at_hand(path: Path, archive: Path, tell: Progress) -> Iterator[Path]:
    """Give the path itself, or the folder that an archive unpacks to, beside our own archive."""
    if not unpack.is_archive(path):
        yield path
        return
    tell("unpack")
    incoming = archive / INCOMING
    sweep(incoming)
    incoming.mkdir(parents=True, exist_ok=True)
    try:
        with unpack.unpacked(path, incoming) as folder:
            yield folder
    finally:
        with suppress(OSError):  # another scene is on its way in
            incoming.rmdir()


def _take_in(
    source: SourceScene,
    wanted: tuple[Product, ...],
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
    called = provenance if relocate is None else Provenance.RELOCATED
    task = _Task(source, target, name, sums, called, wanted[0], wanted[1:])
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), _reader(task) as reader:
        known = _known(task, database, archive)
        if known is None:
            report = _make(task, reader, database, archive, tell, clock())
        else:
            report = _catch_up(task, known, reader, database, archive, clock())
            report = _add_missing(task, report, reader, database, archive, tell, clock())
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


def _possible(source: SourceScene, wanted: tuple[Product, ...]) -> tuple[Product, ...]:
    """Return the products that can be made of a scene; refuse one that allows none."""
    possible = tuple(made for one in wanted if (made := _of(source, one)) is not None)
    if not possible:
        first = wanted[0]
        needs = f"{first.title_en} needs {', '.join(first.roles)}"
        detail = f"{needs}; this scene has {', '.join(source.roles)}"
        raise SceneRejected(reason="missing_band", detail=detail)
    return possible


def _of(source: SourceScene, one: Product) -> Product | None:
    """Return the product as this scene allows it: from its bands, or delivered ready-made."""
    if one.roles and source.has(*one.roles):
        return one
    if source.has(one.key):
        return replace(one, index=Index(one.key, (one.key,), lambda ready: ready))
    return None


def _known(task: _Task, database: Database, archive: Path) -> tuple[Scene, Layer] | None:
    """Return scene and layer when they are catalogued and their files are there."""
    if not catalogue.has_files(archive / catalogue.SCENES / task.name, task.product):
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
    with workshop(archive) as folder:
        tally = _write(task, reader, folder, tell)
        _check_tally(task.source, tally)
        scene = catalogue.scene_row(
            task.name, task.source, task.target, task.sums, tally, task.provenance, task.product
        )
        files = {path.name: checksum(path) for path in sorted(folder.iterdir())}
        scene = replace(scene, lineage=scene.lineage | {"files": files})
        layers = _layers(task, scene, folder)
        tell("fields")
        judged = _judge(task, scene, reader, folder, database)
        tell("catalogue")
        place = archive / catalogue.SCENES / task.name
        with database.writing() as tx:
            is_new = scenes.add_scene(tx, scene)
            stored = _keep(tx, scene, layers, judged, now) if is_new else 0
            # Last before the commit: a row must never name a file that is not there. A scene
            # that is not new was taken in by another process meanwhile, or lost its files.
            if is_new or not catalogue.has_files(place, *task.products):
                _move_in(folder, place)
    if not is_new:
        return Report(scene, layers[0], unchanged=True, notes=task.source.notes)
    return _report(task, scene, layers, judged[task.product.key], stored)


_Judged = dict[str, list[tuple[Field, Verdict]]]


def _write(task: _Task, reader: Reader, folder: Path, tell: Progress) -> Tally:
    tell("mask and index")
    maker = Maker(reader, task.product, task.others)
    tally = cog.write_blocks(maker, task.target, folder)
    if tally.valid:
        tell("cloud-optimised files")
        cog.finish(folder)
    return tally


def _layers(task: _Task, scene: Scene, folder: Path) -> tuple[Layer, ...]:
    return tuple(
        catalogue.layer_row(
            scene,
            one,
            folder / cog.display_name(one.key),
            # a ready-made index came without its bands
            live=set(PRODUCTS[one.key].roles) <= set(task.product.roles),
        )
        for one in task.products
    )


def _judge(task: _Task, scene: Scene, reader: Reader, folder: Path, database: Database) -> _Judged:
    """Judge every field by every product."""
    fields = _fields(task, scene, database)
    if not fields:
        return {one.key: [] for one in task.products}
    return {
        one.key: verdicts(fields, _rasters(task, reader, folder / f"{one.key}.tif"))
        for one in task.products
    }


def _keep(
    tx: WriteTx, scene: Scene, layers: tuple[Layer, ...], judged: _Judged, now: datetime
) -> int:
    """Add the layers that are new, with the values of their fields; return readings stored."""
    new = [one for one in layers if scenes.add_layer(tx, one)]
    made = products(one.product for one in new)
    return sum(catalogue.keep_values(tx, scene, one, judged[one.key], now) for one in made)


def _add_missing(
    task: _Task,
    report: Report,
    reader: Reader,
    database: Database,
    archive: Path,
    tell: Progress,
    now: datetime,
) -> Report:
    """Make the products that a catalogued scene lacks: their files first, then their rows."""
    with database.reading() as tx:
        there = {one.product for one in scenes.layers(tx, scene_id=task.name)}
    lacking = tuple(one for one in task.others if one.key not in there)
    if not lacking:
        return report
    with workshop(archive) as folder:
        _write(replace(task, others=lacking), reader, folder, tell)
        part = replace(task, others=lacking)
        layers = _layers(part, report.scene, folder)[1:]
        judged = _judge(part, report.scene, reader, folder, database)
        tell("catalogue")
        place = archive / catalogue.SCENES / task.name
        with database.writing() as tx:
            stored = _keep(tx, report.scene, layers, judged, now)
            for one in lacking:
                for name in (f"{one.key}.tif", cog.display_name(one.key)):
                    (folder / name).replace(place / name)
    return replace(report, unchanged=False, stored=report.stored + stored, layers=layers)


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
    """Give a scene's values to the fields that were registered after it came in, if any."""
    scene, layer = known
    stored, first = 0, None
    with database.reading() as tx:
        layers = [one for one in scenes.layers(tx, scene_id=scene.id) if one.product in PRODUCTS]
        before = {one.id: scenes.judged(tx, scene.id, one.product) for one in layers}
    fields = _fields(task, scene, database)
    for one in sorted(layers, key=lambda it: it.id != layer.id):
        late = [field for field in fields if field.id not in before[one.id]]
        judged = verdicts(late, _rasters(task, reader, archive / one.data_path)) if late else []
        if judged:
            with database.writing() as tx:
                made = PRODUCTS[one.product]
                stored += catalogue.keep_values(tx, scene, made, judged, now)
            first = first or judged
    if not first:
        return Report(scene, layer, unchanged=True, notes=task.source.notes)
    return _report(task, scene, (layer,), first, stored)


def _report(
    task: _Task,
    scene: Scene,
    layers: tuple[Layer, ...],
    judged: list[tuple[Field, Verdict]],
    stored: int,
) -> Report:
    silent = sum(one.mean is None for _, one in judged)
    first, notes = layers[0], task.source.notes
    return Report(scene, first, False, len(judged), stored, silent, notes, layers)


def _move_in(folder: Path, place: Path) -> None:
    """Rename the finished folder into the archive, over what a crash may have left there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    folder.rename(place)
