"""Values under a point and over an area agree with the file and with the zonal statistics."""

import numpy as np
import pyproj
import pytest
import rasterio

from tests.api.world import SPOTS, YUSHU

LON, LAT = SPOTS[YUSHU]


def truth(world, lon, lat):
    """The value that rasterio samples at a point."""
    with rasterio.open(world.platform.archive / f"scenes/{world.scene}/ndvi.tif") as dataset:
        to = pyproj.Transformer.from_crs(4326, dataset.crs, always_xy=True)
        (number,) = next(dataset.sample([to.transform(lon, lat)]))
        return None if number == dataset.nodata else number * 1e-4


def test_points_are_the_pixels_of_the_file(world):
    rng = np.random.default_rng(1)
    for east, north in rng.uniform(-0.004, 0.004, (20, 2)):
        query = {"lon": LON + east, "lat": LAT + north}
        got = world.get(f"/v1/layers/{world.layer}/point", params=query).json()
        want = truth(world, **query)
        assert got["valid"] == (want is not None)
        assert got["value"] == (want if want is None else pytest.approx(want, abs=1e-6))
        series = world.get("/v1/series/point", params=query | {"product": "ndvi"}).json()["items"]
        assert [one["value"] for one in series if one["layer"] == world.layer] == [got["value"]]


def test_a_point_outside_has_no_pixel(world):
    query = {"lon": 0, "lat": 0}
    assert world.get(f"/v1/layers/{world.layer}/point", params=query).status_code == 404
    query["product"] = "ndvi"
    assert world.get("/v1/series/point", params=query).json() == {"items": []}


def test_the_series_keeps_to_its_span(world):
    query = {"lon": LON, "lat": LAT, "product": "ndvi", "end": "1980-01-01"}
    assert world.get("/v1/series/point", params=query).json() == {"items": []}


def test_statistics_of_the_outline_of_a_field_are_its_zonal_statistics(world):
    field = world.places[YUSHU].field
    outline = world.get(f"/v1/fields/{field}").json()["geometry"]
    body = {"geometry": outline}
    got = world.post(f"/v1/layers/{world.layer}/statistics", json=body).json()
    (kept,) = world.get(f"/v1/fields/{field}/zonal").json()["items"]
    for name in ("mean", "median", "p10", "p90", "sd"):
        assert got[name] == pytest.approx(kept[name], abs=1e-6)
    assert (got["n_valid"], got["n_total"]) == (kept["n_valid"], kept["n_total"])


@pytest.mark.parametrize(
    ("geometry", "status"),
    [
        ({"type": "Point", "coordinates": [LON, LAT]}, 422),
        ({"type": "Polygon", "coordinates": []}, 422),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}, 422),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}, 404),
        ({}, 422),
    ],
)
def test_areas_that_cannot_be_judged(world, geometry, status):
    got = world.post(f"/v1/layers/{world.layer}/statistics", json={"geometry": geometry})
    assert got.status_code == status, got.text


def test_dates_tell_how_clear_a_day_was(world):
    (one,) = world.get(
        "/v1/products/ndvi/dates", params={"bbox": f"{LON},{LAT},{LON},{LAT}"}
    ).json()["items"]
    (scene,) = world.get("/v1/scenes").json()["items"]
    assert one["clear_share"] == scene["valid_share"]
    assert one["layers"] == 1
    assert world.get("/v1/products/ndvi/dates", params={"bbox": "0,0,1,1"}).json()["items"] == []
