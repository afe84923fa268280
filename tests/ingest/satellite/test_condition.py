"""Growth and drought against a stack of synthetic years, held against scipy and plain numpy."""

import json
from datetime import UTC, datetime

import numpy as np
import pyproj
import pytest
import rasterio

from analytics.remote.period import Period
from ingest.satellite.composite import Area, compose_period
from ingest.satellite.condition import judge_period
from ingest.satellite.pipeline import take_in
from models.errors import NotFound
from models.place import Provenance
from models.store import scenes
from tests.ingest.satellite import scenes as made
from tests.ingest.satellite.test_composite import BORDER

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEST = Area("west", (125.996, 43.998, 125.999, 44.0005))


def composite_of(root, database, archive, year, nir):
    """Compose one synthetic scene of 40 x 40 pixels of a year, labelled synthetic."""
    to_metres = pyproj.Transformer.from_crs(4490, 32651, always_xy=True)
    x, y = to_metres.transform(*BORDER)
    at = {"left": round(x / 20) * 20 - 400, "top": round(y / 20) * 20 + 200}
    folder = root / str(year)
    made.write(folder / "B04.tif", np.full((40, 40), 1000, np.uint16), **at)
    made.write(folder / "B08.tif", nir, **at)
    said = {"time": f"{year}-06-05T02:35:51Z", "processing_baseline": "03.01"}
    (folder / "scene.json").write_text(json.dumps(said))
    take_in(folder, database, archive, provenance=Provenance.SYNTHETIC)
    period = Period(year, 6, 1)
    return compose_period(database, archive, "ndvi", period, WEST, now=NOW)


def years(root, database, archive, first, last):
    rng = np.random.default_rng(5)
    stack = {}
    for year in range(first, last + 1):
        nir = rng.integers(2000, 5000, (40, 40)).astype(np.uint16)
        outcome = composite_of(root, database, archive, year, nir)
        with rasterio.open(archive / outcome.layers[0].data_path) as one:
            stack[year] = one.read(1, masked=True).astype(float).filled(np.nan) * 1e-4
    return stack


def values(archive, outcome, key):
    layer = next(one for one in outcome.layers if one.product == key)
    with rasterio.open(archive / layer.data_path) as one:
        return one.read(1, masked=True).astype(float).filled(np.nan) * layer.scale


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


def judge(database, archive, year=2025):
    return judge_period(database, archive, "ndvi", Period(year, 6, 1), "west", now=NOW)


def test_grades_z_percentile_and_vci_of_six_years(tmp_path, province, archive):
    stack = years(tmp_path, province, archive, 2019, 2025)
    outcome = judge(province, archive)
    now, before = stack[2025], np.stack([stack[year] for year in range(2019, 2025)])
    seen = np.isfinite(now)
    assert seen.sum() > 300
    z = (now - before.mean(axis=0)) / before.std(axis=0, ddof=1)
    low, high = before.min(axis=0), before.max(axis=0)
    expected = {
        "growth_z": (np.clip(z, -30, 30), 2e-3),
        "growth_percentile": (100 * ((before < now) + 0.5 * (before == now)).mean(axis=0), 0.01),
        "growth_last_year": (now - stack[2024], 1e-4),
        "vci": (np.clip(100 * (now - low) / (high - low), 0, 100), 0.02),
    }
    for key, (wanted, tolerance) in expected.items():
        got = values(archive, outcome, key)
        assert np.abs(got[seen] - wanted[seen]).max() <= tolerance, key
        assert np.isnan(got[~seen]).all()
    grade = values(archive, outcome, "growth")
    # at the limits a float may fall on either side
    clear = seen & (np.abs(np.abs(z) - 0.5) > 1e-4) & (np.abs(np.abs(z) - 1.5) > 1e-4)
    assert np.array_equal(grade[clear], 1 + np.digitize(z[clear], (-1.5, -0.5, 0.5, 1.5)))
    assert outcome.scene.provenance is Provenance.SYNTHETIC
    assert outcome.scene.lineage["against"] == "years"
    assert len(outcome.scene.lineage["derived_from"]) == 7
    assert judge(province, archive).unchanged


def test_two_years_make_no_climate_and_say_so(tmp_path, province, archive):
    stack = years(tmp_path, province, archive, 2023, 2025)
    outcome = judge(province, archive)
    assert [one.product for one in outcome.layers] == ["growth_last_year"]
    got = values(archive, outcome, "growth_last_year")
    seen = np.isfinite(stack[2025])
    assert np.abs(got[seen] - (stack[2025] - stack[2024])[seen]).max() <= 1e-4
    assert outcome.scene.lineage["against"] == "last year"
    assert "fewer than 5" in outcome.scene.lineage["notes"][0]
    assert "last year only" in outcome.scene.title_en
    with province.reading() as tx:
        assert len(scenes.scenes(tx, collection="heitu-growth-dekad")) == 1


def test_without_a_year_to_compare_with_there_is_none(tmp_path, province, archive):
    years(tmp_path, province, archive, 2025, 2025)
    with pytest.raises(NotFound):
        judge(province, archive)
    with pytest.raises(NotFound):
        judge(province, archive, 2024)
