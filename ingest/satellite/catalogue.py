"""Rows of the catalogue: what is kept about a scene, its layer and its fields."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.remote.zonal import Verdict
from ingest.satellite.cog import Tally, display_name, finest_zoom
from ingest.satellite.plan import Grid, coarsest_zoom
from ingest.satellite.products import PIPELINE_VERSION, Product
from ingest.satellite.scene import checksum
from ingest.satellite.source import SourceScene
from models.calendar import SHANGHAI, day_of
from models.place import Field, Provenance
from models.reading import LedgerEntry, Quality, block
from models.scene import Layer, Scene, ZonalValue
from models.store import devices, ledger, readings, scenes
from models.store.database import WriteTx
from models.store.readings import DUPLICATE

SCENES = "scenes"  # folder under the archive


def scene_id(source: SourceScene, target: Grid, checksums: dict[str, str]) -> str:
    """Name a scene by its collection, time and content.

    The same files at the same place and time give the same name, wherever they lie.
    """
    content = json.dumps([checksums, target.epsg, target.left, target.top], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:10]
    when = f"{source.time:%Y%m%dT%H%M%S}" if source.dated else "undated"
    return f"{source.descriptor.collection}_{when}_{digest}"


def checksums(source: SourceScene) -> dict[str, str]:
    """Role -> SHA-256 of its file; a file that carries several roles is read once."""
    by_path = {path: checksum(path) for path in set(source.files.values())}
    return {role: by_path[path] for role, path in source.files.items()}


def scene_row(
    name: str,
    source: SourceScene,
    target: Grid,
    sums: dict[str, str],
    tally: Tally,
    provenance: Provenance,
    product: Product,
) -> Scene:
    """Describe the scene with its lineage."""
    day = source.time.astimezone(SHANGHAI).date().isoformat() if source.dated else None
    return Scene(
        id=name,
        collection=source.descriptor.collection,
        time=source.time,
        bbox=target.bounds_degrees(),
        epsg=target.epsg,
        valid_share=tally.valid / tally.pixels,
        provenance=provenance,
        lineage=_lineage(source, target, sums, tally, product),
        title_zh=source.said.title_zh or f"{source.descriptor.title_zh} {day or '日期不详'}",
        title_en=source.said.title_en or f"{source.descriptor.title_en}, {day or 'date unknown'}",
    )


def _time_from(source: SourceScene) -> str | None:
    if not source.dated:
        return "unknown"
    return source.said.time_from if source.said.time == source.time else "given"


def _lineage(
    source: SourceScene, target: Grid, sums: dict[str, str], tally: Tally, product: Product
) -> dict[str, object]:
    moved = None if target == source.grid else {"from": _place(source.grid), "to": _place(target)}
    return {
        "source": [
            {"role": role, "file": path.name, "sha256": sums[role], "band": _label(source, role)}
            for role, path in source.files.items()
        ],
        "roles": list(source.roles),
        "layout": source.descriptor.key,
        "time_from": _time_from(source),
        "processing_baseline": source.said.baseline,
        "calibration": {
            role: {"scale": one.scale, "dn_offset": one.offset}
            for role, one in source.calibration.items()
        },
        "dn_offset_from": source.offset_from,
        "mask": source.mask_version,
        "cloud_share": None if source.mask is None else tally.cloud / max(tally.with_data, 1),
        "data_share": tally.with_data / tally.pixels,
        "product": product.key,
        "pipeline": f"ingest.satellite {PIPELINE_VERSION}",
        "pixel_m": list(target.pixel_metres),
        "resampling": source.resampling,
        "angles": source.said.angles,
        "relocated": moved,
        "attribution": source.said.attribution or source.descriptor.attribution,
        "notes": list(source.notes),
    }


def _place(grid: Grid) -> dict[str, object]:
    return {"epsg": grid.epsg, "left": grid.left, "top": grid.top}


def _label(source: SourceScene, role: str) -> str:
    band = source.bands.get(role) or source.scl
    return band.label if band else role


def layer_row(scene: Scene, product: Product, made: Path, *, live: bool = True) -> Layer:
    """Describe the map layer of a product of a scene; `made` is its display COG.

    `live`: the bands that the scene keeps are enough to compute the product.
    """
    folder = f"{SCENES}/{scene.id}"
    west, _, east, _ = scene.bbox
    finest = finest_zoom(made)
    return Layer(
        id=f"{product.key}_{scene.id}",
        scene_id=scene.id,
        product=product.key,
        time=scene.time,
        bbox=scene.bbox,
        data_path=f"{folder}/{product.key}.tif",
        display_path=f"{folder}/{display_name(product.key)}",
        bands_path=f"{folder}/bands.tif" if live else None,
        scale=product.scale,
        offset=0.0,
        low=product.low,
        high=product.high,
        palette=product.palette,
        min_zoom=coarsest_zoom(west, east, finest),
        max_zoom=finest,
        provenance=scene.provenance,
        title_zh=f"{product.title_zh} · {scene.title_zh}",
        title_en=f"{product.title_en} · {scene.title_en}",
    )


def has_files(place: Path, *made: Product) -> bool:
    """Tell whether the folder of a scene holds its bands and the files of these products."""
    files = [name for one in made for name in (f"{one.key}.tif", display_name(one.key))]
    return all((place / file).is_file() for file in ("bands.tif", *files))


def keep_values(
    tx: WriteTx,
    scene: Scene,
    product: Product,
    judged: list[tuple[Field, Verdict]],
    now: datetime,
) -> int:
    """Keep zonal statistics, and each mean as a reading of its field; return readings stored."""
    scenes.add_zonal(tx, [_zonal(scene, product, field, one) for field, one in judged])
    if not product.quantity:
        return 0
    spoken = [(field, one) for field, one in judged if one.mean is not None]
    outcome = readings.add(tx, _block(tx, scene, product, spoken, now), by=f"scene:{scene.id}")
    _account(tx, scene, outcome, now)
    return int((outcome != DUPLICATE).sum())


def _zonal(scene: Scene, product: Product, field: Field, one: Verdict) -> ZonalValue:
    spread = {} if one.spread is None else asdict(one.spread)
    return ZonalValue(
        field_id=field.id,
        scene_id=scene.id,
        product=product.key,
        time=scene.time,
        mean=one.mean,
        n_valid=one.n_valid,
        n_total=one.n_total,
        valid_share=one.valid_share,
        cloud_share=one.cloud_share,
        **spread,
    )


def _block(
    tx: WriteTx,
    scene: Scene,
    product: Product,
    spoken: list[tuple[Field, Verdict]],
    now: datetime,
) -> NDArray[np.void]:
    channel = f"{scene.collection}/{product.key}"
    instant = _micros(scene.time)
    ids = [
        devices.field_stream(tx, field.id, channel, product.quantity, product.unit).id
        for field, _ in spoken
    ]
    flags = [Quality.GOOD if one.is_whole else Quality.FEW_PIXELS for _, one in spoken]
    means = [one.mean or 0.0 for _, one in spoken]
    return block(
        ids, [instant] * len(ids), means, quality=flags, received=_micros(now), unit=product.unit
    )


def _account(tx: WriteTx, scene: Scene, outcome: NDArray[np.uint8], now: datetime) -> None:
    """Enter the readings in the ledger; one that replaces another scene's is stored, too."""
    if len(outcome):
        duplicate = int((outcome == DUPLICATE).sum())
        entry = LedgerEntry(
            scene.collection,
            day_of(now),
            received=len(outcome),
            stored=len(outcome) - duplicate,
            duplicate=duplicate,
        )
        ledger.record(tx, [entry])


def _micros(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)
