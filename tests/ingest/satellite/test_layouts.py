"""One test per layout of source: what is opened, and what it is taken to mean."""

from datetime import UTC, datetime

import numpy as np
import pytest

from analytics.remote.digital import Calibration
from ingest.satellite.metadata import offset_of_baseline
from ingest.satellite.scene import open_scene
from tests.conftest import DATA, SHARED
from tests.ingest.satellite import scenes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GIVEN = datetime(2021, 6, 1, 2, 30, tzinfo=UTC)
NETCDF = DATA / "scenes" / "s2_xrspatial"


def test_netcdf_bands_keep_their_own_system_and_say_which_band_is_nir():
    scene = open_scene(NETCDF, now=NOW, time=GIVEN)
    assert (scene.grid.epsg, scene.grid.dx, scene.grid.width) == (32719, 10.0, 60)
    assert scene.time == GIVEN
    assert scene.scl is None
    assert "the near infrared is B07, not B08" in scene.notes
    assert scene.calibration["red"] == Calibration(1e-4, 0.0)


def test_the_whole_real_sample_opens():
    folder = SHARED / "data" / "imagery" / "s2_xrspatial"
    if not folder.exists():
        pytest.skip("the shared sample imagery is not on this machine")
    scene = open_scene(folder, now=NOW, time=GIVEN)
    assert (scene.grid.width, scene.grid.height) == (300, 200)


def test_safe_tree_takes_the_10_m_bands_the_20_m_scl_and_no_quality_mask(tmp_path):
    red, nir = scenes.red_and_nir()
    product = scenes.safe(tmp_path, red, nir, np.full((30, 40), 4, np.uint8))
    scene = open_scene(product, now=NOW)
    assert [f.name for f in scene.files.values()] == [
        "T51TXL_20240601T023551_B04_10m.jp2",
        "T51TXL_20240601T023551_B08_10m.jp2",
        "T51TXL_20240601T023551_SCL_20m.jp2",
    ]
    assert scene.scl_ratio == 2
    assert scene.time == datetime(2024, 6, 1, 2, 35, 51, 24000, tzinfo=UTC)
    assert scene.said.baseline == "05.10"
    assert scene.calibration["nir"] == Calibration(1e-4, -1000.0)
    assert open_scene(product / "MTD_MSIL2A.xml", now=NOW).files == scene.files


def test_one_file_with_band_descriptions(tmp_path):
    red, nir = scenes.red_and_nir()
    scl = np.full_like(red, 4)
    path = scenes.write(
        tmp_path / "S2A_MSIL2A_20210601T023551_N0300_R089_T51TXL.tif",
        np.stack([nir, scl, red]),
        descriptions=("B8", "SCL", "B4"),
    )
    scene = open_scene(path, now=NOW)
    assert (scene.bands["red"].index, scene.bands["nir"].index, scene.scl.index) == (3, 1, 2)
    assert scene.scl_ratio == 1
    assert scene.time == datetime(2021, 6, 1, 2, 35, 51, tzinfo=UTC)
    assert scene.calibration["red"].offset == 0.0  # N0300


def test_sidecar_names_bands_of_a_file_without_descriptions(tmp_path):
    red, nir = scenes.red_and_nir()
    scenes.write(tmp_path / "stack.tif", np.stack([red, nir]))
    (tmp_path / "scene.json").write_text(
        '{"time": "2024-06-01T10:35:51+08:00", "bands": {"red": 1, "nir": 2}}'
    )
    scene = open_scene(tmp_path, now=NOW)
    assert (scene.bands["red"].index, scene.bands["nir"].index) == (1, 2)
    assert scene.time == datetime(2024, 6, 1, 2, 35, 51, tzinfo=UTC)


def test_stac_item_as_sidecar_and_names_red_nir_scl(tmp_path):
    red, nir = scenes.red_and_nir()
    for name, values, pixel in (
        ("red", red, 10.0),
        ("nir", nir, 10.0),
        ("scl", np.full((30, 40), 5, np.uint8), 20.0),
    ):
        scenes.write(tmp_path / f"{name}.tif", values, pixel=pixel)
    (tmp_path / "scene.json").write_text(
        '{"type": "Feature", "properties": {"datetime": "2024-06-01T02:35:51Z",'
        '"s2:processing_baseline": "05.10", "earthsearch:boa_offset_applied": true}}'
    )
    scene = open_scene(tmp_path, now=NOW)
    assert scene.scl is not None
    assert scene.calibration["red"].offset == 0.0  # baseline 05.10, but already subtracted


def test_float_reflectance_has_neither_scale_nor_offset(tmp_path):
    red, nir = (band.astype(np.float32) / 10_000 for band in scenes.red_and_nir())
    folder = scenes.folder(
        tmp_path,
        red,
        nir,
        sidecar='{"time": "2024-06-01T02:35:51Z", "processing_baseline": "05.10"}',
    )
    assert open_scene(folder, now=NOW).calibration["red"] == Calibration(1.0, 0.0)


def test_scale_and_offset_of_the_files_win(tmp_path):
    red, nir = scenes.red_and_nir()
    for name, values in (("B04", red), ("B08", nir)):
        scenes.write(tmp_path / f"{name}.tif", values, scales=(1e-4,), offsets=(-0.1,))
    scene = open_scene(tmp_path, now=NOW, time=GIVEN)
    assert scene.calibration["red"].offset == pytest.approx(-1000)


@pytest.mark.parametrize(
    ("baseline", "offset"),
    [("02.14", 0), ("03.01", 0), ("04.00", -1000), ("05.11", -1000), ("N0500", -1000), ("0301", 0)],
)
def test_the_offset_follows_the_baseline(baseline, offset):
    assert offset_of_baseline(baseline) == offset


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        # the two traps of going by date: reprocessed 2018, and baseline 03.01 in 2022
        ("S2A_MSIL2A_20180601T023551_N0500_R089_T51TXL_20230801T000000", -1000),
        ("S2A_MSIL2A_20220301T023551_N0301_R089_T51TXL_20220301T052637", 0),
    ],
)
def test_the_offset_never_follows_the_date(tmp_path, name, offset):
    folder = scenes.folder(tmp_path / name, sidecar=None)
    assert open_scene(folder, now=NOW).calibration["red"].offset == offset


def test_without_baseline_no_offset_is_applied_and_the_notes_say_so(tmp_path):
    scene = open_scene(scenes.folder(tmp_path), now=NOW)
    assert scene.calibration["red"].offset == 0
    assert any("no baseline" in note for note in scene.notes)
