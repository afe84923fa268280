"""One test per platform: what is opened, and what its numbers mean.

Where no sample may ship the scene is SYNTHETIC: a small raster in the layout of the platform.
"""

import json
import math
from datetime import UTC, datetime

import numpy as np
import pyproj
import pytest
import rasterio

from analytics.remote.digital import Calibration
from ingest.satellite.pipeline import take_in
from ingest.satellite.plan import Block
from ingest.satellite.radiometry import gains
from ingest.satellite.read import Reader
from ingest.satellite.scene import open_scene
from models.errors import SceneRejected
from tests.conftest import SHARED
from tests.ingest.satellite import scenes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GIVEN = datetime(2024, 6, 1, 2, 30, tzinfo=UTC)
GF1 = "GF1_WFV1_E126.5_N44.2_20180601_L1A0003235123-ORTHO"
GF6 = "GF6_WFV_E126.5_N44.2_20200601_L1A1120012345-ORTHO"
XML = """<?xml version="1.0"?><ProductMetaData><SatelliteID>{0}</SatelliteID>
<CenterTime>{1}</CenterTime><SolarAzimuth>150.1</SolarAzimuth><SolarZenith>30.0</SolarZenith>
</ProductMetaData>"""


def whole(scene, *roles):
    reader = Reader(scene)
    try:
        return reader.block(Block(0, 0, scene.grid.width, scene.grid.height), roles)
    finally:
        reader.close()


def gaofen(root, name, count, time="2018-06-01 10:35:51", **more):
    """Make a SYNTHETIC orthorectified WFV scene in degrees, as deliveries are; DN = band x 100."""
    values = np.stack([np.full((30, 40), 100 * n, np.uint16) for n in range(1, count + 1)])
    place = {"epsg": 4326, "pixel": 1.6e-4, "left": 126.0, "top": 44.5} | more
    path = scenes.write(root / f"{name}.tiff", values, **place)
    (root / f"{name}.xml").write_text(XML.format(name[:3], time))
    return path


def reflectance(dn, gain, irradiance, day):
    """Compute it step by step, apart from the code under test."""
    distance = 1 - 0.01672 * math.cos(math.radians(0.9856 * (day - 4)))
    return math.pi * dn * gain * distance**2 / (irradiance * math.cos(math.radians(30.0)))


def test_gaofen_1_takes_the_gains_of_its_year_and_sensor(tmp_path):
    scene = open_scene(gaofen(tmp_path, GF1, 4), now=NOW)
    assert scene.roles == ("red", "nir", "blue", "green")
    found = whole(scene, "red", "nir")
    # GF1 WFV1 of 2018; 1 June is day 152
    assert found.values["red"][0, 0] == pytest.approx(reflectance(300, 0.1270, 1571.46, 152))
    assert found.values["nir"][0, 0] == pytest.approx(reflectance(400, 0.1344, 1079.00, 152))
    assert scene.time == datetime(2018, 6, 1, 2, 35, 51, tzinfo=UTC)  # written in Beijing time
    assert "2018" in scene.offset_from
    assert any("not corrected for the atmosphere" in note for note in scene.notes)
    assert scene.grid.in_degrees
    assert scene.grid.pixel_metres == pytest.approx((12.7, 17.8), abs=0.1)


def test_gaofen_times_in_utc_are_told_from_those_in_beijing_time(tmp_path):
    scene = open_scene(gaofen(tmp_path, GF1, 4, time="2018-06-01T02:35:51"), now=NOW)
    assert scene.time == datetime(2018, 6, 1, 2, 35, 51, tzinfo=UTC)


def test_gaofen_6_has_its_red_edges_after_the_near_infrared(tmp_path):
    path = gaofen(tmp_path, GF6, 8, "2020-06-01 10:35:51")
    scene = open_scene(path, now=NOW)
    numbers = {role: one.index for role, one in scene.bands.items()}
    order = ["blue", "green", "red", "nir", "rededge1", "rededge2", "coastal", "yellow"]
    assert numbers == {role: n for n, role in enumerate(order, 1)}
    found = whole(scene, "rededge1")
    expected = reflectance(500, 0.0519, 1412.0, 153)
    assert found.values["rededge1"][0, 0] == pytest.approx(expected)


def test_a_year_without_gains_takes_those_before_it_and_never_later_ones():
    assert gains("gaofen-wfv", "GF6_WFV", 2023).year == 2020
    assert gains("gaofen-wfv", "GF1_WFV1", 2014).gains[0] == 0.2004
    for sensor, year in (("GF1_WFV1", 2013), ("GF9_WFV", 2020)):
        with pytest.raises(SceneRejected, match="no gains"):
            gains("gaofen-wfv", sensor, year)


def test_a_gaofen_scene_without_its_xml_is_refused(tmp_path):
    path = gaofen(tmp_path, GF1, 4)
    path.with_suffix(".xml").unlink()
    with pytest.raises(SceneRejected, match="XML") as refusal:
        open_scene(path, now=NOW, time=GIVEN)
    assert refusal.value.facts["reason"] == "bad_metadata"


def test_a_gaofen_scene_that_was_not_orthorectified_has_no_position(tmp_path):
    path = gaofen(tmp_path, GF1, 4, epsg=None)
    with pytest.raises(SceneRejected) as refusal:
        open_scene(path, now=NOW)
    assert refusal.value.facts["reason"] == "no_crs"


def test_gaofen_in_degrees_goes_all_the_way(tmp_path, province):
    report = take_in(gaofen(tmp_path, GF1, 4), province, tmp_path / "archive")
    assert report.scene.collection == "gf-1-wfv"
    assert report.scene.title_zh.startswith("高分一号")
    west, _, east, _ = report.scene.bbox
    assert (west, east) == pytest.approx((126.0, 126.0 + 40 * 1.6e-4))
    red, nir = reflectance(300, 0.1270, 1571.46, 152), reflectance(400, 0.1344, 1079.00, 152)
    with rasterio.open(tmp_path / "archive" / report.layer.data_path) as dataset:
        assert dataset.read(1)[5, 5] == round((nir - red) / (nir + red) * 10_000)


def hls(root, part, bands):
    """Make a SYNTHETIC HLS granule: band B0n holds n x 1000, Fmask its bits."""
    stem = f"HLS.{part}.T51TXL.2024153T022551.v2.0"
    for n, name in enumerate(bands, 1):
        values = np.full((20, 30), 1000 * n, np.int16)
        values[0, 0] = -9999
        scenes.write(root / f"{stem}.{name}.tif", values, pixel=30.0, nodata=-9999)
    fmask = np.zeros((20, 30), np.uint8)
    fmask[1, :8] = [1 << bit for bit in range(8)]
    fmask[2, 0] = 255
    scenes.write(root / f"{stem}.Fmask.tif", fmask, pixel=30.0, nodata=255)
    return root


@pytest.mark.parametrize(
    ("part", "bands", "nir"),
    [
        ("S30", ("B02", "B03", "B04", "B08", "B8A", "B11", "B12"), 4),
        ("L30", ("B02", "B03", "B04", "B05", "B06", "B07"), 4),
    ],
)
def test_harmonised_landsat_and_sentinel(tmp_path, part, bands, nir):
    scene = open_scene(hls(tmp_path, part, bands), now=NOW)
    found = whole(scene, "red", "nir")
    assert scene.descriptor.collection == f"hls2-{part.lower()}"
    assert scene.time == datetime(2024, 6, 1, 2, 25, 51, tzinfo=UTC)
    assert found.values["nir"][5, 5] == pytest.approx(nir / 10)
    assert np.isnan(found.values["red"][0, 0])
    assert found.valid[1, :8].tolist() == [True, False, False, False, False, True, True, True]
    assert found.cloud[1, :8].tolist() == [False, True, True, True] + 4 * [False]
    assert found.water[1, 5]
    assert not found.valid[2, 0]


def test_landsat_5_numbers_its_bands_otherwise(tmp_path):
    name = "LT05_L2SP_118029_20080901_20200829_02_T1"
    for band, dn in (("SR_B3", 9000), ("SR_B4", 20_000), ("SR_B5", 15_000), ("ST_B6", 41_000)):
        values = np.full((20, 30), dn, np.uint16)
        scenes.write(tmp_path / f"{name}_{band}.TIF", values, pixel=30.0)
    scene = open_scene(tmp_path, now=NOW)
    found = whole(scene, "red", "nir", "thermal")
    assert scene.roles == ("red", "nir", "swir1", "thermal")
    assert found.values["nir"][0, 0] == pytest.approx(20_000 * 2.75e-5 - 0.2)
    assert found.values["thermal"][0, 0] == pytest.approx(41_000 * 0.00341802 + 149)
    # without an MTL the day is known, the time is not
    assert scene.time == datetime(2008, 9, 1, tzinfo=UTC)
    assert scene.said.time_from.endswith("(day only)")


def test_bands_called_sr_in_one_file_are_not_guessed_at(tmp_path):
    """An Earth Engine export of Landsat 5 and one of Landsat 8 look alike."""
    values = np.stack([np.full((20, 30), 9000 * n, np.uint16) for n in (1, 2, 3)])
    names = ("SR_B3", "SR_B4", "SR_B5")
    path = scenes.write(tmp_path / "export.tif", values, pixel=30.0, descriptions=names)
    with pytest.raises(SceneRejected, match="SR_B4") as refusal:
        open_scene(path, now=NOW, time=GIVEN)
    assert refusal.value.facts["reason"] == "missing_band"
    path = path.rename(tmp_path / "LC08_L2SP_118029_20240601.tif")
    scene = open_scene(path, now=NOW, time=GIVEN)
    assert {role: one.index for role, one in scene.bands.items()} == {
        "red": 2,
        "nir": 3,
        "green": 1,
    }


def jilin(root, sidecar, name="JL1KF01A_PMS01_20240601103551_200012345_101_0001_001_L3.tif"):
    values = np.stack([np.full((30, 40), 1000 * n, np.uint16) for n in (1, 2, 3, 4)])
    path = scenes.write(root / name, values, pixel=0.75)
    if sidecar is not None:
        path.with_suffix(".scene.json").write_text(json.dumps(sidecar))
    return path


def test_jilin_1_is_described_scene_by_scene(tmp_path):
    bands = {
        role: {"band": n, "scale": 2e-4, "offset": -0.05, "valid": [1, 60000]}
        for n, role in enumerate(("blue", "green", "red", "nir"), 1)
    }
    sidecar = {"time": "2024-06-01T10:35:51+08:00", "platform": "jilin-1", "bands": bands}
    scene = open_scene(jilin(tmp_path, sidecar | {"off_nadir": 12.5}), now=NOW)
    assert (scene.descriptor.collection, scene.grid.dx) == ("jilin-1", 0.75)
    assert whole(scene, "red").values["red"][0, 0] == pytest.approx(3000 * 2e-4 - 0.05)
    assert scene.said.angles == {"off_nadir": 12.5}
    assert scene.offset_from == "scale and offset of the scene's descriptor"


def test_jilin_1_without_stated_numbers_is_refused(tmp_path):
    with pytest.raises(SceneRejected, match="state scale") as refusal:
        open_scene(jilin(tmp_path, None), now=NOW, time=GIVEN)
    assert refusal.value.facts["reason"] == "bad_metadata"


def modis(root):
    """Make a SYNTHETIC AppEEARS export: values in 1e-4, codes of reliability."""
    stem = "MOD13Q1.061__250m_16_days_{}_doy2024161000000_aid0001.tif"
    place = {"epsg": 4326, "pixel": 0.0021, "left": 125.0, "top": 44.5}
    ndvi = np.full((20, 30), 6543, np.int16)
    ndvi[0, :4] = (-3000, 0, -2001, 10001)
    codes = np.zeros((20, 30), np.int8)
    codes[1, :5] = (-1, 1, 2, 3, 9)
    scenes.write(root / stem.format("NDVI"), ndvi, nodata=-3000, **place)
    scenes.write(root / stem.format("EVI"), ndvi // 2, nodata=-3000, **place)
    scenes.write(root / stem.format("pixel_reliability"), codes, nodata=-1, **place)
    return root


def test_modis_indices_keep_their_scale_fill_and_reliability(tmp_path):
    scene = open_scene(modis(tmp_path), now=NOW)
    found = whole(scene, "ndvi")
    values = found.values["ndvi"]
    assert scene.time == datetime(2024, 6, 9, tzinfo=UTC)
    assert np.isnan(values[0, [0, 2, 3]]).all()
    assert values[0, 1] == 0.0  # zero is a value here
    assert values[5, 5] == pytest.approx(0.6543)
    assert found.valid[1, :5].tolist() == [False, True, False, False, False]
    assert found.cloud[1, :5].tolist() == [False, False, False, True, False]
    assert found.snow[1, :5].tolist() == [False, False, True, False, False]


def test_a_ready_made_index_is_catalogued_without_bands_for_live_tiles(tmp_path, province):
    report = take_in(modis(tmp_path), province, tmp_path / "archive")
    assert report.scene.collection == "modis-13"
    assert report.layer.bands_path is None
    with rasterio.open(tmp_path / "archive" / report.layer.data_path) as dataset:
        numbers = dataset.read(1)
    assert numbers[5, 5] == 6543
    assert numbers[0, :4].tolist() == [-32768, 0, -32768, -32768]
    assert numbers[1, :5].tolist() == [-32768, 6543, -32768, -32768, -32768]


def test_a_modis_export_in_sinusoidal_coordinates_is_refused(tmp_path):
    folder = modis(tmp_path)
    sinusoidal = rasterio.CRS.from_proj4("+proj=sinu +R=6371007.181 +units=m +no_defs")
    path = next(folder.glob("*NDVI*"))
    with rasterio.open(path, "r+") as dataset:
        dataset.crs = sinusoidal
        dataset.transform = rasterio.Affine(231.656, 0, 1e7, 0, -231.656, 5e6)
    with pytest.raises(SceneRejected) as refusal:
        open_scene(folder, now=NOW)
    assert refusal.value.facts["reason"] == "wrong_crs"


def test_the_real_drone_mosaic_opens_as_a_camera():
    path = SHARED / "data" / "imagery" / "uav" / "australia.tif"
    if not path.exists():
        pytest.skip("the shared sample imagery is not on this machine")
    scene = open_scene(path, now=NOW, time=GIVEN)
    found = whole(scene, "red", "green", "blue")
    with rasterio.open(path) as dataset:
        rgb = dataset.read()
    assert (scene.grid.epsg, scene.grid.dx) == (32753, 0.018)
    assert scene.roles == ("red", "green", "blue")
    assert np.nanmax(np.abs(found.values["blue"] - rgb[2] / 255)) < 1e-6
    assert any("not reflectance" in note for note in scene.notes)


def drone(path, values, *, epsg=4551, pixel=0.05, **more):
    """Make a SYNTHETIC mosaic in the middle of Jilin, on whatever grid."""
    to_grid = pyproj.Transformer.from_crs(4490, epsg, always_xy=True)
    left, top = to_grid.transform(125.6, 44.1)
    return scenes.write(path, values, epsg=epsg, pixel=pixel, left=left, top=top, **more)


@pytest.mark.parametrize(
    ("epsg", "pixel"), [(4551, 0.05), (4490, 5e-7), (32651, 0.05), (4529, 0.05), (2387, 0.05)]
)
def test_drone_mosaics_in_the_systems_that_surveyors_use(tmp_path, epsg, pixel):
    rng = np.random.default_rng(5)
    values = rng.integers(1, 255, (4, 30, 40), dtype=np.uint8)
    values[3] = 255
    values[3, 2, 3] = 0
    path = drone(
        tmp_path / "field.tif",
        values,
        epsg=epsg,
        pixel=pixel,
        nodata=None,
        photometric="RGB",
        alpha="YES",
    )
    scene = open_scene(path, now=NOW, time=GIVEN)
    found = whole(scene, "red")
    assert scene.grid.epsg == epsg
    assert np.argwhere(~found.valid).tolist() == [[2, 3]]
    assert found.values["red"][0, 0] == pytest.approx(values[0, 0, 0] / 255)
    assert scene.grid.pixel_metres[1] == pytest.approx(0.05, rel=0.2)


def test_a_system_written_in_esri_words_is_known(tmp_path):
    path = drone(
        tmp_path / "field.tif", np.full((3, 9, 9), 9, np.uint8), nodata=None, photometric="RGB"
    )
    with rasterio.open(path, "r+") as dataset:
        dataset.crs = rasterio.CRS.from_wkt(pyproj.CRS.from_epsg(4551).to_wkt("WKT1_ESRI"))
    assert open_scene(path, now=NOW, time=GIVEN).grid.epsg == 4551


def test_a_multispectral_drone_tells_red_from_red_edge(tmp_path):
    names = ("Blue", "Green", "Red edge", "Red", "NIR")
    values = np.stack([np.full((20, 20), 0.1 * n, np.float32) for n in range(1, 6)])
    path = drone(tmp_path / "ms.tif", values, descriptions=names, nodata=-10000.0)
    scene = open_scene(path, now=NOW, time=GIVEN)
    assert {role: one.index for role, one in scene.bands.items()} == {
        "blue": 1,
        "green": 2,
        "red": 4,
        "rededge1": 3,
        "nir": 5,
    }
    assert scene.calibration["red"] == Calibration(1.0, 0.0)
    assert scene.descriptor.collection == "uav"


def test_integers_of_a_multispectral_drone_need_their_scale(tmp_path):
    values = np.stack([np.full((20, 20), 9000 * n, np.uint16) for n in (1, 2)])
    path = drone(tmp_path / "ms.tif", values, descriptions=("Red", "NIR"))
    with pytest.raises(SceneRejected, match="state scale"):
        open_scene(path, now=NOW, time=GIVEN)


DESCRIBED = """
time = 2024-06-01T10:35:51+08:00
collection = "county-aerial-survey"
attribution = "Survey of the county"
nodata = 65535
title = { zh = "航摄", en = "Aerial survey" }

[bands]
red = { band = 1, scale = 1e-4, offset = 0.0 }
nir = { band = 2, scale = 1e-4, offset = 0.0 }
swir1 = { band = 3, scale = 2e-4, offset = -0.01 }
flags = { band = 4 }

[mask]
kind = "bits"
role = "flags"
out = [0, 4]
cloud = [4]
water = [9]
"""


def test_any_geotiff_with_a_descriptor(tmp_path, province):
    values = np.stack([np.full((30, 40), n, np.uint16) for n in (1000, 4000, 2000, 0)])
    values[3, 0, :4] = (1, 1 << 4, 1 << 9, 1 << 5)
    values[0, 5, 5] = 65535
    scenes.write(tmp_path / "in" / "stack.tif", values, nodata=None)
    (tmp_path / "in" / "descriptor.toml").write_text(DESCRIBED)
    scene = open_scene(tmp_path / "in", now=NOW)
    found = whole(scene, "red", "nir", "swir1")
    assert found.values["swir1"][1, 1] == pytest.approx(0.39)
    assert found.valid[0, :4].tolist() == [False, False, True, True]
    assert found.cloud[0, :4].tolist() == [False, True, False, False]
    assert found.water[0, :4].tolist() == [False, False, True, False]
    assert not found.valid[5, 5]
    report = take_in(tmp_path / "in", province, tmp_path / "archive")
    assert report.scene.collection == "county-aerial-survey"
    assert report.scene.title_zh == "航摄"
    assert report.scene.lineage["mask"] == "bits-1 (masks 0,4; cloud 4, water 9)"
    assert report.scene.lineage["attribution"] == "Survey of the county"


def test_a_scene_without_the_bands_of_a_product_says_what_it_has(tmp_path):
    path = drone(
        tmp_path / "rgb.tif", np.full((3, 30, 40), 9, np.uint8), nodata=None, photometric="RGB"
    )
    with pytest.raises(SceneRejected, match="this scene has red, green, blue") as refusal:
        take_in(path, scenes.Untouched(), tmp_path / "archive", time=GIVEN)
    assert refusal.value.facts["reason"] == "missing_band"
