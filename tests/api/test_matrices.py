"""Both matrix sets show the same ground; the newest clear pixel wins; WMTS names what is served."""

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from rasterio.warp import Resampling, reproject

from api.tiles.matrices import CGCS2000, WEB
from models.store import scenes
from tests.api.conftest import opened
from tests.api.world import SPOTS, YUSHU

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
LON, LAT = SPOTS[YUSHU]
SPACES = {"w": "http://www.opengis.net/wmts/1.0", "ows": "http://www.opengis.net/ows/1.1"}


def degree_address(z):
    n = 2**z / 360
    return z, int((LON + 180) * n), int((90 - LAT) * n)


def decoded(answer):
    assert answer.status_code == 200, answer.text
    with MemoryFile(answer.content) as file, file.open() as dataset:
        return dataset.read(1)


@pytest.mark.parametrize("z", [11, 12, 13, 14, 16])
def test_a_degree_tile_is_gdals_reprojection_of_the_display_raster(world, z):
    address = degree_address(z)
    seen = decoded(world.get(f"/v1/layers/{world.layer}/tiles/c/{'/'.join(map(str, address))}.png"))
    west, _, _, north = CGCS2000.box(*address)
    step = 360 / 2**z / 256
    want = np.zeros((256, 256), np.uint8)
    with rasterio.open(world.platform.archive / f"scenes/{world.scene}/display.tif") as dataset:
        level = round(np.log2(step / (dataset.transform.a / 111319.49)))
        level = min(max(level, 0), len(dataset.overviews(1)))
    kind = {} if level == 0 else {"overview_level": level - 1}
    path = world.platform.archive / f"scenes/{world.scene}/display.tif"
    with rasterio.open(path, **kind) as dataset:
        reproject(
            dataset.read(1),
            want,
            src_transform=dataset.transform,
            src_crs=dataset.crs,
            dst_transform=rasterio.Affine(step, 0, west, 0, -step, north),
            dst_crs="EPSG:4326",
            resampling=Resampling.nearest,
            tolerance=0,
        )
    assert want.any()
    assert (seen == want).mean() > 0.99


def test_boxes_tile_the_globe():
    assert CGCS2000.box(1, 0, 0) == (-180, -90, 0, 90)
    assert CGCS2000.exists(1, 1, 0)
    assert not CGCS2000.exists(1, 0, 1)
    assert not CGCS2000.exists(0, 0, 0)
    assert WEB.box(0, 0, 0) == pytest.approx((-180, -85.0511288, 180, 85.0511288))
    # the published denominators: GoogleMapsCompatible 0, 天地图 c 1
    assert WEB.scale(0) == pytest.approx(559082264.0287178)
    assert CGCS2000.scale(1) == pytest.approx(279541132.0143589)


@pytest.fixture(scope="module")
def renewed(postgres, seed):
    """A world in which an older, clearer look at the same ground lies under the newer one."""
    with opened(postgres, seed) as made:
        with made.platform.database.writing() as tx:
            newer, layer = scenes.scene(tx, made.scene), scenes.layer(tx, made.layer)
            older = newer.time - timedelta(days=5)
            scenes.add_scene(tx, replace(newer, id="older", time=older))
            path = f"scenes/{made.scene}/ndvi.tif"
            old = {"id": "ndvi_older", "scene_id": "older", "time": older, "data_path": path}
            scenes.add_layer(tx, replace(layer, **old))
        yield made


def test_the_newest_clear_pixel_wins_and_a_day_shows_itself(renewed):
    z, x, y = degree_address(14)
    at = f"tiles/c/{{}}/{z}/{x}/{y}.png"
    own = decoded(renewed.get(f"/v1/layers/{renewed.layer}/tiles/c/{z}/{x}/{y}.png"))
    latest = renewed.get(f"/v1/products/ndvi/{at.format('latest')}")
    assert (decoded(latest) == own).all()
    assert latest.headers["cache-control"] == "private, max-age=60"
    days = [one["date"] for one in renewed.get("/v1/products/ndvi/dates").json()["items"]]
    assert len(days) == 2
    assert (decoded(renewed.get(f"/v1/products/ndvi/{at.format(days[1])}")) == own).all()
    assert renewed.get(f"/v1/products/ndvi/{at.format('2001-01-01')}").status_code == 204
    assert renewed.get(f"/v1/products/ndvi/{at.format('2001-02-31')}").status_code == 400
    same = renewed.get(str(latest.url), headers={"If-None-Match": latest.headers["etag"]})
    assert same.status_code == 304


def test_capabilities_name_what_is_served(renewed):
    got = renewed.get("/v1/wmts?SERVICE=WMTS&REQUEST=GetCapabilities")
    assert renewed.get("/v1/wmts?service=WMTS&request=GetTile").status_code == 400
    root = ET.fromstring(got.content)
    layer = next(
        one
        for one in root.iterfind("w:Contents/w:Layer", SPACES)
        if one.findtext("ows:Identifier", namespaces=SPACES) == "ndvi"
    )
    values = [one.text for one in layer.iterfind("w:Dimension/w:Value", SPACES)]
    assert (values[0], len(values)) == ("latest", 3)
    sets = [one.text for one in layer.iterfind("w:TileMatrixSetLink/w:TileMatrixSet", SPACES)]
    assert sets == ["WebMercatorQuad", "CGCS2000Quad"]
    href = layer.find("w:Style/w:LegendURL", SPACES).get("{http://www.w3.org/1999/xlink}href")
    assert renewed.get(href).headers["content-type"] == "image/png"
    template = layer.find("w:ResourceURL", SPACES).get("template")
    z, x, y = degree_address(13)
    filled = (
        template.replace("{TileMatrixSet}", "CGCS2000Quad")
        .replace("{Time}", values[1])
        .replace("{TileMatrix}", str(z))
        .replace("{TileCol}", str(x))
        .replace("{TileRow}", str(y))
    )
    assert decoded(renewed.get(filled)).any()


def test_matrix_sets_and_legends(world):
    for one in world.get("/v1/tileMatrixSets").json()["tileMatrixSets"]:
        document = world.get(one["links"][0]["href"]).json()
        assert document["id"] == one["id"]
    assert world.get("/v1/tileMatrixSets/none").status_code == 404
    legend = world.get("/v1/products/ndvi/legend.json").json()
    assert legend == next(iter(world.get("/v1/layers").json()["items"]))["legend"]
    assert world.get(f"/v1/layers/{world.layer}/tilejson.json").json()["legend"] == legend
    ramp = decoded(world.get("/v1/products/ndvi/legend.png"))
    assert (ramp[0] == np.arange(1, 256)).all()
    assert world.get("/v1/products/nothing/legend.png").status_code == 404
