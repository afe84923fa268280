"""One scene: a folder of real bands -> archive, catalogue, field values -> tiles."""

from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.io import MemoryFile

from api.tiles.raster import TileSource
from ingest.satellite.pipeline import take_in
from models.place import FarmKind, Provenance
from models.store import places, readings, scenes
from tests.api.test_tiles_raster import tile_at
from tests.conftest import DATA
from tests.ingest.satellite.test_rejections import NETCDF

SAMPLE = DATA.parents[1] / "deploy" / "demo" / "data" / "sentinel2"
FARM = (126.56, 44.86)


@pytest.fixture
def field(platform):
    """A parcel of 400 m x 300 m in the middle of the scene's new place."""
    lon, lat = FARM
    with platform.database.writing() as tx:
        farm = places.add_farm(
            tx,
            key="farm",
            name_zh="示范农场",
            name_en="Demonstration farm",
            kind=FarmKind.FIELD,
            region_code="220182",
            location=FARM,
            provenance=Provenance.RELOCATED,
        )
        return places.add_field(
            tx,
            key="field",
            farm_id=farm.id,
            name_zh="一号地",
            name_en="Field 1",
            geometry=shapely.box(lon - 0.0025, lat - 0.0014, lon + 0.0025, lat + 0.0014),
            provenance=Provenance.RELOCATED,
        )


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_real_scene_ends_as_a_value_of_a_field_and_a_tile_of_the_map(platform, field):
    report = take_in(
        SAMPLE, platform.database, platform.archive, relocate=FARM, clock=platform.clock
    )
    assert (report.fields, report.stored, report.without_value) == (1, 1, 0)
    with platform.database.reading() as tx:
        (layer,) = scenes.layers(tx, product="ndvi")
        kept = scenes.scene(tx, layer.scene_id)
        ((value, provenance),) = scenes.zonal(tx, field.id)
        (stored,) = tx.connection.exec_driver_sql("SELECT time, value FROM reading").all()
    assert layer == report.layer
    assert kept.provenance is provenance is Provenance.RELOCATED
    assert len(kept.lineage["source"]) == 2
    assert "offset" in " ".join(kept.lineage["notes"])
    assert value.mean == stored.value
    assert stored.time == datetime(2025, 7, 18, 2, 35, tzinfo=UTC)
    assert 0.1 < value.mean < 0.9
    assert value.valid_share == pytest.approx(1)
    # 0.005 x 0.0028 degrees here are 395 m x 311 m: 1230 pixels of 10 m
    assert value.n_total == pytest.approx(1230, abs=15)
    tile = TileSource(platform.archive).display(layer, *tile_at(*FARM, 14))
    assert tile is not None
    with MemoryFile(tile) as file, file.open() as dataset:
        assert (dataset.read(1) > 0).any()
    assert take_in(
        SAMPLE, platform.database, platform.archive, relocate=FARM, clock=platform.clock
    ).unchanged


def test_the_netcdf_sample_keeps_its_own_place_and_touches_no_field(platform, field):
    taken = datetime(2021, 1, 15, 14, 30, tzinfo=UTC)
    report = take_in(NETCDF, platform.database, platform.archive, time=taken)
    assert report.scene.epsg == 32719
    assert report.scene.provenance is Provenance.REAL
    assert (report.fields, report.stored) == (0, 0)
    with rasterio.open(platform.archive / report.layer.data_path) as dataset:
        values = dataset.read(1) * 1e-4
    with rasterio.open(NETCDF / "red_band.nc") as red, rasterio.open(NETCDF / "nir_band.nc") as nir:
        r, n = red.read(1), nir.read(1)
    assert np.abs(values - (n - r) / (n + r)).max() < 0.51e-4
    with platform.database.reading() as tx:
        assert readings.latest(tx, prefix="") == []
