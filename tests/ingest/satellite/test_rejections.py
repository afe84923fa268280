"""Scenes that must not come in: each is refused by name, and nothing changes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from ingest.satellite.pipeline import take_in
from models import calendar
from models.errors import SceneRejected
from tests.conftest import DATA
from tests.ingest.satellite import scenes

TIME = datetime(2024, 6, 1, 2, 35, 51, tzinfo=UTC)
NETCDF = DATA / "scenes" / "s2_xrspatial"


def cut(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def cut_tiff(root):
    cut(scenes.folder(root) / "B08.tif", 0.6)


def cut_jp2(root):
    red, nir = scenes.red_and_nir(200, 200)
    product = scenes.safe(root, red, nir, np.full((100, 100), 4, np.uint8))
    cut(next(product.rglob("*_B08_10m.jp2")), 0.7)


def cut_netcdf(root):
    for name in ("red_band.nc", "nir_band.nc"):
        (root / name).write_bytes((NETCDF / name).read_bytes())
    cut(root / "nir_band.nc", 0.9)


def no_nir(root):
    (scenes.folder(root) / "B08.tif").unlink()


def no_descriptions(root):
    scenes.write(root / "stack.tif", np.stack(scenes.red_and_nir()))


def no_crs(root):
    scenes.write(scenes.folder(root) / "B04.tif", scenes.red_and_nir()[0], epsg=None)


def degrees(root):
    scenes.folder(root)
    for name in ("B04.tif", "B08.tif"):
        scenes.write(
            root / name, scenes.red_and_nir()[0], epsg=4326, pixel=1e-4, left=125.0, top=44.0
        )


def another_zone(root):
    """UTM coordinates with the code of a national grid that does not reach there."""
    scenes.folder(root)
    for name in ("B04.tif", "B08.tif"):
        scenes.write(root / name, scenes.red_and_nir()[0], epsg=27700)


def web_mercator(root):
    scenes.folder(root)
    for name in ("B04.tif", "B08.tif"):
        scenes.write(root / name, scenes.red_and_nir()[0], epsg=3857)


def bands_in_two_systems(root):
    scenes.write(scenes.folder(root) / "B08.tif", scenes.red_and_nir()[1], epsg=32652)


def shifted(root):
    scenes.write(scenes.folder(root) / "B08.tif", scenes.red_and_nir()[1], left=scenes.LEFT + 10)


def smaller(root):
    scenes.write(scenes.folder(root) / "B08.tif", scenes.red_and_nir(59, 80)[1])


def short_scl(root):
    scenes.folder(root, scl=np.full((29, 40), 4, np.uint8))


def nothing_but_nodata(root):
    scenes.folder(root, *(np.zeros((60, 80), np.uint16),) * 2)


def cloud_everywhere(root):
    scenes.folder(root, scl=np.full((30, 40), 9, np.uint8))


def snow_everywhere(root):
    scenes.folder(root, scl=np.full((30, 40), 11, np.uint8))


def text_in_disguise(root):
    (scenes.folder(root) / "B04.tif").write_text("no raster\n" * 50)


def vrt_in_disguise(root):
    """GDAL would follow it to any file or address."""
    (scenes.folder(root) / "B04.tif").write_text(
        '<VRTDataset rasterXSize="80" rasterYSize="60"><VRTRasterBand dataType="UInt16" band="1">'
        "<SimpleSource><SourceFilename>/etc/hostname</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )


def empty_file(root):
    (scenes.folder(root) / "B04.tif").write_bytes(b"")


def empty_folder(root):
    del root


def bomb(root):
    """30000 x 30000 pixels of nothing in a few hundred kilobytes."""
    scenes.folder(root)
    with scenes.rasterio.open(
        root / "B04.tif",
        "w",
        driver="GTiff",
        width=30_000,
        height=30_000,
        count=1,
        dtype="uint16",
        crs="EPSG:32651",
        transform=scenes.rasterio.Affine(10, 0, scenes.LEFT, 0, -10, scenes.TOP),
        tiled=True,
        SPARSE_OK=True,
    ):
        pass


def kilometre_pixels(root):
    scenes.folder(root)
    for name in ("B04.tif", "B08.tif"):
        scenes.write(root / name, scenes.red_and_nir()[0], pixel=5000.0)


def complex_numbers(root):
    scenes.write(scenes.folder(root) / "B04.tif", np.ones((60, 80), np.complex64), nodata=None)


def no_time(root):
    scenes.folder(root, sidecar=None)


def time_without_zone(root):
    scenes.folder(root, sidecar='{"time": "2024-06-01T02:35:51"}')


def tomorrow(root):
    later = calendar.now() + timedelta(days=1)
    scenes.folder(root, sidecar=f'{{"time": "{later.isoformat()}"}}')


def broken_sidecar(root):
    scenes.folder(root, sidecar='{"time": ')


def sidecar_is_a_list(root):
    scenes.folder(root, sidecar="[1, 2]")


def top_of_atmosphere(root):
    name = "S2B_MSIL1C_20240601T023551_N0510_R089_T51TXL_20240601T052637"
    scenes.folder(root / name, sidecar=None)


def two_scenes(root):
    scenes.folder(root / "a")
    scenes.folder(root / "b")


CASES = {
    cut_tiff: "truncated",
    cut_jp2: "truncated",
    cut_netcdf: "truncated",
    no_nir: "missing_band",
    no_descriptions: "missing_band",
    no_crs: "no_crs",
    degrees: "wrong_crs",
    another_zone: "wrong_crs",
    web_mercator: "wrong_crs",
    bands_in_two_systems: "mismatched_grids",
    shifted: "mismatched_grids",
    smaller: "mismatched_grids",
    short_scl: "mismatched_grids",
    nothing_but_nodata: "all_nodata",
    cloud_everywhere: "all_cloud",
    snow_everywhere: "all_masked",
    text_in_disguise: "not_a_raster",
    vrt_in_disguise: "not_a_raster",
    empty_file: "not_a_raster",
    empty_folder: "not_a_raster",
    bomb: "too_large",
    kilometre_pixels: "wrong_resolution",
    complex_numbers: "wrong_type",
    no_time: "unknown_time",
    time_without_zone: "bad_time",
    tomorrow: "future_time",
    broken_sidecar: "bad_metadata",
    sidecar_is_a_list: "bad_metadata",
    top_of_atmosphere: "wrong_level",
    two_scenes: "ambiguous",
}


def rows(database):
    """Count the rows of every table that a scene may touch."""
    tables = ("scene", "layer", "zonal", "reading", "datastream", "ledger", "quarantine")
    with psycopg.connect(database.url) as connection:
        known = {
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            )
        }
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
            if table in known
        }


@pytest.mark.parametrize("broken", CASES, ids=lambda case: case.__name__)
def test_rejected_with_its_reason_and_nothing_changes(broken, tmp_path, province):
    source, archive = tmp_path / "in", tmp_path / "archive"
    source.mkdir()
    archive.mkdir()
    broken(source)
    only = next(source.iterdir(), None)
    path = only if only and only.is_dir() and broken is not two_scenes else source
    given = TIME if broken in (no_descriptions, cut_netcdf) else None
    before = rows(province)
    with pytest.raises(SceneRejected) as refusal:
        take_in(path, province, archive, time=given)
    assert refusal.value.facts["reason"] == CASES[broken]
    assert len(refusal.value.facts["detail"]) > 15
    assert rows(province) == before
    assert list(archive.rglob("*")) == []


def test_nothing_there(tmp_path, province):
    with pytest.raises(SceneRejected, match="nothing at"):
        take_in(tmp_path / "absent", province, tmp_path)
