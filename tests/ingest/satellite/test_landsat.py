"""Landsat 8/9 Collection 2 Level-2: a real extract, and the traps of its metadata."""

import json
import re
import tarfile
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from ingest.satellite.mtl import groups
from ingest.satellite.pipeline import take_in
from ingest.satellite.plan import Block, Grid
from ingest.satellite.read import Reader
from ingest.satellite.scene import open_scene
from ingest.satellite.unpack import unpacked
from models.errors import SceneRejected
from tests.conftest import DATA, SHARED
from tests.ingest.satellite import scenes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "LC08_L2SP_204023_20200927_20201006_02_T1"
ARCHIVE = DATA / "scenes" / "landsat_c2l2" / f"{NAME}.tar.gz"
# the extract: 64 x 48 pixels; the MTL gives centres of corner pixels, so half a pixel outwards
GRID = Grid(32630, 496_605.0, 5_928_555.0, 30.0, 30.0, 64, 48)
WHOLE = Block(0, 0, 64, 48)


@pytest.fixture
def folder(tmp_path):
    """The files of the real extract, free to be spoilt."""
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(tmp_path / NAME, filter="data")
    return tmp_path / NAME


def dn(folder, band):
    with (
        pytest.warns(NotGeoreferencedWarning),
        rasterio.open(folder / f"{NAME}_{band}.TIF") as dataset,
    ):
        return dataset.read(1)


def measured(folder, *roles):
    reader = Reader(open_scene(folder, now=NOW))
    try:
        return reader.block(WHOLE, roles)
    finally:
        reader.close()


def quality(folder, name, values):
    """Add a SYNTHETIC quality band: the real extract has none."""
    scenes.write(
        folder / f"{NAME}_{name}.TIF",
        values,
        pixel=30.0,
        epsg=GRID.epsg,
        left=GRID.left,
        top=GRID.top,
        nodata=None,
    )


def spoilt(folder, pattern, replacement):
    mtl = folder / f"{NAME}_MTL.txt"
    text, n = re.subn(pattern, replacement, mtl.read_text(), flags=re.S)
    assert n
    mtl.write_text(text)


def test_the_real_extract_opens_from_its_archive():
    with unpacked(ARCHIVE) as folder:
        scene = open_scene(folder, now=NOW)
    assert not folder.exists()
    assert scene.has("coastal", "blue", "green", "red", "nir", "swir1", "swir2", "thermal")
    assert not scene.has("rededge1")
    assert scene.time == datetime(2020, 9, 27, 11, 10, 50, 314003, tzinfo=UTC)
    assert scene.descriptor.collection == "landsat-c2-l2"
    assert scene.said.angles["sun_elevation"] == pytest.approx(33.83332706)
    assert scene.mask is None


def test_position_is_rebuilt_from_the_mtl_with_half_a_pixel(folder):
    assert open_scene(folder, now=NOW).grid == GRID


def test_reflectance_takes_scale_and_offset_of_the_surface_group(folder):
    found = measured(folder, "red", "nir", "thermal")
    nir, kelvin = dn(folder, "SR_B5"), dn(folder, "ST_B10")
    expected = nir * 2.75e-5 - 0.2
    trusted = (nir >= 7273) & (nir <= 43636)
    assert np.abs(found.values["nir"][trusted] - expected[trusted]).max() < 1e-6
    assert np.isnan(found.values["nir"][~trusted]).all()
    assert np.abs(found.values["thermal"] - (kelvin * 0.00341802 + 149)).max() < 1e-3
    assert 280 < np.nanmedian(found.values["thermal"]) < 300  # Lancashire, September
    # the values of the Level-1 group, which a parser without groups would find last
    assert np.median(np.abs(found.values["nir"] - (nir * 2e-5 - 0.1))[trusted]) > 0.02


def test_the_item_that_usgs_lays_beside_a_product_does_not_hide_its_mtl(folder):
    """It knows the reflectance bands alone."""
    assets = {"red": {"href": f"https://landsatlook.usgs.gov/data/{NAME}_SR_B4.TIF"}}
    facts = {"stac_version": "1.0.0", "properties": {"platform": "LANDSAT_8"}, "assets": assets}
    (folder / f"{NAME}_SR_stac.json").write_text(json.dumps(facts))
    assert open_scene(folder, now=NOW).has("red", "nir", "thermal")


def test_the_mtl_in_json_says_the_same(folder):
    before = open_scene(folder, now=NOW)
    mtl = folder / f"{NAME}_MTL.txt"
    whole = {"LANDSAT_METADATA_FILE": groups(mtl.read_text())}
    (folder / f"{NAME}_MTL.json").write_text(json.dumps(whole))
    mtl.unlink()
    after = open_scene(folder, now=NOW)
    assert (after.grid, after.time) == (before.grid, before.time)
    assert after.calibration == before.calibration


def test_the_mtl_is_read_by_group():
    text = (
        "GROUP = A\n  GROUP = B\n    X = 1\n  END_GROUP = B\n"
        '  GROUP = C\n    X = "2"\n  END_GROUP = C\nEND_GROUP = A\nEND\n'
    )
    assert groups(text) == {"B": {"X": "1"}, "C": {"X": "2"}}
    for cut in (text[:60], text.replace("END_GROUP = B", "END_GROUP = Z")):
        with pytest.raises(ValueError, match="group"):
            groups(cut)


@pytest.mark.parametrize(
    ("bit", "passes", "marked"),
    [
        (0, False, None),
        (1, False, "cloud"),
        (2, False, "cloud"),
        (3, False, "cloud"),
        (4, False, "cloud"),  # shadow counts as cloud share
        (5, False, "snow"),
        (6, True, None),
        (7, True, "water"),
        (8, True, None),  # confidences are not used
        (15, True, None),
    ],
)
def test_each_bit_of_qa_pixel(folder, bit, passes, marked):
    qa = np.full((48, 64), 1 << 6, np.uint16)
    qa[10, 20] = 1 << bit
    quality(folder, "QA_PIXEL", qa)
    found = measured(folder, "thermal")
    assert bool(found.valid[10, 20]) is passes
    assert found.valid.sum() == (48 * 64 if passes else 48 * 64 - 1)
    for name in ("cloud", "snow", "water"):
        assert getattr(found, name).sum() == (1 if name == marked else 0)


def test_saturation_silences_only_its_band(folder):
    saturated = np.zeros((48, 64), np.uint16)
    saturated[5, 7] = 1 << 3  # band 4, red: bit 3
    saturated[5, 8] = 1 << 4  # band 5, near infrared
    quality(folder, "QA_RADSAT", saturated)
    found = measured(folder, "thermal", "red", "nir")
    lost = {role: np.isnan(found.values[role]) for role in ("red", "nir")}
    before = {role: np.isnan(one) for role, one in measured_without(folder).items()}
    assert {role: np.argwhere(lost[role] & ~before[role]).tolist() for role in lost} == {
        "red": [[5, 7]],
        "nir": [[5, 8]],
    }


def measured_without(folder):
    (folder / f"{NAME}_QA_RADSAT.TIF").unlink()
    return measured(folder, "red", "nir").values


def test_ndvi_of_the_archive_equals_one_computed_by_hand(tmp_path, province):
    archive = tmp_path / "archive"
    report = take_in(ARCHIVE, province, archive)
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(tmp_path / NAME, filter="data")
    red, nir = (dn(tmp_path / NAME, band) for band in ("SR_B4", "SR_B5"))
    trusted = (np.minimum(red, nir) >= 7273) & (np.maximum(red, nir) <= 43636)
    red, nir = (one * 2.75e-5 - 0.2 for one in (red, nir))
    by_hand = np.where(trusted & (nir + red > 0), (nir - red) / (nir + red), np.nan)
    with rasterio.open(archive / report.layer.data_path) as dataset:
        stored = np.where(dataset.read(1) == -32768, np.nan, dataset.read(1) * 1e-4)
    assert np.array_equal(np.isnan(stored), np.isnan(by_hand))
    assert np.nanmax(np.abs(stored - by_hand)) < 1e-4
    assert report.scene.title_en.startswith("Landsat 8/9")
    assert "U.S. Geological Survey" in report.scene.lineage["attribution"]
    assert take_in(ARCHIVE, province, archive).unchanged
    assert not (archive / ".incoming").exists()


def test_the_whole_real_sample_gives_sane_reflectances():
    real = SHARED / "data" / "imagery" / "landsat_c2l2" / ARCHIVE.name
    if not real.exists():
        pytest.skip("the shared sample imagery is not on this machine")
    with unpacked(real) as folder:
        scene = open_scene(folder, now=NOW)
        reader = Reader(scene)
        found = reader.block(Block(0, 0, 433, 267), ("red", "nir", "swir1", "thermal"))
        reader.close()
    assert (scene.grid.left, scene.grid.right) == (487_005.0, 499_995.0)
    assert 0.2 < found.valid.mean() < 0.5  # the rest is sea, of reflectance below 0
    for role in ("red", "nir", "swir1"):
        assert 0 <= np.nanmin(found.values[role]) < np.nanmax(found.values[role]) <= 1.0


def level_1(folder):
    for file in list(folder.glob("*_SR_*.TIF")):
        file.rename(folder / file.name.replace("L2SP", "L1TP").replace("_SR_", "_"))
    for file in list(folder.glob("*_ST_*.TIF")):
        file.unlink()


def level_1_inside(folder):
    spoilt(folder, r"(PRODUCT_CONTENTS.*?PROCESSING_LEVEL = )\"L2SP\"", r'\1"L1TP"')


def another_satellite(folder):
    spoilt(folder, "LANDSAT_8", "LANDSAT_3")


def a_day_that_is_none(folder):
    no_mtl(folder)
    for file in list(folder.iterdir()):
        file.rename(folder / file.name.replace("20200927", "20209927"))
    for band in ("SR_B4", "SR_B5"):
        quality(folder, band, np.full((48, 64), 9000, np.uint16))
        made = folder / f"{NAME}_{band}.TIF"
        made.replace(folder / made.name.replace("20200927", "20209927"))
    for file in folder.glob("*.TIF"):
        if not file.name.endswith(("_SR_B4.TIF", "_SR_B5.TIF")):
            file.unlink()


def half_an_mtl(folder):
    mtl = folder / f"{NAME}_MTL.txt"
    mtl.write_text(mtl.read_text()[:4000])


def another_size(folder):
    spoilt(folder, "REFLECTIVE_LINES = 48", "REFLECTIVE_LINES = 49")


def no_mtl(folder):
    (folder / f"{NAME}_MTL.txt").unlink()


def no_nir(folder):
    (folder / f"{NAME}_SR_B5.TIF").unlink()


def no_scale(folder):
    spoilt(folder, "REFLECTANCE_MULT_BAND_5 = 2.75e-05", "REFLECTANCE_MULT_BAND_5 = much")


def cloud_everywhere(folder):
    quality(folder, "QA_PIXEL", np.full((48, 64), 1 << 3, np.uint16))


def fill_everywhere(folder):
    for band in ("SR_B4", "SR_B5"):
        quality(folder, band, np.zeros((48, 64), np.uint16))


CASES = {
    level_1: "wrong_level",
    level_1_inside: "wrong_level",
    another_satellite: "wrong_level",
    a_day_that_is_none: "bad_time",
    half_an_mtl: "bad_metadata",
    another_size: "no_position",
    no_mtl: "no_crs",
    no_nir: "missing_band",
    no_scale: "bad_metadata",
    cloud_everywhere: "all_cloud",
    fill_everywhere: "all_nodata",
}


@pytest.mark.parametrize("broken", CASES, ids=lambda case: case.__name__)
def test_rejected_with_its_reason(broken, folder, tmp_path, request):
    broken(folder)
    deep = broken in (cloud_everywhere, fill_everywhere)
    database = request.getfixturevalue("province") if deep else scenes.Untouched()
    archive = tmp_path / "archive"
    archive.mkdir()
    with pytest.raises(SceneRejected) as refusal:
        take_in(folder, database, archive)
    assert refusal.value.facts["reason"] == CASES[broken]
    assert list(archive.rglob("*")) == []
