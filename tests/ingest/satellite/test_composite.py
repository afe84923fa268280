"""Composites: scenes of two UTM zones on one grid, again bit by bit, replaced by a fuller one."""

import hashlib
import json
from datetime import UTC, datetime

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.warp import Resampling, reproject

from analytics.remote.period import Period
from ingest.satellite import catalogue
from ingest.satellite.composite import Area, compose_period, grid_over
from ingest.satellite.pipeline import take_in
from models.errors import Invalid, NotFound, Unavailable
from models.store import places, scenes
from tests.ingest.satellite import scenes as made
from tests.ingest.satellite.test_pipeline import add_field, box

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEKAD = Period.parse("2024-06-1")
# the meridian between UTM 51 and 52 runs through the middle
BORDER = (126.0, 44.0)


def take(root, database, archive, day, epsg, *, gap=None, seed=1, shift=0):
    """Take a synthetic scene of 120 x 120 pixels around the border in; return its report."""
    to_metres = pyproj.Transformer.from_crs(4490, epsg, always_xy=True)
    x, y = to_metres.transform(*BORDER)
    left, top = round(x / 20) * 20 - 600 + shift, round(y / 20) * 20 + 600
    red, nir = made.red_and_nir(120, 120, seed)
    if gap is not None:
        red[gap] = 0
    folder = root / f"{day}-{epsg}-{seed}"
    made.write(folder / "B04.tif", red, epsg=epsg, left=left, top=top)
    made.write(folder / "B08.tif", nir, epsg=epsg, left=left, top=top)
    said = {"time": f"2024-06-{day:02}T02:35:51Z", "processing_baseline": "03.01"}
    (folder / "scene.json").write_text(json.dumps(said))
    return take_in(folder, database, archive)


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def taken(tmp_path, province, archive):
    """Three scenes of the ten days, of which the first has a hole, and one before them."""
    hole = np.s_[40:80, 40:80]
    found = [
        take(tmp_path, province, archive, 3, 32651, gap=hole, seed=1),
        take(tmp_path, province, archive, 5, 32652, seed=2),
        take(tmp_path, province, archive, 9, 32651, gap=hole, seed=3),
    ]
    take(tmp_path, province, archive, 11, 32651, seed=4)  # the next ten days
    return found


AREA = Area("test", (125.99, 43.992, 126.01, 44.008), None, "试验", "test")


def make(database, archive, **more):
    return compose_period(database, archive, "ndvi", DEKAD, AREA, now=NOW, **more)


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def warped(archive, report, grid):
    """Bring the numbers of a scene onto a grid with rasterio's own warp, NaN where it is empty."""
    onto = np.full((grid.height, grid.width), -32768, np.int16)
    with rasterio.open(archive / report.layer.data_path) as source:
        reproject(
            source.read(1),
            onto,
            src_transform=source.transform,
            src_crs=source.crs,
            src_nodata=-32768,
            dst_transform=rasterio.Affine(grid.dx, 0, grid.left, 0, -grid.dy, grid.top),
            dst_crs=f"EPSG:{grid.epsg}",
            dst_nodata=-32768,
            resampling=Resampling.nearest,
        )
    return np.where(onto == -32768, np.nan, onto * 1e-4)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of pixels that nobody saw
def test_the_median_over_two_zones_equals_a_plain_warp(province, archive, taken):
    outcome = make(province, archive)
    grid = grid_over(AREA.bbox)
    stack = np.stack([warped(archive, report, grid) for report in taken])
    count = np.isfinite(stack).sum(axis=0)
    expected = np.ma.median(np.ma.masked_invalid(stack), axis=0).filled(np.nan)
    (layer,) = outcome.layers
    folder = (archive / layer.data_path).parent
    with (
        rasterio.open(archive / layer.data_path) as numbers,
        rasterio.open(folder / "count.tif") as counted,
        rasterio.open(folder / "age.tif") as aged,
    ):
        assert numbers.crs.to_epsg() == grid.epsg
        got, views, age = numbers.read(1), counted.read(1), aged.read(1)
    # the warps may disagree on a pixel whose centre lies on an edge: less than 1 in 200
    assert (views == count).mean() > 0.995
    both = (views == count) & (count > 0)
    near = np.abs(got[both] * 1e-4 - expected[both]) <= 1.01e-4
    assert near.mean() > 0.99
    assert (got[count == 0] == -32768).mean() > 0.995
    assert set(np.unique(count)) == {0, 1, 2, 3}
    # scene days 3, 5 and 9 to the end of the 10th in Shanghai: 7, 5 and 1 whole days
    assert set(np.unique(age)) == {1, 5, 255}
    assert outcome.scene.valid_share == pytest.approx((views > 0).mean())
    assert len(outcome.scene.lineage["derived_from"]) == 3


def test_scenes_of_the_grid_s_own_zone_keep_their_pixels(tmp_path, province, archive):
    report = take(tmp_path, province, archive, 3, 32651)
    west = Area("west", (125.9935, 43.9955, 125.9995, 44.0045))
    (layer,) = compose_period(province, archive, "ndvi", DEKAD, west, now=NOW).layers
    with (
        rasterio.open(archive / report.layer.data_path) as first,
        rasterio.open(archive / layer.data_path) as second,
    ):
        whole, part = first.read(1), second.read(1)
        row, column = first.index(*second.xy(0, 0))
    inside = np.full(part.shape, -32768, np.int16)
    height, width = (min(a, b) for a, b in zip(part.shape, (120 - row, 120 - column), strict=True))
    assert row >= 0
    assert column >= 0
    inside[:height, :width] = whole[row : row + height, column : column + width]
    assert np.array_equal(part, inside)


def test_made_again_it_is_bit_equal_and_the_same_again_changes_nothing(province, archive, taken):
    first = make(province, archive)
    place = archive / catalogue.SCENES / first.scene.id
    before = digests(place)
    assert before == first.scene.lineage["files"]
    assert make(province, archive).unchanged
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    again = make(province, archive)
    assert not again.unchanged
    assert again.scene.id == first.scene.id
    assert digests(place) == before


def test_a_scene_that_came_later_replaces_the_composite(tmp_path, province, archive, taken):
    field = add_field(province, "field", box(300, 100, 500, 200))
    add_border_field(province)
    first = make(province, archive)
    take(tmp_path, province, archive, 8, 32652, seed=9)
    second = make(province, archive)
    assert second.replaced == (first.scene.id,)
    assert not (archive / catalogue.SCENES / first.scene.id).exists()
    with province.reading() as tx:
        kept = [one.id for one in scenes.scenes(tx, collection="heitu-ndvi-dekad")]
        here = places.field_by_key(tx, "border")
        ((value, _),) = scenes.zonal(tx, here.id, "ndvi_dekad")
        assert scenes.zonal(tx, field.id, "ndvi_dekad") == []
        told = tx.connection.exec_driver_sql(
            "SELECT count(*) FROM reading r JOIN datastream d ON d.id = r.datastream_id"
            " WHERE d.channel = 'heitu-ndvi-dekad/ndvi_dekad'"
        ).scalar()
    assert kept == [second.scene.id]
    assert value.mean is not None
    assert value.time == DEKAD.bounds[0]
    assert told == 1


def add_border_field(database):
    """Register a field of 400 x 400 m over the meridian."""
    to_metres = pyproj.Transformer.from_crs(4490, 32651, always_xy=True)
    x, y = to_metres.transform(*BORDER)
    east, south = x - made.LEFT, made.TOP - y
    return add_field(database, "border", box(east - 200, south - 200, east + 200, south + 200))


def test_a_county_gets_its_mean(province, archive, taken):
    with province.reading() as tx:
        county = places.region_at(tx, *BORDER)
    area = Area(county.code, AREA.bbox, county.geometry.intersection(box_of(AREA.bbox)))
    outcome = compose_period(province, archive, "ndvi", DEKAD, area, now=NOW)
    said = outcome.scene.lineage["statistics"]["area"]
    with rasterio.open(archive / outcome.layers[0].data_path) as numbers:
        values = numbers.read(1, masked=True) * 1e-4
    assert said["mean"] == pytest.approx(values.mean(), abs=5e-3)
    assert said["p10"] < said["median"] < said["p90"]


def box_of(bbox):
    import shapely

    return shapely.box(*bbox)


def test_without_a_scene_or_before_its_time_there_is_none(province, archive, taken):
    with pytest.raises(NotFound):
        compose_period(province, archive, "ndvi", Period.parse("2024-07-1"), AREA, now=NOW)
    with pytest.raises(Invalid):
        compose_period(province, archive, "ndvi", Period.parse("2026-02"), AREA, now=NOW)


def test_a_failure_leaves_no_file_and_no_row(province, archive, taken, monkeypatch):
    def lost(*_):
        raise Unavailable(part="database", why="gone")

    before = sorted(archive.rglob("*"))
    monkeypatch.setattr(catalogue, "keep_values", lost)
    with pytest.raises(Unavailable):
        make(province, archive)
    assert sorted(archive.rglob("*")) == before
    with province.reading() as tx:
        assert scenes.scenes(tx, collection="heitu-ndvi-dekad") == []
