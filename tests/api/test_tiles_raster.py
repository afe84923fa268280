"""Tiles against an independent reprojection, by pixel."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.warp import reproject

from analytics.remote.digital import display as display_codes
from api.tiles import palettes, png
from api.tiles.grid import bounds
from api.tiles.raster import TileSource
from ingest.satellite import catalogue, cog
from ingest.satellite.pipeline import _Task
from ingest.satellite.pixels import Maker
from ingest.satellite.plan import moved_to
from ingest.satellite.products import NDVI
from ingest.satellite.read import Reader
from ingest.satellite.scene import open_scene
from models.errors import NotFound, Unavailable
from models.place import Provenance
from tests.conftest import DATA
from tests.ingest.satellite import scenes as made

# a PNG has no position, and rasterio says so
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
S2 = DATA.parents[1] / "deploy" / "demo" / "data" / "sentinel2"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def put_in(path, archive, relocate=None):
    """Make the files and the layer row of a scene, without a store."""
    source = open_scene(path, now=NOW)
    target = moved_to(source.grid, *relocate) if relocate else source.grid
    sums = catalogue.checksums(source)
    name = catalogue.scene_id(source, target, sums)
    task = _Task(source, target, name, sums, Provenance.RELOCATED)
    folder = archive / catalogue.SCENES / name
    folder.mkdir(parents=True)
    reader = Reader(source)
    tally = cog.write_blocks(Maker(reader, NDVI), target, folder)
    reader.close()
    cog.finish(folder)
    row = catalogue.scene_row(name, source, target, sums, tally, task.provenance, NDVI)
    return catalogue.layer_row(row, NDVI, folder / "display.tif")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The real sample at the demonstration farm: archive and layer."""
    archive = tmp_path_factory.mktemp("archive")
    return archive, put_in(S2, archive, relocate=(126.56, 44.86))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A smooth synthetic scene of 1500 x 1400 pixels with a masked corner and overviews."""
    archive = tmp_path_factory.mktemp("archive")
    y, x = np.mgrid[0:1400, 0:1500]
    red = (1400 + 400 * np.sin(x / 90) + 100 * np.cos(y / 70)).astype(np.uint16)
    nir = (3400 + 900 * np.cos(x / 110) * np.sin(y / 130)).astype(np.uint16)
    red[:300, :200] = 0
    said = '{"time": "2024-06-01T02:35:51Z", "processing_baseline": "04.00"}'
    return archive, put_in(
        made.folder(tmp_path_factory.mktemp("in"), red, nir, sidecar=said), archive
    )


def decoded(tile):
    with MemoryFile(tile) as file, file.open() as dataset:
        return dataset.read(1)


def reference(archive, layer, z, x, y, resampling=Resampling.nearest):
    """Warp the numbers to the tile with GDAL's own reprojection, exact at every pixel."""
    edges = bounds(z, x, y)
    step = (edges.east - edges.west) / 256
    out = np.full((256, 256), np.nan, np.float32)
    with rasterio.open(archive / layer.data_path) as dataset:
        values = dataset.read(1).astype(np.float32) * 1e-4
        values[dataset.read(1) == -32768] = np.nan
        reproject(
            values,
            out,
            src_transform=dataset.transform,
            src_crs=dataset.crs,
            dst_transform=rasterio.Affine(step, 0, edges.west, 0, -step, edges.north),
            dst_crs="EPSG:3857",
            resampling=resampling,
            src_nodata=np.nan,
            dst_nodata=np.nan,
            tolerance=0.0,
        )
    return out


def tile_at(lon, lat, z):
    n = 2**z
    x = int((lon + 180) / 360 * n)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * n)
    return z, x, y


def middle(layer, z):
    west, south, east, north = layer.bbox
    return tile_at((west + east) / 2, (south + north) / 2, z)


def value_of(codes, layer):
    return layer.low + (codes.astype(float) - 1) / 254 * (layer.high - layer.low)


@pytest.mark.parametrize("z", [13, 14, 15, 16, 18])
def test_live_tile_is_gdals_nearest_reprojection(real, z):
    """At full resolution: at most 0.5 % of pixels fall on the other side of a pixel's edge."""
    archive, layer = real
    address = middle(layer, z)
    codes = decoded(TileSource(archive).live(layer, *address))
    expected = display_codes(reference(archive, layer, *address), layer.low, layer.high)
    differ = np.abs(codes.astype(int) - expected) > 1
    assert differ.mean() < 0.005


@pytest.mark.parametrize("z", [9, 10, 11, 12])
def test_live_tile_of_an_overview_is_near_the_average(large, z):
    """Overviews average: against GDAL's average of all pixels, NDVI within 0.02 in the mean."""
    archive, layer = large
    address = middle(layer, z)
    codes = decoded(TileSource(archive).live(layer, *address))
    expected = reference(archive, layer, *address, Resampling.average)
    both = (codes > 0) & np.isfinite(expected)
    assert both.mean() > 0.9 * np.isfinite(expected).mean()
    assert np.abs(value_of(codes, layer) - expected)[both].mean() < 0.02


@pytest.mark.parametrize("z", [9, 10, 11, 12, 13, 14, 16])
def test_precomputed_and_live_tiles_show_the_same(large, z):
    archive, layer = large
    address, source = middle(layer, z), TileSource(archive)
    shown, live = decoded(source.display(layer, *address)), decoded(source.live(layer, *address))
    both = (shown > 0) & (live > 0)
    # along the edges of the scene the two may differ by half a pixel of the display grid
    assert ((shown > 0) != (live > 0)).mean() < 0.02
    assert np.abs(value_of(shown, layer) - value_of(live, layer))[both].mean() < 0.01


@pytest.mark.parametrize("z", [12, 13])
def test_precomputed_tile_against_gdal(real, z):
    archive, layer = real
    address = middle(layer, z)
    codes = decoded(TileSource(archive).display(layer, *address))
    expected = reference(
        archive, layer, *address, Resampling.nearest if z == 13 else Resampling.average
    )
    both = (codes > 0) & np.isfinite(expected)
    assert both.mean() > 0.95 * np.isfinite(expected).mean()
    assert np.abs(value_of(codes, layer) - expected)[both].mean() < 0.02


def test_masked_pixels_are_transparent_in_both(large):
    archive, layer = large
    west, _, _, north = layer.bbox
    address, source = tile_at(west + 0.012, north - 0.012, 16), TileSource(archive)
    assert source.live(layer, *address) is None
    assert source.display(layer, *address) is None


def test_the_offset_reaches_the_live_tile(large):
    """Baseline 04.00: code that leaves -1000 out is off by 0.1 and more on this ground."""
    archive, layer = large
    address = middle(layer, 15)
    codes = decoded(TileSource(archive).live(layer, *address))
    right = reference(archive, layer, *address)
    with rasterio.open(archive / layer.bands_path) as dataset:
        red, nir = dataset.read().astype(float)
    naive = (nir - red)[red > 0] / (nir + red)[red > 0]
    with rasterio.open(archive / layer.data_path) as dataset:
        true = dataset.read(1)[red > 0] * 1e-4
    assert np.nanmean(np.abs(value_of(codes, layer) - right)) < 0.003
    assert np.mean(np.abs(naive - true)) > 0.1


@pytest.mark.parametrize("z", [0, 3, 5, 8])
def test_neighbours_and_far_zooms_are_empty_or_tiny(real, z):
    archive, layer = real
    source = TileSource(archive)
    z, x, y = middle(layer, z)
    for draw in (source.display, source.live):
        tile = draw(layer, z, x, y)
        assert tile is None or (decoded(tile) > 0).sum() < 200
        assert draw(layer, z, (x + 2) % 2**z, y) is None or z < 2


@pytest.mark.parametrize(
    "address", [(13, -1, 0), (13, 0, 8192), (3, 8, 0), (22, 0, 0), (13, 0, 0), (0, 0, 1)]
)
def test_addresses_outside_give_nothing(real, address):
    archive, layer = real
    source = TileSource(archive)
    assert source.display(layer, *address) is None
    assert source.live(layer, *address) is None


def test_all_tiles_of_a_zoom_cover_the_scene_once(large):
    """No seam and no overlap: pixels of all tiles add up to the area of the scene."""
    archive, layer = large
    source, z = TileSource(archive), 13
    _, x0, y0 = tile_at(layer.bbox[0], layer.bbox[3], z)
    _, x1, y1 = tile_at(layer.bbox[2], layer.bbox[1], z)
    painted = 0
    for x in range(x0 - 1, x1 + 2):
        for y in range(y0 - 1, y1 + 2):
            tile = source.live(layer, z, x, y)
            painted += 0 if tile is None else int((decoded(tile) > 0).sum())
    lat = np.radians((layer.bbox[1] + layer.bbox[3]) / 2)
    pixel = 2 * np.pi * 6378137 / 256 / 2**z * np.cos(lat)
    with rasterio.open(archive / layer.data_path) as dataset:
        area = (dataset.read(1) != -32768).sum() * 100
    assert painted * pixel**2 == pytest.approx(area, rel=0.01)


def test_png_is_a_palette_with_one_transparent_entry(real):
    archive, layer = real
    tile = TileSource(archive).display(layer, *middle(layer, 13))
    with MemoryFile(tile) as file, file.open() as dataset:
        table = dataset.colormap(1)
        assert (dataset.count, dataset.dtypes[0]) == (1, "uint8")
    assert table[0][3] == 0
    assert all(table[code][3] == 255 for code in range(1, 256))
    assert [table[code][:3] for code in (1, 128, 255)] == [
        tuple(palettes.colours("ndvi")[code]) for code in (1, 128, 255)
    ]


def test_png_round_trip():
    codes = np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)
    assert np.array_equal(decoded(png.encode(codes, "ndvi")), codes)
    assert io.BytesIO(png.encode(codes, "ndvi")).read(8) == b"\x89PNG\r\n\x1a\n"


def test_many_threads_draw_what_one_thread_draws(large):
    archive, layer = large
    z, x, y = middle(layer, 14)
    wanted = [(z, x + i % 5, y + i // 5) for i in range(25)] * 4
    alone = [TileSource(archive, cached=False).live(layer, *a) for a in wanted[:25]] * 4
    shared = TileSource(archive, cached=False)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda a: shared.live(layer, *a), wanted))
    assert together == alone


def test_a_drawn_tile_comes_from_memory(real):
    archive, layer = real
    source = TileSource(archive)
    first = source.display(layer, *middle(layer, 13))
    assert source.display(layer, *middle(layer, 13)) is first


def test_a_missing_file_is_unavailable_not_a_crash(real, tmp_path):
    _, layer = real
    with pytest.raises(Unavailable, match="raster archive"):
        TileSource(tmp_path).display(layer, *middle(layer, 13))
    assert threading.active_count() < 50


def test_an_unknown_index_is_not_found(real):
    archive, layer = real
    with pytest.raises(NotFound):
        TileSource(archive).live(layer, *middle(layer, 13), index="evil")


def test_legend_spans_the_range_with_the_colours_of_the_tiles(real):
    archive, layer = real
    legend = TileSource(archive).legend(layer)
    values = [stop["value"] for stop in legend["stops"]]
    assert (values[0], values[-1]) == (layer.low, layer.high)
    assert legend["stops"][-1]["color"] == "#" + palettes.colours("ndvi")[255].tobytes().hex()
    assert legend["unit"] == "1"


# Machado et al. 2009, full dichromacy; simulated on linear RGB
_DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)


def lightness(rgb):
    """CIE lightness of linear RGB."""
    y = np.clip(rgb @ np.array([0.2126, 0.7152, 0.0722]), 0, 1)
    return 116 * np.where(y > 0.008856, np.cbrt(y), 7.787 * y + 16 / 116) - 16


def linear(codes):
    c = codes / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("palette", palettes.RAMPS)
def test_ramps_fall_in_lightness_evenly_for_every_eye(palette):
    table = linear(palettes.colours(palette)[1:].astype(float))
    for seen in (table, table @ _DEUTERANOPIA.T):
        light = lightness(seen)
        every_16th = np.diff(light[::16])
        assert (every_16th < 0).all()
        assert light[0] - light[-1] > 50
        # even: no sixteenth of the ramp takes more than 2.2 times the mean step
        assert np.abs(every_16th).max() < 2.2 * np.abs(every_16th).mean()
