"""Registering farms, fields and devices: what is taken, and what is refused with which words."""

import math

import pytest
from shapely.geometry import Point, mapping

from analytics.remote.period import Period
from models.place import Provenance
from models.scene import Scene, ZonalValue
from models.store import scenes
from tests.api.world import DUNHUA, SPOTS, YUSHU

NAME = {"zh": "名", "en": "Name"}
LON, LAT = 126.60, 44.80
RING = [[LON, LAT], [LON + 0.01, LAT], [LON + 0.01, LAT + 0.01], [LON, LAT + 0.01], [LON, LAT]]


def field(world, **change):
    body = {
        "key": "new-field",
        "farm_id": world.places[YUSHU].farm,
        "name": NAME,
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "datum": "CGCS2000",
    }
    return body | change


def device(world, **change):
    place = world.places[YUSHU]
    body = {
        "key": "new-probe",
        "farm_id": place.farm,
        "field_id": place.field,
        "name": NAME,
        "location": [LON, LAT],
        "datastreams": [
            {"channel": "w10", "quantity": "soil_moisture", "unit": "%", "depth_cm": 10}
        ],
    }
    return body | change


def test_a_farm_lies_in_the_county_that_holds_it(fresh_world):
    body = {"key": "new", "name": NAME, "kind": "pasture", "location": list(SPOTS[DUNHUA])}
    made = fresh_world.post("/v1/farms", json=body)
    assert made.status_code == 201
    assert made.json()["region"] == {"code": DUNHUA, "name": "敦化市"}
    assert fresh_world.get(f"/v1/farms/{made.json()['id']}").json() == made.json()
    assert fresh_world.post("/v1/farms", json=body).status_code == 409
    assert fresh_world.post("/v1/farms", json=body | {"key": "x"}, scope=YUSHU).status_code == 403


@pytest.mark.parametrize(
    ("location", "said"),
    [([44.83, 126.55], "longitude, latitude"), ([116.4, 39.9], "no county"), ([0, 0], "no county")],
)
def test_a_farm_outside_jilin_is_refused(world, location, said):
    body = {"key": "new", "name": NAME, "kind": "field", "location": location}
    got = world.post("/v1/farms", json=body)
    assert got.status_code == 422
    assert said in got.json()["detail"]


def test_a_field_gets_its_county_and_its_area(fresh_world):
    made = fresh_world.post("/v1/fields", json=field(fresh_world))
    assert made.status_code == 201
    said = made.json()["properties"]
    assert said["region"]["code"] == YUSHU
    assert said["area_ha"] == pytest.approx(87.9, rel=0.01)  # 790 m x 1111 m
    assert said["area_mu"] == pytest.approx(said["area_ha"] * 15, rel=1e-4)
    again = fresh_world.get(f"/v1/fields/{said['id']}")
    assert again.headers["content-type"] == "application/geo+json"
    assert again.json() == made.json()
    inside = fresh_world.get("/v1/fields", params={"bbox": "126.605,44.805,126.606,44.806"})
    assert [f["id"] for f in inside.json()["features"]] == [said["id"]]


BOW_TIE = [[LON, LAT], [LON + 0.01, LAT + 0.01], [LON + 0.01, LAT], [LON, LAT + 0.01], [LON, LAT]]
SWAPPED = [[y, x] for x, y in RING]
FAR = [[x - 20, y] for x, y in RING]
DOT = [[LON, LAT], [LON + 1e-6, LAT], [LON, LAT + 1e-6], [LON, LAT]]
WHOLE = [[124, 43], [127, 43], [127, 45], [124, 45], [124, 43]]


@pytest.mark.parametrize(
    ("rings", "said"),
    [
        ([BOW_TIE], "Self-intersection"),
        ([SWAPPED], "swapped"),
        ([FAR], "outside 120-132 E"),
        ([DOT], "ha are accepted"),
        ([WHOLE], "ha are accepted"),
        ([[[LON, LAT]] * 4], "not valid"),
        (
            [mapping(Point(LON, LAT).buffer(0.01, quad_segs=6000))["coordinates"][0]],
            "more than 20000 corners",
        ),
    ],
)
def test_an_outline_that_cannot_be_is_refused(world, rings, said):
    geometry = {"type": "Polygon", "coordinates": rings}
    got = world.post("/v1/fields", json=field(world, geometry=geometry))
    assert got.status_code == 422
    assert said in got.json()["detail"]
    zh = world.post(
        "/v1/fields", json=field(world, geometry=geometry), headers={"Accept-Language": "zh"}
    )
    assert zh.json()["detail"].startswith("几何无效")


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_a_shifted_datum_is_refused_with_the_shift(world, datum):
    got = world.post("/v1/fields", json=field(world, datum=datum))
    assert got.status_code == 422
    assert "460 to 680 m" in got.json()["detail"]


def test_the_datum_must_be_said(world):
    body = field(world)
    del body["datum"]
    assert world.post("/v1/fields", json=body).json()["errors"][0]["field"] == "datum"


HOLE = [[LON + 0.002, LAT + 0.002], [LON + 0.007, LAT + 0.002], [LON + 0.002, LAT + 0.007]]
HOLE.append(HOLE[0])


@pytest.mark.parametrize("outer", [RING, RING[::-1]])
@pytest.mark.parametrize("hole", [HOLE, HOLE[::-1]])
def test_a_hole_is_no_part_of_a_field_however_it_is_walked(fresh_world, outer, hole):
    geometry = {"type": "MultiPolygon", "coordinates": [[outer, hole]]}
    made = fresh_world.post("/v1/fields", json=field(fresh_world, geometry=geometry))
    assert made.status_code == 201
    # a square of 1 less a triangle of 1/8
    assert made.json()["properties"]["area_ha"] == pytest.approx(87.9 * 7 / 8, rel=0.01)


def test_a_field_of_anothers_farm_or_county_is_refused(world):
    other = world.places[DUNHUA].farm
    assert (
        world.post("/v1/fields", json=field(world, farm_id=other), scope=YUSHU).status_code == 403
    )
    lon, lat = SPOTS[DUNHUA]
    there = [[x - LON + lon, y - LAT + lat] for x, y in RING]
    geometry = {"type": "Polygon", "coordinates": [there]}
    got = world.post("/v1/fields", json=field(world, geometry=geometry), scope=YUSHU)
    assert got.status_code == 403
    assert world.post("/v1/fields", json=field(world, farm_id=999_999)).status_code == 404


def test_a_device_is_told_its_secret_once(fresh_world):
    made = fresh_world.post("/v1/devices", json=device(fresh_world))
    assert made.status_code == 201
    said = made.json()
    stream = said["datastreams"][0]
    assert (stream["unit"], stream["wire_unit"]) == ("m3/m3", "%")
    assert len(said["installations"]) == 1
    shown = fresh_world.get(f"/v1/devices/{said['id']}").json()
    assert "secret" not in shown
    assert shown == {k: v for k, v in said.items() if k != "secret"}
    with fresh_world.platform.database.reading() as tx:
        row = tx.row("devices", "device", id=said["id"])
    assert len(said["secret"]) >= 24
    assert said["secret"] not in row.secret_hash


@pytest.mark.parametrize(
    ("stream", "status", "said"),
    [
        ({"quantity": "happiness"}, 422, "happiness"),
        ({"unit": "g/g"}, 422, "not a unit of soil_moisture"),
        ({"unit": "\0"}, 422, None),
        ({"depth_cm": -1}, 422, None),
        ({"channel": "a b"}, 422, None),
    ],
)
def test_a_datastream_measures_something_known_in_a_unit_that_suits(world, stream, status, said):
    body = device(world)
    body["datastreams"] = [body["datastreams"][0] | stream]
    got = world.post("/v1/devices", json=body)
    assert got.status_code == status, got.text
    assert said is None or said in got.json()["detail"]


def test_a_channel_may_not_be_named_twice(world):
    body = device(world)
    got = world.post("/v1/devices", json=body | {"datastreams": body["datastreams"] * 2})
    assert got.status_code == 409


def test_a_device_belongs_to_a_field_of_its_own_farm(world):
    other = world.places[DUNHUA].field
    got = world.post("/v1/devices", json=device(world, field_id=other))
    assert got.status_code == 422
    assert "another farm" in got.json()["detail"]


def test_divisions_are_found_by_level_parent_and_retired_code(world):
    counties = world.client.get("/v1/regions", params={"level": "county", "parent": "220100"})
    codes = {f["properties"]["code"] for f in counties.json()["features"]}
    assert YUSHU in codes
    assert all(code.startswith("2201") for code in codes)
    assert counties.json()["attribution"]["zh"].endswith("地理信息公共服务平台）")
    retired = world.client.get("/v1/regions/220381").json()
    assert retired["properties"]["code"] == "220184"
    assert retired["requested_code"] == "220381"
    assert "requested_code" not in world.client.get("/v1/regions/220184").json()


def test_divisions_are_not_sent_again_when_unchanged(world):
    for path in ("/v1/regions", "/v1/regions/220182"):
        first = world.client.get(path)
        tag = first.headers["ETag"]
        for held in (tag, f'"x", {tag}', "*", tag.removeprefix("W/")):
            again = world.client.get(path, headers={"If-None-Match": held})
            assert again.status_code == 304
            assert again.content == b""
            assert again.headers["ETag"] == tag
        assert world.client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_field_shows_its_satellite_values(world):
    place = world.places[YUSHU]
    (value,) = world.get(f"/v1/fields/{place.field}/zonal").json()["items"]
    assert value["n_valid"] <= value["n_total"]
    assert value["provenance"] == "relocated"
    assert -1 <= value["mean"] <= 1
    streams = world.get("/v1/datastreams", params={"field": place.field}).json()["items"]
    (sky,) = [s for s in streams if s["device_id"] is None]
    assert (sky["quantity"], sky["field_id"]) == ("ndvi", place.field)


def test_the_spread_of_a_field_surrounds_its_mean(world):
    place = world.places[YUSHU]
    (value,) = world.get(f"/v1/fields/{place.field}/zonal").json()["items"]
    assert value["p10"] < value["median"] < value["p90"]
    assert value["p10"] < value["mean"] < value["p90"]
    assert value["sd"] > 0
    none = world.get(f"/v1/fields/{place.field}/zonal", params={"product": "ndmi"})
    assert none.json()["items"] == []
    wrong = world.get(f"/v1/fields/{place.field}/zonal", params={"product": "NDVI; --"})
    assert wrong.status_code == 422


def test_a_season_is_told_from_the_composites_of_a_field(fresh_world):
    world = fresh_world
    field = world.places[YUSHU].field
    empty = world.get(f"/v1/fields/{field}/season", params={"year": 2025}).json()
    assert (empty["start"], empty["peak"], empty["end"], empty["series"]) == (None,) * 3 + ([],)
    period = Period(2025, 3, 1)
    with world.platform.database.writing() as tx:
        while period <= Period(2025, 10, 3):
            if period != Period(2025, 6, 2):
                put_composite(tx, field, period)
            period = period.following
    told = world.get(f"/v1/fields/{field}/season", params={"year": 2025}).json()
    assert [one["day"] for one in told["series"] if one["filled"]] == ["2025-06-11"]
    # a fifth of the rise is reached 57 days before and after the top on 29 July
    assert "2025-05-25" < told["start"] < "2025-06-08"
    assert "2025-07-20" <= told["peak"] <= "2025-08-01"
    assert "2025-09-18" < told["end"] < "2025-10-01"
    assert world.get(f"/v1/fields/{field}/season", params={"year": 2024}).json()["series"] == []


def put_composite(tx, field, period):
    """Keep a field's value of a synthetic maize season whose top is on day 210."""
    day = period.first.timetuple().tm_yday
    mean = 0.15 + 0.7 * math.exp(-(((day - 210) / 45) ** 2))
    at, box = period.bounds[0], (125.0, 43.0, 126.0, 44.0)
    name, real = f"heitu-ndvi-dekad_{period}", Provenance.SYNTHETIC
    scenes.add_scene(
        tx, Scene(name, "heitu-ndvi-dekad", at, box, 32651, 1.0, real, {}, "合成", "synthetic")
    )
    scenes.add_zonal(tx, [ZonalValue(field, name, "ndvi_dekad", at, mean, 9, 9, 1.0, None)])
