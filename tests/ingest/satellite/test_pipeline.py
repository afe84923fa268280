"""What comes out of a scene: pixels, lineage, fields, and nothing the second time."""

import hashlib
import itertools
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely

from ingest.satellite import catalogue
from ingest.satellite.pipeline import take_in
from ingest.satellite.products import DEFAULT, INDEX_KEYS
from models.errors import SceneRejected, Unavailable
from models.place import FarmKind, Provenance
from models.reading import Quality
from models.store import ledger, places, scenes
from models.store.ledger import Selection
from tests.ingest.satellite import scenes as made
from tests.ingest.satellite.test_rejections import NETCDF, rows

TIME = datetime(2024, 6, 1, 2, 35, 51, tzinfo=UTC)


def add_field(database, key, corners, farm=None):
    """Register a field whose corners are (x, y) metres east and south of the scene's corner."""
    degrees = pyproj.Transformer.from_crs(32651, 4490, always_xy=True)
    ring = [degrees.transform(made.LEFT + x, made.TOP - y) for x, y in corners]
    with database.writing() as tx:
        home = places.farm_by_key(tx, "farm") or places.add_farm(
            tx,
            key="farm",
            name_zh="农场",
            name_en="Farm",
            kind=FarmKind.FIELD,
            region_code="220122",
            location=ring[0],
            provenance=Provenance.SYNTHETIC,
        )
        return places.add_field(
            tx,
            key=key,
            farm_id=home.id,
            name_zh=key,
            name_en=key,
            geometry=shapely.Polygon(ring),
            provenance=Provenance.SYNTHETIC,
        )


def box(x0, y0, x1, y1):
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def values_of(database, field):
    with database.reading() as tx:
        return [value for value, _ in scenes.zonal(tx, field.id)]


def read(archive, path):
    with rasterio.open(archive / path) as dataset:
        return dataset.read()


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


def safe_scene(tmp_path, **more):
    red, nir = (band + 1000 for band in made.red_and_nir())
    red[40:44, 60:64] = 950  # reflectance -0.005: the index is undefined there
    scl = np.full((30, 40), 4, np.uint8)
    scl[:, :10] = 9  # cloud over the western 200 m
    scl[0, 20] = 11  # one snow pixel
    return made.safe(tmp_path, red, nir, scl, **more), red, nir, scl


def test_numbers_equal_a_plain_computation_with_offset_and_mask(tmp_path, province, archive):
    path, red, nir, scl = safe_scene(tmp_path)
    report = take_in(path, province, archive)
    got = read(archive, report.layer.data_path)
    r, n = red.astype(float) - 1000, nir.astype(float) - 1000
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (n - r) / (n + r)
    full = np.kron(scl, np.ones((2, 2), int))
    bad = ~np.isin(full, (2, 4, 5, 6, 7)) | (r < 0) | (n < 0) | (n + r <= 0)
    assert (got[0][bad] == -32768).all()
    assert np.abs(got[0][~bad] * 1e-4 - expected[~bad]).max() <= 0.51e-4
    assert got.dtype == np.int16
    assert report.scene.valid_share == pytest.approx((~bad).mean())
    assert report.scene.lineage["cloud_share"] == pytest.approx(np.isin(full, (3, 8, 9, 10)).mean())


def test_naive_code_without_the_offset_would_fail(tmp_path, province, archive):
    """The same ground, once per baseline: equal NDVI, though every DN differs by 1000."""
    red, nir = made.red_and_nir()
    old = made.folder(tmp_path / "a", red, nir, sidecar=sidecar("03.01"))
    new = made.folder(tmp_path / "b", red + 1000, nir + 1000, sidecar=sidecar("04.00"))
    layers = [take_in(path, province, archive).layer for path in (old, new)]
    first, second = (read(archive, layer.data_path) for layer in layers)
    assert np.array_equal(first, second)
    assert first.std() > 500  # not two empty rasters


def sidecar(baseline):
    return f'{{"time": "2024-06-01T02:35:51Z", "processing_baseline": "{baseline}"}}'


def test_files_are_valid_cogs_on_their_grids(tmp_path, province, archive):
    path, *_ = safe_scene(tmp_path)
    layer = take_in(path, province, archive).layer
    names = ("data", "display", "bands")
    numbers, display, bands = (rasterio.open(archive / getattr(layer, f"{n}_path")) for n in names)
    with numbers, display, bands:
        assert all(
            one.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" for one in (numbers, display, bands)
        )
        assert numbers.crs.to_epsg() == bands.crs.to_epsg() == 32651
        assert display.crs.to_epsg() == 3857
        assert (display.count, display.dtypes[0], display.nodata) == (1, "uint8", 0)
        assert display.block_shapes == [(256, 256)]
        assert bands.descriptions == ("red", "nir")
        assert (bands.scales[0], bands.offsets[0]) == (1e-4, pytest.approx(-0.1))
        # what the mask hides, no live tile may show
        assert (bands.read()[:, :, :20] == 0).all()


def test_lineage_names_files_checksums_baseline_mask_and_code(tmp_path, province, archive):
    path, *_ = safe_scene(tmp_path)
    report = take_in(path, province, archive)
    with province.reading() as tx:
        lineage = scenes.scene(tx, report.scene.id).lineage
    by_role = {one["role"]: one for one in lineage["source"]}
    red = next(path.rglob("*_B04_10m.jp2"))
    assert by_role["red"]["sha256"] == hashlib.sha256(red.read_bytes()).hexdigest()
    assert set(by_role) == {"red", "nir", "scl"}
    assert lineage["processing_baseline"] == "05.10"
    assert lineage["mask"].startswith("scl-1")
    assert lineage["pipeline"]
    assert lineage["relocated"] is None


def test_zonal_means_equal_brute_force(tmp_path, province, archive):
    """Against 40 x 40 sub-pixel samples of each pixel: 1/1600 of its area."""
    path, *_ = safe_scene(tmp_path)
    corners = [(253, 55), (561, 118), (487, 431), (268, 377)]
    field = add_field(province, "odd", corners)
    report = take_in(path, province, archive)
    (value,) = values_of(province, field)
    numbers = read(archive, report.layer.data_path)[0]
    fine = (np.arange(numbers.shape[1] * 40) + 0.5) / 4
    x, y = np.meshgrid(fine, fine[: numbers.shape[0] * 40])
    inside = shapely.contains_xy(shapely.Polygon(corners), x, y)
    weight = inside.reshape(numbers.shape[0], 40, numbers.shape[1], 40).sum(axis=(1, 3)) / 1600
    valid = numbers != -32768
    mean = (numbers * weight * valid).sum() / (weight * valid).sum() * 1e-4
    assert value.mean == pytest.approx(mean, abs=2e-4)
    assert value.n_valid == pytest.approx((weight * valid).sum(), abs=1)
    assert value.n_total == pytest.approx(weight.sum(), abs=1)
    assert report.stored == 1


def test_the_spread_of_a_field_equals_numpy_and_is_null_with_its_mean(tmp_path, province, archive):
    """A field of whole pixels has equal weights: numpy's quantiles, to the float32 of a weight."""
    path, *_ = safe_scene(tmp_path)
    field = add_field(province, "whole", box(300, 100, 500, 200))
    under = add_field(province, "under cloud", box(20, 100, 180, 200))
    report = take_in(path, province, archive)
    (value,), (hidden,) = (values_of(province, one) for one in (field, under))
    pixels = read(archive, report.layer.data_path)[0, 10:20, 30:50] * 1e-4
    expected = (*np.quantile(pixels, (0.5, 0.1, 0.9)), pixels.std())
    got = (value.median, value.p10, value.p90, value.sd)
    assert got == pytest.approx(expected, abs=1e-3)
    assert value.p10 < value.median < value.p90
    assert (hidden.mean, hidden.median, hidden.p10, hidden.p90, hidden.sd) == (None,) * 5


def many_bands(tmp_path, *, swir=True):
    """Write blue, green, red and nir at 10 m, and swir1 at 20 m, as DN without an offset."""
    rng = np.random.default_rng(7)
    low, high = {"blue": 300, "green": 500, "red": 400}, {"nir": 3000, "swir1": 1800}
    dn = {k: v + rng.integers(0, 900, (60, 80)).astype(np.uint16) for k, v in low.items()}
    dn |= {k: v + rng.integers(0, 900, (60, 80)).astype(np.uint16) for k, v in high.items()}
    dn["nir"][10:20, 10:20] = 300  # a pond, and ground without leaves
    dn["swir1"] = np.kron(dn["swir1"][::2, ::2], np.ones((2, 2), np.uint16))
    dn["swir1"][:4, :4] = 0  # the shortwave band alone has a gap
    folder = tmp_path / "bands"
    for role, name in (("blue", "B02"), ("green", "B03"), ("red", "B04"), ("nir", "B08")):
        made.write(folder / f"{name}.tif", dn[role])
    if swir:
        made.write(folder / "B11.tif", dn["swir1"][::2, ::2], pixel=20)
    (folder / "scene.json").write_text(sidecar("03.01"))
    return folder, dn


def test_every_index_equals_its_formula_and_leaves_ndvi_as_it_is(tmp_path, province, archive):
    """All ten where the bands allow: EVI, SAVI ... written out here, to half a number."""
    folder, dn = many_bands(tmp_path)
    alone = take_in(folder, province, tmp_path / "alone", relocate=(125.5, 44.0))
    report = take_in(folder, province, archive, keys=INDEX_KEYS)
    b, g, r, n, s = (dn[k] * 1e-4 for k in ("blue", "green", "red", "nir", "swir1"))
    expected = {
        "evi": 2.5 * (n - r) / (n + 6 * r - 7.5 * b + 1),
        "evi2": 2.5 * (n - r) / (n + 2.4 * r + 1),
        "savi": 1.5 * (n - r) / (n + r + 0.5),
        "ndwi": (g - n) / (g + n),
        "mndwi": (g - s) / (g + s),
        "ndmi": (n - s) / (n + s),
        "gndvi": (n - g) / (n + g),
        "bsi": (s + r - n - b) / (s + r + n + b),
    }
    expected |= {"water": 1.0 * (g > n), "bare": 1.0 * (s + r > n + b)}
    by_key = {layer.product: layer for layer in report.layers}
    assert set(by_key) == {"ndvi", *expected}
    for key, values in expected.items():
        got = read(archive, by_key[key].data_path)[0]
        gap = np.zeros(got.shape, bool)
        gap[:4, :4] = key in ("mndwi", "ndmi", "bsi", "bare")
        assert (got[gap] == -32768).all(), key
        assert np.abs(got[~gap] * 1e-4 - values[~gap]).max() <= 0.55e-4, key
    for name in ("ndvi.tif", "bands.tif"):
        parts = (archive / report.layer.data_path, tmp_path / "alone" / alone.layer.data_path)
        first, second = (read(part.parent, name) for part in parts)
        assert np.array_equal(first, second)
    assert report.scene.valid_share == alone.scene.valid_share == 1


def test_a_scene_gets_the_products_it_lacks_and_its_fields_their_values(
    tmp_path, province, archive
):
    folder, _ = many_bands(tmp_path)
    field = add_field(province, "field", box(300, 100, 500, 200))
    first = take_in(folder, province, archive)
    ndvi = (archive / first.layer.data_path).stat().st_mtime_ns
    second = take_in(folder, province, archive, keys=DEFAULT)
    assert {layer.product for layer in second.layers} == {"evi2", "ndmi", "ndwi"}
    assert (second.unchanged, second.stored) == (False, 3)
    assert (archive / first.layer.data_path).stat().st_mtime_ns == ndvi
    with province.reading() as tx:
        (ndmi,) = [value for value, _ in scenes.zonal(tx, field.id, "ndmi")]
        layers = scenes.layers(tx, scene_id=first.scene.id)
    assert all((archive / layer.display_path).is_file() for layer in layers)
    pixels = read(archive, next(x.data_path for x in layers if x.product == "ndmi"))[0]
    assert ndmi.mean == pytest.approx(pixels[10:20, 30:50].mean() * 1e-4, abs=2e-5)
    again = take_in(folder, province, archive, keys=DEFAULT)
    assert (again.unchanged, again.stored) == (True, 0)
    late = add_field(province, "late", box(300, 250, 500, 350))
    assert take_in(folder, province, archive, keys=DEFAULT).stored == 4
    assert len(values_of(province, late)) == 1


def test_what_the_bands_do_not_allow_is_left_out(tmp_path, province, archive):
    folder, _ = many_bands(tmp_path, swir=False)
    report = take_in(folder, province, archive, keys=DEFAULT)
    assert [layer.product for layer in report.layers] == ["ndvi", "evi2", "ndwi"]
    with pytest.raises(SceneRejected) as rejected:
        take_in(folder, province, archive, keys=("ndmi",))
    assert rejected.value.facts["reason"] == "missing_band"


def test_cloud_edge_and_border_are_told_apart(tmp_path, province, archive):
    path, *_ = safe_scene(tmp_path)
    under = add_field(province, "under cloud", box(20, 100, 180, 200))
    half = add_field(province, "half", box(100, 100, 300, 200))
    beyond = add_field(province, "beyond the edge", box(700, 100, 1200, 200))
    away = add_field(province, "away", box(2000, 100, 2200, 200))
    report = take_in(path, province, archive)
    (covered,), (partly,), (outside,) = (values_of(province, f) for f in (under, half, beyond))
    assert (covered.mean, covered.n_valid) == (None, 0)
    assert covered.cloud_share == pytest.approx(1, abs=0.01)
    assert partly.mean is not None
    assert partly.valid_share == pytest.approx(0.5, abs=0.05)
    assert partly.cloud_share == pytest.approx(0.5, abs=0.01)
    # 100 of its 500 metres lie in the scene: 20 % is too little to speak
    assert outside.mean is None
    assert outside.valid_share == pytest.approx(0.2, abs=0.02)
    assert values_of(province, away) == []
    assert (report.fields, report.stored, report.without_value) == (3, 1, 2)
    assert reading_flags(province) == [Quality.FEW_PIXELS]


def reading_flags(database):
    with database.reading() as tx:
        found = tx.connection.exec_driver_sql("SELECT quality FROM reading ORDER BY quality").all()
    return [Quality(flag) for (flag,) in found]


def test_without_classification_the_cloud_share_is_unknown(tmp_path, province, archive):
    field = add_field(province, "field", box(100, 100, 300, 200))
    report = take_in(made.folder(tmp_path / "in"), province, archive)
    (value,) = values_of(province, field)
    assert value.cloud_share is None
    assert report.scene.lineage["cloud_share"] is None
    assert report.scene.lineage["mask"].startswith("nodata only")
    assert reading_flags(province) == [Quality.GOOD]


def test_the_same_scene_twice_changes_nothing(tmp_path, province, archive):
    path, *_ = safe_scene(tmp_path)
    add_field(province, "field", box(300, 100, 500, 200))
    first = take_in(path, province, archive)
    files = {f: (f.stat().st_mtime_ns, f.stat().st_ino) for f in archive.rglob("*")}
    before = rows(province)
    # a copy elsewhere is the same scene: content counts, not where it lies
    moved = path.rename(tmp_path / "elsewhere.SAFE")
    second = take_in(moved, province, archive)
    assert (second.unchanged, second.scene.id, second.stored) == (True, first.scene.id, 0)
    assert {f: (f.stat().st_mtime_ns, f.stat().st_ino) for f in archive.rglob("*")} == files
    assert rows(province) == before


def test_a_field_registered_later_gets_its_value_by_taking_the_scene_in_again(
    tmp_path, province, archive
):
    path, *_ = safe_scene(tmp_path)
    first = add_field(province, "first", box(300, 100, 500, 200))
    take_in(path, province, archive)
    late = add_field(province, "late", box(300, 250, 500, 350))
    report = take_in(path, province, archive)
    assert (report.unchanged, report.fields, report.stored) == (False, 1, 1)
    assert len(values_of(province, first)) == len(values_of(province, late)) == 1
    assert take_in(path, province, archive).unchanged


def test_readings_join_the_series_of_the_field_and_the_ledger_adds_up(tmp_path, province, archive):
    field = add_field(province, "field", box(300, 100, 500, 200))
    path, *_ = safe_scene(tmp_path)
    take_in(path, province, archive)
    (value,) = values_of(province, field)
    with province.reading() as tx:
        stored = tx.connection.exec_driver_sql("SELECT time, value FROM reading").all()
        accounts = ledger.totals(tx, Selection(device_key="sentinel-2-l2a"))
        hourly = tx.connection.exec_driver_sql("SELECT count(*) FROM reading_hourly").scalar()
    assert stored == [(value.time, value.mean)]
    assert value.time == datetime(2024, 6, 1, 2, 35, 51, 24000, tzinfo=UTC)
    assert (accounts.received, accounts.stored, accounts.balanced) == (1, 1, True)
    assert hourly == 1


def test_another_value_for_the_same_instant_becomes_current_and_the_old_one_is_kept(
    tmp_path, province, archive
):
    field = add_field(province, "field", box(300, 100, 500, 200))
    red, nir = made.red_and_nir()
    take_in(made.folder(tmp_path / "a", red, nir), province, archive)
    take_in(made.folder(tmp_path / "b", red + 50, nir), province, archive)
    with province.reading() as tx:
        (now,) = tx.connection.exec_driver_sql("SELECT value FROM reading").scalars().all()
        (before,) = (
            tx.connection.exec_driver_sql("SELECT value FROM reading_revision").scalars().all()
        )
        accounts = ledger.totals(tx, Selection())
    # each scene keeps its own number, too
    assert {now, before} == {value.mean for value in values_of(province, field)}
    assert now < before  # more red, lower index: the second scene's
    assert (accounts.received, accounts.stored, accounts.quarantined) == (2, 2, 0)


def test_relocation_moves_pixels_and_says_so(tmp_path, province, archive):
    source = made.folder(tmp_path / "in")
    report = take_in(source, province, archive, relocate=(126.56, 44.86))
    west, south, east, north = report.scene.bbox
    assert ((west + east) / 2, (south + north) / 2) == pytest.approx((126.56, 44.86), abs=1e-3)
    assert report.scene.epsg == 32652
    assert report.scene.provenance is report.layer.provenance is Provenance.RELOCATED
    assert report.scene.lineage["relocated"]["from"]["epsg"] == 32651
    plain = take_in(source, province, archive)
    assert plain.scene.id != report.scene.id
    moved, kept = (read(archive, r.layer.data_path) for r in (report, plain))
    assert np.array_equal(moved, kept)


def test_an_undated_sample_is_catalogued_behind_all_others_and_gives_no_field_a_value(
    province, archive
):
    field = add_field(province, "field", box(100, 100, 300, 300))
    spot = field.geometry.centroid.coords[0]
    first = take_in(NETCDF, province, archive, relocate=spot)
    again = take_in(NETCDF, province, archive, relocate=spot)
    dated = take_in(NETCDF, province, archive, relocate=spot, time=datetime(2020, 1, 5, tzinfo=UTC))
    assert again.unchanged
    assert (first.scene.id, first.fields, first.stored) == (again.scene.id, 0, 0)
    assert first.scene.lineage["time_from"] == "unknown"
    assert "date unknown" in first.scene.title_en
    assert first.scene.time < dated.scene.time
    assert dated.stored == 1
    assert any("give --time" in note for note in first.notes)


def test_larger_than_a_block_and_not_a_multiple_of_it(tmp_path, province, archive):
    red, nir = made.red_and_nir(1300, 1100)
    path = made.folder(tmp_path / "in", red, nir)
    report = take_in(path, province, archive)
    got = read(archive, report.layer.data_path)[0]
    r, n = red.astype(float), nir.astype(float)
    assert np.abs(got * 1e-4 - (n - r) / (n + r)).max() <= 0.51e-4


def test_a_lost_archive_is_filled_again(tmp_path, province, archive):
    path = made.folder(tmp_path / "in")
    report = take_in(path, province, archive)
    before = rows(province)
    (archive / report.layer.display_path).unlink()
    take_in(path, province, archive)
    assert (archive / report.layer.display_path).is_file()
    assert rows(province) == before


def test_a_failure_of_the_database_leaves_no_file(tmp_path, province, archive, monkeypatch):
    def lost(*_):
        raise Unavailable(part="database", why="gone")

    monkeypatch.setattr(catalogue, "keep_values", lost)
    with pytest.raises(Unavailable):
        take_in(made.folder(tmp_path / "in"), province, archive)
    assert list(archive.rglob("*")) == []
    assert rows(province)["scene"] == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from ingest.satellite import cog, pipeline
from models.store.database import Database
at = sys.argv[4]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if at == "blocks":
    cog.Tally.add = die
elif at == "finish":
    cog.finish = die
else:
    pipeline._move_in = die
pipeline.take_in(Path(sys.argv[1]), Database(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.mark.parametrize("at", ["blocks", "finish", "rename"])
def test_killed_at_any_step_leaves_no_half_product_and_the_next_run_succeeds(
    tmp_path, province, archive, at
):
    path = made.folder(tmp_path / "in")
    dead = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), province.url, str(archive), at],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
        timeout=60,
    )
    assert dead.returncode == -signal.SIGKILL
    assert not (archive / "scenes").exists() or not list((archive / "scenes").iterdir())
    assert rows(province)["scene"] == 0
    report = take_in(path, province, archive)
    assert not report.unchanged
    assert rows(province)["layer"] == 1


def test_steps_are_told_in_order(tmp_path, province, archive):
    told = []
    take_in(made.folder(tmp_path / "in"), province, archive, progress=told.append)
    assert told[:3] == ["open and check", "checksums", "mask and index"]
    assert all(a != b for a, b in itertools.pairwise(told))
