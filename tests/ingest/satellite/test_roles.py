"""Scenes of many bands: roles, bands on other grids, the mask with its classes."""

from datetime import UTC, datetime

import numpy as np
import pytest

from analytics.remote import masks
from ingest.satellite.descriptors import descriptors
from ingest.satellite.plan import Block
from ingest.satellite.read import Reader
from ingest.satellite.scene import open_scene
from ingest.satellite.source import Fit
from models.errors import SceneRejected
from tests.ingest.satellite import scenes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TWELVE = ["coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3"]
TWELVE += ["nir", "nir08", "nir09", "swir1", "swir2"]


def whole(scene, *roles, block=None):
    reader = Reader(scene)
    try:
        return reader.block(block or Block(0, 0, scene.grid.width, scene.grid.height), roles)
    finally:
        reader.close()


@pytest.fixture
def safe(tmp_path):
    """A SAFE folder of all bands: 10 m, 20 m, 60 m (SYNTHETIC)."""
    red, nir = scenes.red_and_nir(60, 84)
    product = scenes.safe(tmp_path, red, nir, np.full((30, 42), 4, np.uint8))
    images = next(product.rglob("IMG_DATA"))
    stem = "T51TXL_20240601T023551"
    lossless = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "nodata": None}
    rng = np.random.default_rng(3)
    for side, bands in ((10, "B02 B03"), (20, "B05 B06 B07 B11 B12"), (60, "B01 B09")):
        for name in bands.split():
            shape = (600 // side, 840 // side)
            values = rng.integers(1200, 4000, shape, dtype=np.uint16)
            path = images / f"R{side}m" / f"{stem}_{name}_{side}m.jp2"
            scenes.write(path, values, pixel=float(side), **lossless)
    return product


def test_a_safe_has_all_twelve_roles_and_says_how_they_were_laid_on_10_m(safe):
    scene = open_scene(safe, now=NOW)
    assert sorted(scene.roles) == sorted(TWELVE)
    assert scene.has("swir1", "rededge1")
    assert scene.fits["swir1"] == Fit(coarser=2)
    assert scene.fits["coastal"] == Fit(coarser=6)
    assert scene.resampling["nir09"] == "nearest, from 60"
    assert "red" not in scene.resampling
    assert {one.offset for one in scene.calibration.values()} == {-1000.0}
    # what the scene is called does not hang on bands it could do without
    assert list(scene.files) == ["red", "nir", "scl"]
    assert len(scene.sources) == 13


def test_the_granule_tells_the_sun_and_the_product_the_time(safe):
    granule = next(safe.rglob("IMG_DATA")).parent / "MTD_TL.xml"
    granule.write_text(
        "<n1:Level-2A_Tile_ID><SENSING_TIME>2024-06-01T02:41:00.000Z</SENSING_TIME>"
        '<Mean_Sun_Angle><ZENITH_ANGLE unit="deg">25.5</ZENITH_ANGLE>'
        '<AZIMUTH_ANGLE unit="deg">150.25</AZIMUTH_ANGLE></Mean_Sun_Angle></n1:Level-2A_Tile_ID>'
    )
    scene = open_scene(safe, now=NOW)
    assert scene.said.angles == {"sun_elevation": 64.5, "sun_azimuth": 150.25}
    assert (scene.time.minute, scene.time.second) == (35, 51)


@pytest.mark.parametrize("block", [Block(0, 0, 84, 60), Block(13, 7, 31, 22), Block(83, 59, 1, 1)])
def test_each_pixel_takes_the_coarse_value_that_covers_it(safe, block):
    scene = open_scene(safe, now=NOW)
    found = whole(scene, "red", "swir1", "coastal", block=block)
    for role, ratio in (("red", 1), ("swir1", 2), ("coastal", 6)):
        with scenes.rasterio.open(scene.bands[role].path) as dataset:
            fine = dataset.read(1).repeat(ratio, 0).repeat(ratio, 1)
        rows = slice(block.row, block.row + block.height)
        columns = slice(block.column, block.column + block.width)
        expected = (fine[rows, columns].astype(np.float64) - 1000) / 10_000
        assert np.abs(found.values[role] - expected).max() < 1e-6


def test_a_finer_band_is_averaged_over_what_it_holds(tmp_path):
    red, nir = scenes.red_and_nir(20, 30)
    fine = np.full((40, 60), 1000, np.uint16)
    fine[0, :2] = (0, 3000)  # one of four without a value: the mean of three
    fine[2, 0:2] = fine[3, 0] = 0  # three of four without: no value
    for name, values, pixel in (("red", red, 20.0), ("nir", nir, 20.0), ("blue", fine, 10.0)):
        scenes.write(tmp_path / f"{name}.tif", values, pixel=pixel)
    scene = open_scene(tmp_path, now=NOW, time=NOW)
    found = whole(scene, "blue")
    assert scene.resampling == {"blue": "average, from 10"}
    assert found.values["blue"][0, 0] == pytest.approx((3000 + 1000 + 1000) / 3 / 10_000)
    assert np.isnan(found.values["blue"][1, 0])
    assert found.values["blue"][5, 5] == pytest.approx(0.1)


def test_an_optional_band_that_does_not_fit_is_left_out_and_named(tmp_path):
    folder = scenes.folder(tmp_path)
    scenes.write(folder / "B03.tif", scenes.red_and_nir()[0], left=scenes.LEFT + 5)
    scene = open_scene(folder, now=NOW)
    assert scene.roles == ("red", "nir")
    assert any(note.startswith("no green") for note in scene.notes)


def test_a_missing_value_of_one_band_leaves_the_others_theirs(tmp_path):
    folder = scenes.folder(tmp_path)
    blue = np.full((60, 80), 500, np.uint16)
    blue[3, 4] = 0
    scenes.write(folder / "B02.tif", blue)
    found = whole(open_scene(folder, now=NOW), "blue", "red")
    assert np.argwhere(np.isnan(found.values["blue"])).tolist() == [[3, 4]]
    assert not np.isnan(found.values["red"]).any()
    assert np.argwhere(~found.valid).tolist() == [[3, 4]]


def test_classes_of_the_mask_are_told_apart(tmp_path):
    scl = np.full((30, 40), 4, np.uint8)
    scl[0, :5] = (9, 3, 11, 6, 0)
    found = whole(open_scene(scenes.folder(tmp_path, scl=scl), now=NOW), "red")
    for flags, at in (
        (found.cloud, [0, 1]),
        (found.snow, [2]),
        (found.water, [3]),
        (~found.valid, [0, 1, 2, 4]),
    ):
        assert sorted({int(column) // 2 for _, column in np.argwhere(flags)}) == at


MASKED = """
time = 2024-06-01T02:35:51Z
[mask]
kind = "scl"
role = "scl"
grow_m = 40.0
"""


@pytest.mark.parametrize("block", [Block(0, 0, 80, 60), Block(20, 20, 12, 14)])
def test_a_cloud_is_widened_alike_in_whatever_block_it_lies(tmp_path, block):
    scl = np.full((30, 40), 4, np.uint8)
    scl[9, 10] = 9  # just outside the small block
    folder = scenes.folder(tmp_path, scl=scl, sidecar=None)
    for name in ("B04", "B08"):
        (folder / f"{name}.tif").rename(folder / f"own_{name}.tif")
    (folder / "descriptor.toml").write_text(
        MASKED + '[bands]\nred = "own_B04.tif"\nnir = "own_B08.tif"\nscl = "SCL.tif"\n'
    )
    scene = open_scene(folder, now=NOW)
    found = whole(scene, "red", block=block)
    rows, columns = np.mgrid[0:60, 0:80] // 2
    expected = (rows - 9) ** 2 + (columns - 10) ** 2 <= 2**2
    part = np.s_[block.row : block.row + block.height, block.column : block.column + block.width]
    assert np.array_equal(found.cloud, expected[part])
    assert np.array_equal(~found.valid, expected[part])
    assert scene.mask_version == f"{masks.SCL_MASK}; cloud and shadow widened by 40 m"


def test_every_platform_names_roles_it_needs_and_describes_its_mask():
    for key, one in descriptors().items():
        assert set(one.required) <= set(one.bands) | set(one.order), key
        assert one.title_zh, key
        if one.mask is not None:
            assert one.mask.scheme().version, key


def test_an_unknown_fact_of_a_scene_s_mask_is_refused(tmp_path):
    folder = scenes.folder(tmp_path, sidecar='{"mask": {"kind": "bits", "cloudy": [3]}}')
    with pytest.raises(SceneRejected, match="cloudy") as refusal:
        open_scene(folder, now=NOW)
    assert refusal.value.facts["reason"] == "bad_metadata"
