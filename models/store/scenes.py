"""The scene catalogue, its layers and zonal statistics."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from models.errors import NotFound
from models.place import Provenance
from models.scene import Layer, Scene, ZonalValue
from models.store.database import ReadTx, WriteTx
from models.store.places import Box

_SIDES = ("west", "south", "east", "north")


def read_scene(r: Row[Any]) -> Scene:
    """Read a row of scenes."""
    return Scene(
        r.id,
        r.collection,
        r.time,
        (r.west, r.south, r.east, r.north),
        r.epsg,
        r.valid_share,
        Provenance(r.provenance),
        json.loads(r.lineage),
        r.title_zh,
        r.title_en,
    )


def read_layer(r: Row[Any]) -> Layer:
    """Read a row of layers."""
    return Layer(
        r.id,
        r.scene_id,
        r.product,
        r.time,
        (r.west, r.south, r.east, r.north),
        r.data_path,
        r.display_path,
        r.bands_path,
        r.scale,
        r.offset,
        r.low,
        r.high,
        r.palette,
        r.min_zoom,
        r.max_zoom,
        Provenance(r.provenance),
        r.title_zh,
        r.title_en,
    )


def _with_sides(noun: Scene | Layer) -> dict[str, Any]:
    bound = asdict(noun)
    return bound | dict(zip(_SIDES, bound.pop("bbox"), strict=True))


def add_scene(tx: WriteTx, scene: Scene) -> bool:
    """Catalogue a scene; return False when it is there already."""
    lineage = json.dumps(scene.lineage, ensure_ascii=False, sort_keys=True)
    return bool(tx.run("scenes", "add_scene", **(_with_sides(scene) | {"lineage": lineage})))


def scenes(
    tx: ReadTx,
    *,
    collection: str | None = None,
    bbox: Box | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Scene]:
    """Return scenes, newest first, from the one after (time, id) ``after``."""
    sides = dict(zip(_SIDES, bbox or (None,) * 4, strict=True))
    rows = tx.rows(
        "scenes",
        "scenes",
        collection=collection,
        after_time=after[0] if after else None,
        after_id=after[1] if after else None,
        limit=limit,
        **sides,
    )
    return [read_scene(r) for r in rows]


def scene(tx: ReadTx, scene_id: str) -> Scene:
    """Return one scene, or raise NotFound."""
    row = tx.row("scenes", "scene", id=scene_id)
    if row is None:
        raise NotFound(noun="scene", key=scene_id)
    return read_scene(row)


def has_scene(tx: ReadTx, scene_id: str) -> bool:
    """Tell whether a scene is catalogued."""
    return tx.row("scenes", "scene", id=scene_id) is not None


def add_layer(tx: WriteTx, layer: Layer) -> bool:
    """Publish a layer; return False when it is there already."""
    return bool(tx.run("scenes", "add_layer", **_with_sides(layer)))


def layers(tx: ReadTx, *, product: str | None = None, scene_id: str | None = None) -> list[Layer]:
    """Return layers, newest first."""
    rows = tx.rows("scenes", "layers", product=product, scene_id=scene_id)
    return [read_layer(r) for r in rows]


def layer(tx: ReadTx, layer_id: str) -> Layer:
    """Return one layer, or raise NotFound."""
    row = tx.row("scenes", "layer", id=layer_id)
    if row is None:
        raise NotFound(noun="layer", key=layer_id)
    return read_layer(row)


def derived_at(tx: ReadTx, collection: str, time: datetime) -> list[Scene]:
    """Return the scenes of a collection of one instant, such as the composites of a period."""
    rows = tx.rows("scenes", "derived_at", collection=collection, time=time)
    return [read_scene(r) for r in rows]


def layers_within(
    tx: ReadTx, product: str, bbox: Box, start: datetime, end: datetime
) -> list[Layer]:
    """Return the layers of a product in [start, end) that meet a box, oldest first."""
    sides = dict(zip(_SIDES, bbox, strict=True))
    asked = sides | {"product": product, "start": start, "end": end}
    return [read_layer(r) for r in tx.rows("scenes", "layers_within", **asked)]


def remove_scene(tx: WriteTx, scene_id: str) -> None:
    """Remove a derived scene that another one replaces; its files are the caller's."""
    for part in ("remove_zonal", "remove_layers", "remove_scene"):
        tx.run("scenes", part, id=scene_id)


def add_zonal(tx: WriteTx, values: Iterable[ZonalValue]) -> None:
    """Keep zonal statistics; those of a scene that is already there stay as they are."""
    tx.run_many("scenes", "add_zonal", [asdict(value) for value in values])


def zonal(tx: ReadTx, field_id: int, product: str = "ndvi") -> list[tuple[ZonalValue, Provenance]]:
    """Return the statistics of a product over a field by date, with their provenance."""
    rows = tx.rows("scenes", "zonal", field_id=field_id, product=product)
    return [(_zonal(r), Provenance(r.provenance)) for r in rows]


def judged(tx: ReadTx, scene_id: str, product: str) -> set[int]:
    """Return the ids of the fields that have a statistic of a scene's product."""
    return {r.field_id for r in tx.rows("scenes", "judged", scene_id=scene_id, product=product)}


def _zonal(r: Row[Any]) -> ZonalValue:
    return ZonalValue(
        r.field_id,
        r.scene_id,
        r.product,
        r.time,
        r.mean,
        r.n_valid,
        r.n_total,
        r.valid_share,
        r.cloud_share,
        r.median,
        r.p10,
        r.p90,
        r.sd,
    )
