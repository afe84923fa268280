"""The scene catalogue as STAC: every item once, whatever the page, and other tools read it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pystac
import pystac_client
import pytest
import rasterio

from models.store import scenes
from tests.api.conftest import opened
from tests.api.world import SPOTS, YUSHU

S2 = "sentinel-2-l2a"
N = 137
START = datetime(2024, 5, 1, 2, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def world(postgres, seed):
    """The seed's real scene and 137 made-up rows: a date each, ever cloudier, further east."""
    with opened(postgres, seed) as made:
        with made.platform.database.writing() as tx:
            real = scenes.scene(tx, made.scene)
            for i in range(N):
                lon = 124 + (i % 20) * 0.2
                cloud = None if i % 10 == 9 else (i % 10) / 10
                row = replace(
                    real,
                    id=f"made-{i:03d}",
                    collection="landsat-c2-l2" if i % 2 else "made-up",
                    # every second pair shares its instant
                    time=START + timedelta(days=i // 2),
                    bbox=(lon, 43.0, lon + 0.1, 43.1),
                    lineage={"cloud_share": cloud},
                )
                scenes.add_scene(tx, row)
        yield made


def search(world, **said):
    got = world.post("/stac/search", json=said)
    assert got.status_code == 200, got.text
    return got.json()


def ids(answer):
    return [one["id"] for one in answer["features"]]


def walked(world, answer):
    """All ids of a search, page by page."""
    found = ids(answer)
    while following := [one for one in answer["links"] if one["rel"] == "next"]:
        (there,) = following
        got = world.send(there.get("method", "GET"), there["href"], json=there.get("body"))
        answer = got.json()
        found += ids(answer)
    return found


SORTS = [None, "datetime", "-id", "-eo:cloud_cover,id", "+properties.eo:cloud_cover,-datetime"]


# one item a page is slow: in one order only
@pytest.mark.parametrize(
    ("limit", "sort"), [(1, None), *((n, one) for n in (7, 137, 138, 500) for one in SORTS)]
)
def test_every_page_together_is_every_item_once(world, limit, sort):
    query = {"limit": limit} | ({"sortby": sort} if sort else {})
    got = world.get("/stac/search", params=query).json()
    found = walked(world, got)
    assert len(found) == len(set(found)) == N + 1 == got["numberMatched"]


def test_pages_of_a_posted_search_follow_its_body(world):
    found = walked(world, search(world, collections=["made-up"], limit=10))
    assert len(set(found)) == len(found) == 69


def test_the_order_is_the_one_asked_for(world):
    made = {"field": "eo:cloud_cover", "direction": "desc"}
    got = search(world, sortby=[made], limit=500)["features"]
    clouds = [one["properties"].get("eo:cloud_cover", 1e300) for one in got]
    assert clouds == sorted(clouds, reverse=True)
    times = [one["properties"]["datetime"] for one in search(world, limit=500)["features"]]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("interval", "n"),
    [
        ("2024-05-01T02:30:00Z", 2),
        ("2024-05-01", 2),
        ("2024-05-01/2024-05-02", 4),
        ("../2024-05-03T02:30:00Z", 6),
        ("/2024-05-03T02:29:59Z", 4),
        ("2024-07-08T02:30:00+00:00/..", 1),
        ("2024-05-01T00:00:00Z/2024-05-01T10:30:00+08:00", 2),
    ],
)
def test_time_intervals_are_closed_and_may_be_open_ended(world, interval, n):
    query = {"ids": [f"made-{i:03d}" for i in range(N)], "datetime": interval}
    assert search(world, **query)["numberMatched"] == n


def test_boxes_and_geometries(world):
    def n(**said):
        return search(world, filter={"op": "like", "args": [{"property": "id"}, "made-%"]}, **said)[
            "numberMatched"
        ]

    first = sum(i % 20 == 0 for i in range(N))
    assert n(bbox=[123.9, 42.9, 124.05, 43.05]) == first
    assert n(bbox=[123.9, 42.9, 0, 124.05, 43.05, 10]) == first
    assert n(bbox=[170, 40, -170, 50]) == 0
    assert n(bbox=[124.01, 40, -170, 50]) == N
    assert n(intersects={"type": "Point", "coordinates": [124.05, 43.05]}) == first
    assert n(intersects={"type": "Point", "coordinates": [124.15, 43.05]}) == 0
    # a triangle whose box holds the scenes, but which itself leaves them out
    triangle = [[[123.9, 42.9], [124.3, 42.9], [123.9, 42.95], [123.9, 42.9]]]
    assert n(intersects={"type": "Polygon", "coordinates": triangle}) == 0
    line = [[123.9, 42.9], [124.11, 43.2]]
    assert n(intersects={"type": "LineString", "coordinates": line}) == first
    around = [[123, 42], [125, 42], [125, 44], [123, 44], [123, 42]]
    hole = [[123.95, 42.95], [123.95, 43.15], [124.15, 43.15], [124.15, 42.95], [123.95, 42.95]]
    whole = n(intersects={"type": "Polygon", "coordinates": [around]})
    assert n(intersects={"type": "Polygon", "coordinates": [around, hole]}) == whole - first


TEXTS = {
    "eo:cloud_cover < 10": 14,
    "eo:cloud_cover <= 10 AND collection = 'made-up'": 14,
    "eo:cloud_cover IS NULL": 13,
    "NOT (eo:cloud_cover IS NOT NULL)": 13,
    "eo:cloud_cover BETWEEN 20 AND 30": 28,
    "id IN ('made-001','made-002')": 2,
    "id LIKE 'made-00%' OR id = 'made-011'": 11,
    "datetime < TIMESTAMP('2024-05-02T00:00:00Z')": 2,
    "T_INTERSECTS(datetime, INTERVAL('2024-05-01T00:00:00Z','2024-05-02T12:00:00Z'))": 4,
    "S_INTERSECTS(geometry, POLYGON((123.9 42.9,124.05 42.9,124.05 43.05,123.9 42.9)))": 7,
    "S_INTERSECTS(geometry, BBOX(123.9,42.9,124.05,43.05)) AND (collection <> 'x')": 7,
    "\"heitu:provenance\" = 'relocated'": N,
}


@pytest.mark.parametrize("text", TEXTS)
def test_filters_as_text(world, text):
    both = f"({text}) AND id LIKE 'made-%'"
    got = world.get("/stac/search", params={"filter": both, "filter-lang": "cql2-text"})
    assert got.json()["numberMatched"] == TEXTS[text], got.text


def test_filters_as_json(world):
    clear = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]}
    late = {"op": "t_after", "args": [{"property": "datetime"}, {"date": "2024-06-01"}]}
    both = {"op": "and", "args": [clear, {"op": "not", "args": [late]}]}
    n = search(world, filter=both, **{"filter-lang": "cql2-json"})["numberMatched"]
    rows = [i for i in range(N) if i % 10 == 0 and i // 2 < 31]
    assert n == len(rows)
    query = {"filter": json.dumps(both), "filter-lang": "cql2-json"}
    assert world.get("/stac/search", params=query).json()["numberMatched"] == n


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "eo:cloud_cover <"},
        {"filter": "1; DROP TABLE scene"},
        {"filter": "secret = 1"},
        {"filter": "id = 1"},
        {"filter": "(" * 500 + "id = 'x'" + ")" * 500},
        {"filter": "NOT " * 900 + "id = 'x'"},
        {"filter": "S_INTERSECTS(geometry, POLYGON((0 0,1 1)))"},
        {"filter": "S_INTERSECTS(geometry, POLYGON((0 0,1 1"},
        {"filter": '{"op":', "filter-lang": "cql2-json"},
        {"filter": '{"op": "=", "args": [1]}', "filter-lang": "cql2-json"},
        {"bbox": "1,2,3"},
        {"bbox": "1,5,3,4"},
        {"bbox": "nan,5,3,4"},
        {"datetime": "../.."},
        {"datetime": "2024-13-01"},
        {"datetime": "2024-05-02/2024-05-01"},
        {"intersects": "{}"},
        {"intersects": '{"type": "Point", "coordinates": []}'},
        {"intersects": '{"type": "Point", "coordinates": [500, 0]}'},
        {"sortby": "password"},
        {"token": "x"},
        {"unknown": "1"},
    ],
)
def test_what_cannot_be_used_is_named(world, query):
    got = world.get("/stac/search", params=query)
    assert got.status_code == 400, got.text
    assert got.headers["content-type"] == "application/problem+json"


def test_a_token_belongs_to_its_order(world):
    answer = search(world, limit=5)
    token = answer["links"][-1]["body"]["token"]
    got = world.get("/stac/search", params={"token": token, "sortby": "id"})
    assert got.status_code == 400


def test_members_can_be_chosen(world):
    got = world.get("/stac/search", params={"fields": "id,properties.gsd,-links", "limit": 1})
    (one,) = got.json()["features"]
    assert "links" not in one
    assert "heitu:lineage" not in one["properties"]
    assert "datetime" in one["properties"]


def test_an_item_is_valid_and_its_grid_is_that_of_its_file(world):
    got = world.get(f"/stac/collections/{S2}/items/{world.scene}").json()
    item = pystac.Item.from_dict(got)
    assert item.geometry["type"] == "Polygon"
    west, south, east, north = item.bbox
    lon, lat = SPOTS[YUSHU]
    assert west < lon < east
    assert south < lat < north
    said = got["properties"]
    file = world.platform.archive / f"scenes/{world.scene}/ndvi.tif"
    with rasterio.open(file) as dataset:
        assert said["proj:code"] == f"EPSG:{dataset.crs.to_epsg()}"
        assert said["proj:shape"] == [dataset.height, dataset.width]
        assert said["proj:transform"] == list(dataset.transform)[:6]
    assets = got["assets"]
    assert assets["ndvi"]["roles"] == ["data"]
    assert (assets["ndvi"]["raster:scale"], assets["ndvi"]["nodata"]) == (1e-4, -32768)
    names = {band["name"]: band["eo:common_name"] for band in assets["bands"]["bands"]}
    assert names["red"] == "red"
    assert names["nir"] == "nir"
    assert {one["rel"] for one in got["links"]} >= {"self", "root", "parent", "collection"}
    assert all(one["file:checksum"].startswith("1220") for one in said["heitu:sources"])
    assert said["heitu:provenance"] == "relocated"


def test_every_link_and_asset_of_an_item_answers(world):
    got = world.get(f"/stac/collections/{S2}/items/{world.scene}").json()
    for href in [
        *(one["href"] for one in got["links"]),
        *(a["href"] for a in got["assets"].values()),
    ]:
        assert world.get(href).status_code in (200, 204), href
    page = world.get("/stac").json()
    for one in page["links"]:
        if one.get("method") != "POST":
            assert world.get(one["href"]).status_code == 200, one


def test_a_file_comes_in_ranges(world):
    href = f"/v1/layers/{world.layer}/data.tif"
    whole = world.get(href)
    assert whole.headers["accept-ranges"] == "bytes"
    part = world.get(href, headers={"Range": "bytes=4-19"})
    assert (part.status_code, part.content) == (206, whole.content[4:20])
    assert world.get(href, headers={"Range": "bytes=99999999999-"}).status_code == 416
    tag = whole.headers["etag"]
    assert world.get(href, headers={"If-None-Match": tag}).status_code == 304
    head = world.send("HEAD", href)
    assert int(head.headers["content-length"]) == len(whole.content)


def test_pystac_client_reads_the_catalogue(world):
    client = pystac_client.Client.open(f"{world.url}/stac", headers=world.headers())
    assert {one.id for one in client.get_collections()} == {S2, "made-up", "landsat-c2-l2"}
    found = client.search(
        collections=["made-up"],
        datetime="2024-05-01/2024-05-31",
        filter="eo:cloud_cover < 50",
        filter_lang="cql2-text",
        limit=4,
    )
    wanted = [i for i in range(0, N, 2) if i // 2 < 31 and i % 10 < 5]
    assert sorted(one.id for one in found.items()) == [f"made-{i:03d}" for i in wanted]
    got = client.search(method="GET", bbox=[123.9, 42.9, 124.05, 43.05], limit=3)
    assert len(list(got.items())) == 7


def test_gdal_opens_a_search_as_one_raster(world, tmp_path):
    """GDAL's STACIT driver reads the saved search, and the COG over HTTP with the token."""
    found = search(world, ids=[world.scene])
    saved = tmp_path / "items.json"
    saved.write_text(json.dumps(found), encoding="utf-8")
    token = world.headers()["Authorization"]
    with (
        rasterio.Env(
            GDAL_HTTP_HEADERS=f"Authorization: {token}", CPL_VSIL_CURL_NON_CACHED="/vsicurl/"
        ),
        rasterio.open(f'STACIT:"{saved}":asset=ndvi') as seen,
        rasterio.open(world.platform.archive / f"scenes/{world.scene}/ndvi.tif") as file,
    ):
        assert (seen.width, seen.height, seen.crs) == (file.width, file.height, file.crs)
        assert (seen.read(1) == file.read(1)).all()
