"""The short way to a tile answers what the long way answers, and opens no other door."""

import pytest

from api.lane import Lane
from models.person import Role
from tests.api.test_tiles_raster import tile_at
from tests.api.world import PROVINCE

# a condition that never holds sends a request the long way
LONG = {"If-None-Match": '"another"'}


def middle(world):
    """Tile of zoom 13 over the middle of the scene."""
    west, south, east, north = world.get("/v1/layers").json()["items"][0]["bbox"]
    z, x, y = tile_at((west + east) / 2, (south + north) / 2, 13)
    path = f"/v1/layers/{world.layer}/tiles/{z}/{x}/{y}.png"
    assert world.get(path).status_code == 200
    return path


def both(world, path):
    """The answer of the long way, then that of the short one."""
    return world.get(path, headers=LONG), world.get(path)


@pytest.fixture
def short(monkeypatch):
    """How many answers took the short way."""
    taken, drawing = [], Lane._drawing

    def counted(self, scope):
        found = drawing(self, scope)
        if found is not None:
            taken.append(scope["path"])
        return found

    monkeypatch.setattr(Lane, "_drawing", counted)
    return taken


@pytest.mark.parametrize(
    "change",
    [
        lambda path, world: path,
        lambda path, world: path.replace(f"layers/{world.layer}", f"scenes/{world.scene}"),
        lambda path, world: (
            path.replace(f"layers/{world.layer}", f"scenes/{world.scene}") + "?index=ndvi"
        ),
        lambda path, world: f"/v1/layers/{world.layer}/tiles/13/0/0.png",
    ],
    ids=["precomputed", "live", "live with its index", "outside"],
)
def test_both_ways_answer_the_same(world, short, change):
    path = change(middle(world), world)
    long, quick = both(world, path)
    assert path.partition("?")[0] in short
    assert quick.status_code == long.status_code in (200, 204)
    assert quick.content == long.content
    unlike = {"date", "content-length"} if long.status_code == 204 else {"date"}
    headers = [
        {name: value for name, value in got.headers.items() if name not in unlike}
        for got in (long, quick)
    ]
    assert headers[0] == headers[1]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/layers/none/tiles/1/1/1.png", 404),
        ("/v1/layers/{layer}/tiles/25/0/0.png", 422),
        ("/v1/layers/{layer}/tiles/13/99999999/0.png", 422),
        ("/v1/layers/{layer}/tiles/13/-1/0.png", 422),
        ("/v1/layers/{layer}/tiles/13/0/0.png?index=ndvi", 400),
        ("/v1/layers/{layer}/tiles/13/0/0.png?x=1", 400),
        ("/v1/scenes/{scene}/tiles/13/0/0.png?index=evil", 422),
        ("/v1/scenes/{scene}/tiles/13/0/0.png?index=ndvi&index=ndvi", 400),
    ],
)
def test_what_is_not_plain_goes_the_long_way(world, short, path, status):
    middle(world)
    short.clear()
    path = path.format(layer=world.layer, scene=world.scene)
    assert world.get(path).status_code == status
    assert short == []


@pytest.mark.parametrize("token", ["", "x", "Bearer", "Bearer nobody", "Basic abc"])
def test_no_tile_without_a_token(world, short, token):
    path = middle(world)
    short.clear()
    got = world.client.get(path, headers={"Authorization": token} if token else {})
    assert got.status_code == 401
    assert short == []


def test_a_log_out_closes_the_short_way_at_once(fresh_world, short):
    path = middle(fresh_world)
    headers = fresh_world.headers(Role.VIEWER, PROVINCE)
    assert fresh_world.client.get(path, headers=headers).status_code == 200
    assert fresh_world.client.get(path, headers=headers).status_code == 200
    assert path in short
    short.clear()
    assert fresh_world.client.delete("/v1/auth/token", headers=headers).status_code == 204
    assert fresh_world.client.get(path, headers=headers).status_code == 401
    assert short == []


def test_a_file_that_is_lost_is_told_by_the_long_way(fresh_world, short, tmp_path):
    path = middle(fresh_world)
    fresh_world.app.state.tiles.source()._archive = tmp_path
    other = path.replace("/tiles/13/", "/tiles/14/")
    fresh_world.app.state.tiles.source()._headers.clear()
    got = fresh_world.get(other)
    assert got.status_code == 503
    assert got.json()["type"] == "urn:heitu:problem:unavailable"
    assert other in short


def test_the_figures_count_both_ways_under_one_route(world):
    both(world, middle(world))
    text = world.client.get("/metrics").text
    assert 'route="/v1/layers/{layer_id}/tiles/{z}/{x}/{y}.png",status="200"' in text


def test_head_has_the_headers_and_no_body(world):
    path = middle(world)
    got = world.client.head(path, headers=world.headers())
    assert got.status_code == 200
    assert got.headers["content-type"] == "image/png"
    assert got.content == b""
