"""STAC items: assets beside them become bands, with scale and offset as the item states."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from analytics.remote.digital import Calibration
from ingest.satellite.scene import open_scene
from models.errors import SceneRejected
from tests.ingest.satellite import scenes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATED = {"scale": 0.0001, "offset": -0.1, "nodata": 0}
SENTINEL = {"datetime": "2024-06-01T02:35:51Z", "platform": "sentinel-2b"}


def item(folder, assets, name="item.json", **properties):
    document = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "x",
        "properties": SENTINEL | properties,
        "assets": assets,
    }
    (folder / name).write_text(json.dumps(document))
    return folder / name


def rasters(folder, *names):
    red, nir = scenes.red_and_nir()
    for name in names:
        scl = np.full((60, 80), 4, np.uint8)
        values = scl if "scl" in name.lower() else nir if "nir" in name or "B08" in name else red
        scenes.write(folder / name, values)


def asset(href, **more):
    kind = "image/tiff; application=geotiff; profile=cloud-optimized"
    return {"href": href, "type": kind, "roles": ["data"], **more}


def earth_search(folder, **properties):
    """An item as Element 84 writes them: jp2 twins, and an offset whether applied or not."""
    rasters(folder, "B04.tif", "B08.tif", "scl.tif")
    assets = {
        "red": asset("./B04.tif", **{"raster:bands": [STATED]}),
        "red-jp2": asset("s3://bucket/B04.jp2", type="image/jp2"),
        "nir": asset("https://cogs.example/x/B08.tif", **{"raster:bands": [STATED]}),
        "scl": asset("scl.tif"),
        "thumbnail": {"href": "https://cogs.example/t.jpg", "type": "image/jpeg"},
    }
    return item(folder, assets, collection="sentinel-2-l2a", **properties)


def test_assets_lie_beside_the_item_under_the_last_part_of_their_address(tmp_path):
    path = earth_search(tmp_path)
    for given in (path, tmp_path):
        scene = open_scene(given, now=NOW)
        assert [file.name for file in scene.files.values()] == ["B04.tif", "B08.tif", "scl.tif"]
        assert scene.calibration["red"].scale == 1e-4
        assert scene.calibration["red"].offset == pytest.approx(-1000)
        assert scene.time == datetime(2024, 6, 1, 2, 35, 51, tzinfo=UTC)


def test_an_offset_that_was_applied_is_not_applied_again(tmp_path):
    """Element84/earth-search issue 66: the stated -0.1 stands in items of both kinds."""
    applied = {"earthsearch:boa_offset_applied": True, "s2:processing_baseline": "05.10"}
    scene = open_scene(earth_search(tmp_path, **applied), now=NOW)
    assert scene.calibration["red"] == Calibration(1e-4, 0.0)
    assert scene.offset_from == "boa_offset_applied of item.json"


def test_without_stated_numbers_the_baseline_of_the_item_decides(tmp_path):
    rasters(tmp_path, "B04.tif", "B08.tif")
    assets = {"B04": asset("B04.tif"), "B08": asset("B08.tif")}
    item(tmp_path, assets, **{"s2:processing_baseline": "05.09"})
    assert open_scene(tmp_path, now=NOW).calibration["nir"] == Calibration(1e-4, -1000.0)


def test_stac_1_1_bands_and_common_names(tmp_path):
    rasters(tmp_path, "one.tif", "two_nir.tif")
    stated = {"raster:scale": 2e-4, "raster:offset": 0.0}
    assets = {
        "measurement_a": asset("one.tif", bands=[{"eo:common_name": "red", **stated}]),
        "measurement_b": asset("two_nir.tif", bands=[{"eo:common_name": "nir", **stated}]),
    }
    path = item(tmp_path, assets, **{"s2:processing_baseline": "05.10"})
    scene = open_scene(path, now=NOW)
    # an offset of 0 that is stated holds against the baseline
    assert scene.calibration["red"] == Calibration(2e-4, 0.0)


def test_a_landsat_item_has_its_own_names_and_mask(tmp_path):
    values = np.full((60, 80), 10_000, np.uint16)
    for name in ("a", "b", "c", "qa"):
        qa = np.full((60, 80), 1 << 6, np.uint16)
        scenes.write(tmp_path / f"{name}.tif", qa if name == "qa" else values)
    scaled = {"raster:bands": [{"scale": 2.75e-5, "offset": -0.2}]}
    kelvin = {"raster:bands": [{"scale": 0.00341802, "offset": 149.0}]}
    assets = {
        "red": asset("a.tif", **scaled),
        "nir08": asset("b.tif", **scaled),
        "lwir11": asset("c.tif", **kelvin),
        "qa_pixel": asset("qa.tif"),
    }
    path = item(tmp_path, assets, platform="landsat-9", collection="landsat-c2-l2")
    scene = open_scene(path, now=NOW)
    assert scene.roles == ("red", "nir", "thermal")
    assert scene.descriptor.key == "landsat-8-9-c2-l2"
    assert "qa_pixel" in scene.mask_version
    assert scene.calibration["nir"].offset == pytest.approx(-0.2 / 2.75e-5)


def test_of_several_resolutions_the_finest_asset_is_taken(tmp_path):
    """Copernicus Data Space names its assets by band and pixel."""
    rasters(tmp_path, "x_B04_20m.tif", "x_B04_10m.tif", "x_B08_10m.tif")
    stated = {"raster:scale": 1e-4, "raster:offset": -0.1}
    assets = {
        f"{band}_{side}m": asset(f"s3://eodata/x_{band}_{side}m.tif", gsd=side, **stated)
        for band, side in (("B04", 20), ("B04", 10), ("B08", 10))
    }
    scene = open_scene(item(tmp_path, assets), now=NOW)
    assert scene.bands["red"].path.name == "x_B04_10m.tif"
    assert scene.calibration["red"].offset == pytest.approx(-1000)


def test_an_optional_asset_that_was_not_fetched_is_left_out_and_named(tmp_path):
    rasters(tmp_path, "B04.tif", "B08.tif")
    assets = {
        "red": asset("B04.tif"),
        "nir": asset("B08.tif"),
        "swir16": asset("https://cogs.example/B11.tif"),
    }
    scene = open_scene(item(tmp_path, assets), now=NOW)
    assert scene.roles == ("red", "nir")
    assert any("https://cogs.example/B11.tif" in note for note in scene.notes)


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        ("https://cogs.example/elsewhere.tif", "missing_band"),
        ("/vsicurl/http://10.0.0.1/B04.tif", "bad_metadata"),
        ("file:///etc/hostname", "bad_metadata"),
        ("../B04.tif", "bad_metadata"),
        ("/etc/hostname", "bad_metadata"),
        ("gone.tif", "missing_band"),
    ],
)
def test_an_asset_that_is_not_beside_its_item_is_refused(tmp_path, href, reason):
    folder = tmp_path / "in"
    rasters(folder, "B08.tif")
    rasters(tmp_path, "B04.tif")
    path = item(folder, {"red": asset(href), "nir": asset("B08.tif")})
    with pytest.raises(SceneRejected) as refusal:
        open_scene(path, now=NOW)
    assert refusal.value.facts["reason"] == reason


@pytest.mark.parametrize("text", ["{", "[]", '{"stac_version": "1.0.0", "assets": {"red": 1}}'])
def test_an_item_that_cannot_be_read(tmp_path, text):
    rasters(tmp_path, "red.tif")
    (tmp_path / "item.json").write_text(text)
    with pytest.raises(SceneRejected) as refusal:
        open_scene(tmp_path / "item.json", now=NOW)
    assert refusal.value.facts["reason"] == "bad_metadata"
