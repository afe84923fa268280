"""Publish what is made of other rasters: a scene of a collection of its own, with lineage.

The name ends in a digest of everything that decides the pixels (sources with checksums, code,
parameters): the same again changes nothing; with a new source the scene replaces the older one
of its place and time.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from analytics.remote.zonal import Verdict
from ingest.satellite import catalogue, cog
from ingest.satellite.plan import Grid
from ingest.satellite.products import Product
from ingest.satellite.scene import checksum
from ingest.satellite.zonal import Rasters, verdicts
from models.place import Field, Provenance
from models.scene import Layer, Scene
from models.store import places, rollups, scenes
from models.store.database import Database


@dataclass(frozen=True, slots=True)
class Made:
    """A derived scene before its files are made.

    Attributes
    ----------
    name : str
        What stays the same when it is made again from more sources: period and area.
    """

    collection: str
    name: str
    products: tuple[Product, ...]
    time: datetime
    grid: Grid
    bbox: tuple[float, float, float, float]
    provenance: Provenance
    lineage: dict[str, Any]
    title_zh: str
    title_en: str

    @property
    def id(self) -> str:
        """Collection, name and a digest of what decides the pixels."""
        text = json.dumps(self.lineage, sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return f"{self.collection}_{self.name}_{digest}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: the scene, its layers, fields judged, readings stored, ids replaced."""

    scene: Scene
    layers: tuple[Layer, ...]
    unchanged: bool
    fields: int = 0
    stored: int = 0
    replaced: tuple[str, ...] = field(default=())


def publish(
    database: Database,
    archive: Path,
    folder: Path,
    made: Made,
    write: Callable[[], dict[str, Any]],
    now: datetime,
) -> Outcome:
    """Make the files by ``write`` unless they are there; rename them, then commit the rows."""
    place = archive / catalogue.SCENES / made.id
    with database.reading() as tx:
        if scenes.has_scene(tx, made.id) and place.is_dir():
            known = scenes.scene(tx, made.id)
            return Outcome(known, tuple(scenes.layers(tx, scene_id=made.id)), unchanged=True)
        older = [
            one.id
            for one in scenes.derived_at(tx, made.collection, made.time)
            if one.id.startswith(f"{made.collection}_{made.name}_") and one.id != made.id
        ]
        fields = places.fields_in(tx, made.bbox)
    said = write()
    scene = _scene(made, said, {path.name: checksum(path) for path in sorted(folder.iterdir())})
    layers = tuple(
        catalogue.layer_row(scene, one, folder / cog.display_name(one.key), live=False)
        for one in made.products
    )
    judged = {one.key: _judged(fields, made.grid, one, folder) for one in made.products}
    with database.writing() as tx:
        for old in older:
            scenes.remove_scene(tx, old)
        scenes.add_scene(tx, scene)
        stored = 0
        for layer, one in zip(layers, made.products, strict=True):
            scenes.add_layer(tx, layer)
            stored += catalogue.keep_values(tx, scene, one, judged[one.key], now)
        _move_in(folder, place)
    for old in older:  # after the commit: a row never names a file that is gone
        shutil.rmtree(archive / catalogue.SCENES / old, ignore_errors=True)
    if stored:
        rollups.refresh(database)
    judged_now = max((len(one) for one in judged.values()), default=0)
    return Outcome(scene, layers, False, judged_now, stored, tuple(older))


def _move_in(folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    folder.rename(place)


def _judged(
    fields: list[Field], grid: Grid, product: Product, folder: Path
) -> list[tuple[Field, Verdict]]:
    if not fields:
        return []
    numbers = cog.read_numbers(folder / f"{product.key}.tif")
    return verdicts(fields, Rasters(grid, numbers, None, 1, product.scale))


def _scene(made: Made, said: dict[str, Any], files: dict[str, str]) -> Scene:
    return Scene(
        id=made.id,
        collection=made.collection,
        time=made.time,
        bbox=made.bbox,
        epsg=made.grid.epsg,
        valid_share=float(said["valid_share"]),
        provenance=made.provenance,
        lineage={**made.lineage, "statistics": said, "files": files},
        title_zh=made.title_zh,
        title_en=made.title_en,
    )
