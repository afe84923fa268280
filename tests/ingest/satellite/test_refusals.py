"""Spoilt inputs of the newer layouts: each is refused by name, and nothing changes.

All of them are SYNTHETIC but the corner of a real Landsat scene.
"""

import json
import re
import tarfile

import numpy as np
import pytest
import rasterio

from ingest.satellite.pipeline import take_in
from ingest.satellite.scene import open_scene
from models import calendar
from models.errors import SceneRejected
from tests.ingest.satellite import scenes
from tests.ingest.satellite.test_items import asset, item, rasters
from tests.ingest.satellite.test_landsat import ARCHIVE, NAME
from tests.ingest.satellite.test_platforms import GF1, GIVEN, drone, gaofen, jilin, modis
from tests.ingest.satellite.test_rejections import cut, rows
from tests.ingest.satellite.test_unpack import packed_zip


def landsat(root):
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(root / NAME, filter="data")
    return root / NAME


def cut_optional_band(root):
    cut(landsat(root) / f"{NAME}_SR_B6.TIF", 0.7)


def text_as_optional_band(root):
    (landsat(root) / f"{NAME}_ST_B10.TIF").write_text("not a raster")


def gaofen_rotated(root):
    path = gaofen(root, GF1, 4)
    with rasterio.open(path, "r+") as dataset:
        dataset.transform = rasterio.Affine(1.6e-4, 2e-5, 126, 2e-5, -1.6e-4, 44.5)


def gaofen_of_three_bands(root):
    gaofen(root, GF1, 3)


def gaofen_sun_below(root):
    path = gaofen(root, GF1, 4)
    xml = path.with_suffix(".xml")
    xml.write_text(xml.read_text().replace(">30.0<", ">95.0<"))


def gaofen_garbled_xml(root):
    path = gaofen(root, GF1, 4)
    xml = path.with_suffix(".xml")
    xml.write_text(xml.read_text().replace(">30.0<", ">north<"))


def gaofen_kilometre_of_degrees(root):
    gaofen(root, GF1, 4, pixel=0.5)


def gaofen_beyond_the_pole(root):
    gaofen(root, GF1, 4, top=500.0)


def multispectral(root, **more):
    values = np.stack([np.full((30, 40), v, np.float32) for v in (0.1, 0.5)])
    return drone(root / "ms.tif", values, descriptions=("Red", "NIR"), nodata=-1.0, **more)


def drone_rotated(root):
    with rasterio.open(multispectral(root), "r+") as dataset:
        dataset.transform = rasterio.Affine(0.04, 0.03, 468_000, 0.03, -0.04, 4_885_000)


def drone_in_web_mercator(root):
    multispectral(root, epsg=3857)


def drone_without_system(root):
    values = np.stack([np.full((30, 40), v, np.float32) for v in (0.1, 0.5)])
    scenes.write(root / "ms.tif", values, pixel=0.05, epsg=None, descriptions=("Red", "NIR"))


def drone_in_feet(root):
    multispectral(root, epsg=2225)


def drone_of_nothing(root):
    values = np.full((2, 30, 40), -1.0, np.float32)
    values[:, 0, 0] = np.nan
    (root / "scene.json").write_text(
        json.dumps(
            {
                "collection": "x",
                "nodata": -1.0,
                "bands": {
                    "red": {"band": 1, "scale": 1, "offset": 0},
                    "nir": {"band": 2, "scale": 1, "offset": 0},
                },
            }
        )
    )
    drone(root / "ms.tif", values, nodata=None)


def drone_bomb(root):
    with rasterio.open(
        root / "ms.tif",
        "w",
        driver="GTiff",
        width=40_000,
        height=40_000,
        count=3,
        dtype="uint8",
        photometric="RGB",
        crs="EPSG:4551",
        transform=rasterio.Affine(0.05, 0, 468_000, 0, -0.05, 4_885_000),
        tiled=True,
        SPARSE_OK=True,
    ):
        pass


def cut_modis(root):
    cut(next(modis(root).glob("*NDVI*")), 0.5)


def described(root, facts):
    jilin(root, None, name="stack.tif")
    (root / "scene.json").write_text(json.dumps(facts))


def described_number_beyond(root):
    described(root, {"collection": "x", "bands": {"red": {"band": 9, "scale": 1, "offset": 0}}})


def described_file_elsewhere(root):
    described(root, {"collection": "x", "bands": {"red": "../../etc/hostname"}})


def described_odd_band(root):
    described(root, {"collection": "x", "bands": {"red": {"number": 1}}})


def described_without_scale(root):
    described(root, {"collection": "x", "bands": {"red": 1, "nir": 2}})


def described_mask_only(root):
    described(root, {"collection": "x", "bands": {"mask": 1}, "mask": {"kind": "alpha"}})


def described_in_broken_toml(root):
    jilin(root, None, name="stack.tif")
    (root / "descriptor.toml").write_text("time = ")


def described_at_length(root):
    jilin(root, None, name="stack.tif")
    (root / "scene.json").write_text(" " * 5_000_000)


def item_of_tomorrow(root):
    rasters(root, "B04.tif", "B08.tif")
    assets = {"red": asset("B04.tif"), "nir": asset("B08.tif")}
    item(root, assets, datetime="2999-01-01T00:00:00Z")


def zip_without_nir(root):
    product = scenes.safe(root / "made", *scenes.red_and_nir(), np.full((30, 40), 4, np.uint8))
    files = [f for f in sorted(product.rglob("*")) if f.is_file() and "B08" not in f.name]
    files = [file for file in files if "B8A" not in file.name]
    packed_zip(
        root / "x.zip", *((str(f.relative_to(root / "made")), f.read_bytes()) for f in files)
    )


CASES = {
    cut_optional_band: "truncated",
    text_as_optional_band: "not_a_raster",
    gaofen_rotated: "no_position",
    gaofen_of_three_bands: "missing_band",
    gaofen_sun_below: "bad_metadata",
    gaofen_garbled_xml: "bad_metadata",
    gaofen_kilometre_of_degrees: "wrong_resolution",
    gaofen_beyond_the_pole: "wrong_crs",
    drone_rotated: "no_position",
    drone_in_web_mercator: "wrong_crs",
    drone_without_system: "no_crs",
    drone_in_feet: "wrong_crs",
    drone_of_nothing: "all_nodata",
    drone_bomb: "too_large",
    cut_modis: "truncated",
    described_number_beyond: "missing_band",
    described_file_elsewhere: "missing_band",
    described_odd_band: "bad_metadata",
    described_without_scale: "bad_metadata",
    described_mask_only: "missing_band",
    described_in_broken_toml: "bad_metadata",
    described_at_length: "bad_metadata",
    item_of_tomorrow: "future_time",
    zip_without_nir: "missing_band",
}
UNTIMED = (item_of_tomorrow,)
SEEN_BY_ITS_PIXELS = (drone_of_nothing,)


ODD = [
    {"bands": {"red": {"band": 1, "scale": 0, "offset": 0}}},
    {"bands": {"red": {"band": 1, "scale": -1e-4, "offset": 0}}},
    {"bands": {"red": {"band": 1, "scale": float("inf"), "offset": 0}}},
    {"bands": {"red": {"band": float("inf"), "scale": 1, "offset": 0}}},
    {"bands": {"red": {"band": 1, "scale": 1, "offset": 0, "valid": [1]}}},
    {"bands": {"red": {"file": ["a.tif"], "scale": 1, "offset": 0}}},
    {"collection": "../../escape"},
    {"collection": 5},
    {"boa_add_offset": "much"},
    {"view:off_nadir": "steep"},
    {"mask": {"kind": "codes", "role": "m", "cloud": [300]}},
    {"mask": {"kind": "bits", "role": "m", "out": [-1]}},
    {"mask": {"kind": "alpha", "role": "m", "grow_m": float("nan")}},
    {"mask": {"kind": "alpha", "role": "red"}, "platform": "sentinel-2-band-files"},
    {"properties": []},
    {"assets": {"red": {"href": "stack.tif", "raster:bands": [{"scale": 0, "offset": 1}]}}},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: json.dumps(odd)[:50])
def test_an_odd_fact_of_a_descriptor_is_refused_by_name(odd, tmp_path):
    """What made an earlier reader fail with an error of its own, found by random changes."""
    stated = {"scale": 1e-4, "offset": 0}
    bands = {"red": {"band": 1, **stated}, "nir": {"band": 2, **stated}, "m": 3}
    facts = {"time": "2024-06-01T02:35:51Z", "collection": "x", "bands": bands}
    described(tmp_path, facts | odd)
    with pytest.raises(SceneRejected) as refusal:
        open_scene(tmp_path, now=calendar.now())
    assert refusal.value.facts["reason"] in ("bad_metadata", "missing_band")


@pytest.mark.parametrize(
    "line",
    [
        "UTM_ZONE = 99",
        "GRID_CELL_SIZE_REFLECTIVE = 0",
        "GRID_CELL_SIZE_REFLECTIVE = 1e400",
        "CORNER_UL_PROJECTION_X_PRODUCT = 99999999999",
        "REFLECTANCE_MULT_BAND_5 = 0",
        "REFLECTANCE_ADD_BAND_4 = nan",
        "SUN_ELEVATION = 1e400",
        "DATE_ACQUIRED = 2020-13-01",
    ],
)
def test_an_odd_number_in_an_mtl_is_refused_by_name(line, tmp_path):
    folder = landsat(tmp_path)
    mtl = folder / f"{NAME}_MTL.txt"
    key = line.partition(" = ")[0]
    # the last group that holds the key is Level-1's, which does not count: change them all
    mtl.write_text(re.sub(rf"\b{key} = .*", line, mtl.read_text()))
    with pytest.raises(SceneRejected) as refusal:
        open_scene(folder, now=calendar.now())
    assert refusal.value.facts["reason"] in ("bad_metadata", "bad_time")


@pytest.mark.parametrize("broken", CASES, ids=lambda case: case.__name__)
def test_rejected_with_its_reason_and_nothing_changes(broken, tmp_path, request):
    deep = broken in SEEN_BY_ITS_PIXELS
    database = request.getfixturevalue("province") if deep else scenes.Untouched()
    source, archive = tmp_path / "in", tmp_path / "archive"
    source.mkdir()
    archive.mkdir()
    broken(source)
    path = next((one for one in source.glob("*.zip")), source)
    if (source / NAME).is_dir():
        path = source / NAME
    before = rows(database) if deep else {}
    with pytest.raises(SceneRejected) as refusal:
        take_in(path, database, archive, time=None if broken in UNTIMED else GIVEN)
    assert refusal.value.facts["reason"] == CASES[broken]
    assert len(refusal.value.facts["detail"]) > 15
    assert (rows(database) if deep else {}) == before
    assert list(archive.rglob("*")) == []
