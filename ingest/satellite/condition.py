"""Growth condition (长势) and drought (VCI) from the composites of the same period of all years."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.remote import drought, growth
from analytics.remote.period import Period
from ingest.satellite import cog, products
from ingest.satellite.composite import least_real, on_grid, read_values
from ingest.satellite.derived import Made, Outcome, publish
from ingest.satellite.plan import Block, blocks
from ingest.satellite.scene import checksum
from ingest.satellite.workshop import workshop
from models.errors import NotFound
from models.scene import Layer, Scene
from models.store import scenes
from models.store.database import Database, ReadTx

CONDITION_VERSION = "1"
# 25 years of a block of 512 x 512: 26 MB, a few times over
_SIDE = 512
_LAST_YEAR = (products.GROWTH_LAST_YEAR,)
_ALL = (
    products.GROWTH,
    products.GROWTH_Z,
    products.GROWTH_PERCENTILE,
    products.GROWTH_LAST_YEAR,
    products.VCI,
)


def judge_period(
    database: Database, archive: Path, key: str, period: Period, area: str, *, now: datetime
) -> Outcome:
    """Compare the composite of a period with the same period of the years before.

    Parameters
    ----------
    key : str
        Index, e.g. ``ndvi``.
    area : str
        Name of the area of the composites (`composite.Area.name`).

    Raises
    ------
    NotFound
        There is no composite of the period, or none of an earlier year.

    Notes
    -----
    Fewer than five years before make no climate: only the difference to last year is then
    made, and the lineage and the title say so.
    """
    with database.reading() as tx:
        years = range(period.year - 60, period.year + 1)
        found = {year: _composite(tx, key, period.of(year), area) for year in years}
    present = found.pop(period.year)
    earlier = {year: one for year, one in found.items() if one is not None}
    if present is None:
        raise NotFound(noun="composite", key=f"{key} {period} {area}")
    enough = len(earlier) >= growth.LEAST_YEARS
    if not enough and period.year - 1 not in earlier:
        raise NotFound(noun="composite of last year", key=f"{key} {period} {area}")
    made = _described(key, period, area, present, earlier, archive)
    with workshop(archive) as folder:
        rows = _rows(made, present[1], _stacked(earlier, period.year), archive)
        return publish(
            database, archive, folder, made, lambda: _write(made, folder, rows, len(earlier)), now
        )


_Composite = tuple[Scene, Layer]


def _composite(tx: ReadTx, key: str, period: Period, area: str) -> _Composite | None:
    collection = f"heitu-{key}-{period.kind}"
    for scene in scenes.derived_at(tx, collection, period.bounds[0]):
        if scene.lineage["parameters"]["area"] == area:
            (layer,) = scenes.layers(tx, scene_id=scene.id)
            return scene, layer
    return None


def _stacked(earlier: dict[int, _Composite], year: int) -> list[Layer | None]:
    """Return the layers oldest first; the last place is last year's, None without it."""
    before = [one[1] for y, one in sorted(earlier.items()) if y < year - 1]
    last = earlier.get(year - 1)
    return [*before, None if last is None else last[1]]


def _rows(
    made: Made, present: Layer, earlier: list[Layer | None], archive: Path
) -> Iterator[tuple[Block, dict[str, NDArray[Any]]]]:
    grid = made.grid
    with ExitStack() as stack:
        here = on_grid(stack, archive / present.data_path, grid)
        files = [one and on_grid(stack, archive / one.data_path, grid) for one in earlier]
        for block in blocks(grid.width, grid.height, _SIDE):
            now = read_values(here, block, present.scale)
            gap = np.full_like(now, np.nan)
            record = np.stack(
                [
                    gap if file is None or one is None else read_values(file, block, one.scale)
                    for file, one in zip(files, earlier, strict=True)
                ]
            )
            yield block, _judged(now, record)


def _judged(now: NDArray[np.float32], record: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    it = growth.condition(now, record)
    grade = np.where(it.grade > 0, it.grade, np.nan).astype(np.float32)
    return {
        products.GROWTH.key: grade,
        # beyond 30 standard deviations the number no longer means anything
        products.GROWTH_Z.key: np.clip(it.z, -30, 30),
        products.GROWTH_PERCENTILE.key: it.percentile,
        products.GROWTH_LAST_YEAR.key: it.against_last_year,
        products.VCI.key: drought.vci(now, record),
        "years": it.years,
    }


def _write(
    made: Made,
    folder: Path,
    rows: Iterator[tuple[Block, dict[str, NDArray[Any]]]],
    years: int,
) -> dict[str, Any]:
    cog.write_derived(folder, made.grid, {one.key: one for one in made.products}, ("years",), rows)
    numbers = cog.read_numbers(folder / f"{made.products[0].key}.tif")
    said = int((numbers != np.iinfo(np.int16).min).sum())
    return {"valid_share": said / numbers.size, "years": years}


def _described(
    key: str,
    period: Period,
    area: str,
    present: _Composite,
    earlier: dict[int, _Composite],
    archive: Path,
) -> Made:
    sources = [present, *(one for _, one in sorted(earlier.items(), reverse=True))]
    enough = len(earlier) >= growth.LEAST_YEARS
    grades = [{"grade": n, "zh": zh, "en": en} for n, zh, en in growth.GRADES]
    short = f"{len(earlier)} earlier years, fewer than {growth.LEAST_YEARS}: only against last year"
    return Made(
        collection=f"heitu-growth-{period.kind}",
        name=f"{key}_{period}_{area}",
        products=_ALL if enough else _LAST_YEAR,
        time=period.bounds[0],
        grid=cog.grid_of(archive / present[1].data_path, present[0].epsg),
        bbox=present[0].bbox,
        provenance=least_real(scene.provenance for scene, _ in sources),
        lineage={
            "derived_from": [
                {"scene": scene.id, "sha256": checksum(archive / layer.data_path)}
                for scene, layer in sources
            ],
            "code_version": f"condition {CONDITION_VERSION}",
            "parameters": {
                "product": key,
                "period": str(period),
                "area": area,
                "years": sorted(earlier),
                "least_years": growth.LEAST_YEARS,
                "grade_limits_z": list(growth.GRADE_LIMITS),
                "grades": grades,
            },
            "against": "years" if enough else "last year",
            "notes": [] if enough else [short],
            "time_from": "period",
        },
        title_zh=f"{key.upper()} 长势 {period.zh}" + ("" if enough else "（仅与去年比较）"),
        title_en=f"Growth by {key.upper()}, {period}" + ("" if enough else " (last year only)"),
    )
