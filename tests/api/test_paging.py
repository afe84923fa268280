"""A reader that follows `next` gets exactly N rows, each once, in order."""

import pytest

from api.paging import cursor, position
from models.errors import HeituError
from models.person import Role
from models.place import FarmKind, Provenance
from models.store import places
from tests.api.world import PROVINCE, SPOTS, YUSHU

LIMIT = 7


def read_all(world, path, limit, **more):
    rows, pages, after = [], 0, None
    while True:
        params = {"limit": limit} | ({"after": after} if after else {})
        got = world.get(path, params=params | more)
        assert got.status_code == 200, got.text
        page = got.json()
        items = page.get("items", page.get("features"))
        assert len(items) <= limit
        rows, pages, after = rows + items, pages + 1, page["next"]
        if after is None:
            return rows, pages


@pytest.fixture
def crowd(fresh_world):
    """Give a function that leaves exactly n farms in the store."""

    def fill(n):
        with fresh_world.platform.database.writing() as tx:
            for i in range(n - 2):
                places.add_farm(
                    tx,
                    key=f"crowd-{i}",
                    name_zh="农场",
                    name_en="Farm",
                    kind=FarmKind.FIELD,
                    region_code=YUSHU,
                    location=SPOTS[YUSHU],
                    provenance=Provenance.SYNTHETIC,
                )
        return fresh_world

    return fill


@pytest.mark.parametrize(
    ("n", "pages"), [(LIMIT - 1, 1), (LIMIT, 1), (LIMIT + 1, 2), (10 * LIMIT, 10)]
)
def test_a_client_reads_exactly_the_rows_there_are(crowd, n, pages):
    found, read = read_all(crowd(n), "/v1/farms", LIMIT)
    ids = [farm["id"] for farm in found]
    assert len(ids) == n
    assert ids == sorted(set(ids))
    assert read == pages


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/farms",
        "/v1/fields",
        "/v1/devices",
        "/v1/datastreams",
        "/v1/latest",
        "/v1/layers",
        "/v1/scenes",
        "/v1/recommendations",
        "/v1/inbox",
        "/v1/ledger",
        "/v1/quarantine",
    ],
)
def test_every_list_is_the_same_at_every_page_size(world, path, limit):
    whole, _ = read_all(world, path, 500)
    parts, _ = read_all(world, path, limit)
    assert parts == whole
    assert whole


@pytest.mark.parametrize("bucket", ["none", "hour", "day"])
@pytest.mark.parametrize("limit", [1, 7, 30])
def test_observations_of_several_streams_page_without_a_seam(world, bucket, limit):
    place = world.places[YUSHU]
    ids = [place.temperature, place.moisture]
    asked = {"datastream": ids, "bucket": bucket, "start": "2026-04-28", "end": "2026-05-01"}
    whole, _ = read_all(world, "/v1/observations", 20_000, **asked)
    if limit == 1 and bucket != "day":
        asked["start"] = "2026-04-30T12:00:00Z"
        whole, _ = read_all(world, "/v1/observations", 20_000, **asked)
    parts, _ = read_all(world, "/v1/observations", limit, **asked)
    assert parts == whole
    assert {row["datastream"] for row in whole} == set(ids)
    per_stream = {"none": 72, "hour": 72, "day": 3}[bucket]
    assert limit == 1 or len(whole) == 2 * per_stream


def test_a_limit_above_the_maximum_is_capped(world):
    got = world.get("/v1/farms", params={"limit": 10**30})
    assert got.status_code == 200
    assert world.app.openapi()  # the document names no maximum that a client could exceed
    limits = [
        p["schema"]
        for operations in world.app.openapi()["paths"].values()
        for operation in operations.values()
        for p in operation.get("parameters", ())
        if p["name"] == "limit"
    ]
    assert limits
    assert all("maximum" not in schema for schema in limits)


def test_a_list_that_grows_while_it_is_read_repeats_nothing(fresh_world):
    first = fresh_world.get("/v1/farms", params={"limit": 1}).json()
    with fresh_world.platform.database.writing() as tx:
        places.add_farm(
            tx,
            key="late",
            name_zh="农场",
            name_en="Farm",
            kind=FarmKind.FIELD,
            region_code=YUSHU,
            location=SPOTS[YUSHU],
            provenance=Provenance.SYNTHETIC,
        )
    rest = fresh_world.get("/v1/farms", params={"after": first["next"]}).json()["items"]
    keys = [farm["key"] for farm in first["items"] + rest]
    assert len(keys) == len(set(keys)) == 3


def test_a_cursor_of_another_scope_opens_nothing(world):
    page = world.get("/v1/farms", params={"limit": 1}, scope=PROVINCE).json()
    seen = world.get("/v1/farms", params={"after": page["next"]}, scope=YUSHU, role=Role.VIEWER)
    assert seen.json()["items"] == []


@pytest.mark.parametrize("key", [(1,), (0,), (2**53,), (5, "a b 中")])
def test_a_cursor_gives_its_key_back(key):
    assert position("x", cursor("x", key), tuple(map(type, key))) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "!!",
        "WzFd",
        "eyJhIjoxfQ",
        "bnVsbA",
        "中",
        "A" * 399,
        cursor("y", (1,)),
        cursor("x", ("1",)),
        cursor("x", (1, 2)),
        cursor("x", (2**53 + 1,)),
        cursor("x", (-1,)),
    ],
)
def test_what_is_no_cursor_of_the_list_is_refused(text):
    with pytest.raises(HeituError, match="not a cursor"):
        position("x", text, (int,))


def test_a_cursor_does_not_carry_a_nul():
    with pytest.raises(HeituError, match="not a cursor"):
        position("x", cursor("x", ("a\0",)), (str,))
