"""NDVI tiles beside TiTiler: same raster, same tiles, same client, same concurrency, one run.

Which paths are compared, honestly:

* TiTiler computes (nir - red) / (nir + red) from the four-band UTM COG for every tile.
* Heitu live does the same from the same file.
* Heitu precomputed recolours blocks of the display COG that the pipeline made of the raster
  beforehand; it shows what preparing pays, not a faster computation.

One server process each. Every tile is asked once, so drawn tiles kept in memory do not help;
blocks of the file that neighbouring tiles share do, as on a real map.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pyproj
import pytest

from api.tiles.grid import TileBounds, bounds
from ingest.satellite.pipeline import take_in
from ingest.satellite.plan import Grid
from models.person import Role
from models.store import people, scenes
from tests.benchmarks import raster

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".heitu" / "bench"
CONCURRENCY = 8
TIME = datetime(2024, 6, 1, 2, 35, 51, tzinfo=UTC)
# What a person looking at a map asks for: views of 6 x 4 tiles at random places. A view of
# zoom 13 is 21 km wide; 13 is the full resolution of the display COG, 14 that of the bands.
VIEWS = {10: 1, 11: 1, 12: 4, 13: 6, 14: 6}
VIEW = (6, 4)
# the other extreme, single tiles far apart, where no block of the file serves two of them
SCATTERED = {12: 40, 13: 60, 14: 60}
MANY = {12: 400, 13: 900, 14: 1700}
ROUNDS = 3


def python_with_titiler():
    """Return an interpreter that has TiTiler, or skip: it is no part of `make test`."""
    python = os.environ.get("HEITU_BENCH_PYTHON", sys.executable)
    found = subprocess.run([python, "-c", "import titiler.core"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip("titiler.core is not installed here (make bench installs it)")
    return python


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A server process that answers before the block begins and is gone after it."""

    def __init__(self, python, module, *arguments, ready, **environment):
        self.port = free_port()
        self.command = [python, "-m", module, str(self.port), *arguments]
        self.ready, self.environment = ready, environment

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=os.environ | {"MALLOC_ARENA_MAX": "2"} | self.environment
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, "the server ended before it answered"
            assert time.monotonic() < deadline, "the server did not answer within 60 s"
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def _answers(self):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as line:
            try:
                line.request("GET", self.ready)
                return line.getresponse().status < 500
            except OSError:
                return False

    def rate(self, paths, *headers):
        """Requests a second over all paths, asked once each; every answer must be a tile."""
        asked = [sys.executable, "-m", "tests.benchmarks.load", str(self.port), str(CONCURRENCY)]
        told = json.loads(
            subprocess.run(
                [*asked, *headers],
                input="\n".join(paths),
                capture_output=True,
                text=True,
                check=True,
                cwd=ROOT,
            ).stdout
        )
        assert set(told["status"]) == {"200"}, told
        return len(paths) / told["seconds"]


def scattered(mix, seed=3):
    """Addresses that lie wholly inside the raster, each far from the one before."""
    chosen = []
    for z, n in mix.items():
        inside = list(addresses(extent(), z))
        chosen += random.Random(seed).sample(inside, min(n, len(inside)))
    random.Random(seed).shuffle(chosen)
    return chosen


def views(seed=5):
    """Views of a map in random order; no tile twice."""
    rng, seen, chosen = random.Random(seed), set(), []
    for z, n in VIEWS.items():
        inside = set(addresses(extent(), z))
        for _, x, y in rng.sample(sorted(inside), n):
            view = [(z, x + i, y + j) for j in range(VIEW[1]) for i in range(VIEW[0])]
            view = [a for a in view if a in inside and a not in seen]
            seen.update(view)
            chosen.append(view)
    rng.shuffle(chosen)
    return [address for view in chosen for address in view]


def addresses(extent, z):
    zero = bounds(z, 0, 0)
    side = zero.east - zero.west
    west, east = (extent.west - zero.west) / side, (extent.east - zero.west) / side
    top, bottom = (zero.north - extent.north) / side, (zero.north - extent.south) / side
    for x in range(int(west) + 1, int(east)):
        for y in range(int(top) + 1, int(bottom)):
            yield z, x, y


@pytest.fixture(scope="module")
def source():
    return raster.synthetic(CACHE)


def prepared(source, database):
    """Take the raster in (once per machine) and catalogue it; return archive and layer."""
    archive = CACHE / "archive"
    began = time.perf_counter()
    report = take_in(source, database, archive, time=TIME)
    print(f"\n  scene of {raster.SIDE} x {raster.SIDE}: {time.perf_counter() - began:.0f} s in")
    # live from the very file that TiTiler reads, not from the smaller one of the pipeline
    shared = replace(report.layer, id="same-file", scene_id="same-file", bands_path=str(source))
    with database.writing() as tx:
        scenes.add_scene(tx, replace(report.scene, id="same-file"))
        scenes.add_layer(tx, shared)
    return archive, report.layer, shared


def token_of(database):
    with database.writing() as tx:
        people.add_person(
            tx,
            login="bench",
            password="a long enough password",
            name_zh="测",
            name_en="Bench",
            role=Role.VIEWER,
            region_code="220000",
        )
        return people.log_in(tx, "bench", "a long enough password", timedelta(hours=1))[0]


def extent():
    """Return the box inside the slanted outline of the raster, EPSG:3857."""
    grid = Grid(raster.EPSG, raster.LEFT, raster.TOP, 10, 10, raster.SIDE, raster.SIDE)
    to_tiles = pyproj.Transformer.from_crs(raster.EPSG, 3857, always_xy=True)
    west, north = to_tiles.transform([grid.left, grid.left], [grid.top, grid.bottom])
    east, south = to_tiles.transform([grid.right, grid.right], [grid.top, grid.bottom])
    return TileBounds(max(west), max(north[1], south[1]), min(east), min(north[0], south[0]))


def templates(source, layer, shared):
    """Where each server keeps the tile {z}/{x}/{y}."""
    asked = {
        "url": source,
        "expression": "(b4-b3)/(b4+b3)",
        "rescale": "-0.2,1",
        "colormap_name": "rdylgn",
    }
    live = "/v1/scenes/{}/tiles/{{}}/{{}}/{{}}.png?index=ndvi"
    return {
        "titiler": "/tiles/WebMercatorQuad/{}/{}/{}.png?" + urlencode(asked),
        "same": live.format(shared.scene_id),
        "own": live.format(layer.scene_id),
        "display": f"/v1/layers/{layer.id}/tiles/{{}}/{{}}/{{}}.png",
    }


class Race:
    """Seconds and tiles per contender, run in turns so that a busy machine is fair to all."""

    def __init__(self, at):
        self.at, self.tiles, self.seconds = at, Counter(), Counter()

    def run(self, server, name, addresses, *headers, over):
        paths = [self.at[name].format(*address) for address in addresses]
        self.seconds[over] += len(paths) / server.rate(paths, *headers)
        self.tiles[over] += len(paths)

    def rate(self, over):
        return self.tiles[over] / self.seconds[over]


def test_tiles_against_titiler(source, province):
    python = python_with_titiler()
    archive, layer, shared = prepared(source, province)
    bearer = f"Authorization: Bearer {token_of(province)}"
    race = Race(templates(source, layer, shared))
    looks, far, many = views(), scattered(SCATTERED, seed=9), scattered(MANY)
    tuned = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": "200"}
    heitu = ("tests.benchmarks.heitu_app", province.url, str(archive))
    with (
        Server(python, "tests.benchmarks.titiler_app", ready="/docs", **tuned) as theirs,
        Server(sys.executable, *heitu, ready="/health/live") as ours,
    ):
        warm = scattered({12: 4, 13: 4})
        race.run(theirs, "titiler", warm, over="warm-up")
        race.run(ours, "display", warm, bearer, over="warm-up")
        for turn in range(ROUNDS):
            mine = slice(turn, None, ROUNDS)
            third = looks[len(looks) * turn // ROUNDS : len(looks) * (turn + 1) // ROUNDS]
            race.run(theirs, "titiler", third, over="titiler")
            race.run(ours, "same", third, bearer, over="same")
            race.run(ours, "own", third, bearer, over="own")
            race.run(ours, "display", many[mine], bearer, over="display")
            race.run(theirs, "titiler", far[mine], over="titiler, far")
            race.run(ours, "same", far[mine], bearer, over="same, far")
            race.run(ours, "own", far[mine], bearer, over="own, far")
        race.run(ours, "display", many, bearer, over="again")
        memory = psutil.Process(ours.process.pid).memory_info().rss / 1e6
    show(race, len(looks), len(far), len(many), memory)
    assert race.rate("same") >= 5 * race.rate("titiler")
    assert race.rate("display") >= 40 * race.rate("titiler")


def show(race, looks, far, many, memory):
    base = race.rate("titiler")
    lines = (
        ("titiler", f"TiTiler, expression on the 4-band UTM COG, {looks} tiles in views"),
        ("same", "Heitu live, same expression, same file, same tiles"),
        ("own", "Heitu live, from the 2-band COG of its own pipeline"),
        ("titiler, far", f"TiTiler, {far} single tiles far apart"),
        ("same, far", "Heitu live, same file, the same single tiles"),
        ("own, far", "Heitu live, its own COG, the same single tiles"),
        ("display", f"Heitu precomputed, {many} single tiles of the display COG"),
        ("again", "Heitu precomputed, asked again (drawn tiles kept in memory)"),
    )
    print(
        f"  one process each, concurrency {CONCURRENCY}, {ROUNDS} turns; "
        "tiles/s and times TiTiler in views"
    )
    for name, what in lines:
        print(f"  {what:64s} {race.rate(name):8.1f} {race.rate(name) / base:7.1f} x")
    print(f"  memory of the Heitu process afterwards: {memory:.0f} MB")
