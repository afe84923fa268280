"""What the API adds to the bare query, one client on loopback, and what its start costs."""

import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import numpy as np
import psycopg
import pytest

from models.device import NewStream
from models.person import Role
from models.place import FarmKind, Provenance
from models.reading import BLOCK
from models.store import devices, people, places, readings, rollups
from models.store.database import queries

pytestmark = pytest.mark.bench

SENSORS, HOURS, ROUNDS = 1000, 720, 200
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def thousand(province):
    """A store with 1,000 sensors; the first has 30 days of hourly values."""
    with province.writing() as tx:
        farm = places.add_farm(
            tx,
            key="farm",
            name_zh="农场",
            name_en="Farm",
            kind=FarmKind.FIELD,
            region_code="220182",
            location=(126.55, 44.83),
            provenance=Provenance.SYNTHETIC,
        )
        for i in range(SENSORS // 4):
            devices.add_device(
                tx,
                key=f"probe-{i}",
                farm_id=farm.id,
                name_zh=f"墒情站 {i}",
                name_en=f"Probe {i}",
                location=(126.55, 44.83),
                provenance=Provenance.SYNTHETIC,
                streams=[
                    NewStream(f"c{depth}", "soil_moisture", "%", depth)
                    for depth in (10, 20, 40, 60)
                ],
            )
        ids = [s.id for s in devices.datastreams(tx)]
        readings.add(tx, values(np.repeat(ids[0], HOURS), np.arange(HOURS)))
        readings.add(tx, values(np.array(ids[1:]), np.zeros(SENSORS - 1, int)))
        people.add_person(
            tx,
            login="reader",
            password="a-long-password",
            name_zh="甲",
            name_en="A",
            role=Role.VIEWER,
            region_code="220000",
        )
        token, _, _ = people.log_in(tx, "reader", "a-long-password", timedelta(hours=1))
    rollups.refresh(province)
    with psycopg.connect(province.url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return province, token, ids[0]


_SERVE = """
import sys, uvicorn
from pathlib import Path
from api.app import create_app
from models.platform import Platform
from models.store.database import Database
url, archive = sys.argv[1:]
config = uvicorn.Config(
    create_app(Platform(database=Database(url), archive=Path(archive))),
    "127.0.0.1", 0, log_level="warning", access_log=False, ws="none", timeout_keep_alive=120,
)
server = uvicorn.Server(config)
sock = config.bind_socket()
sock.listen(64)
print(sock.getsockname()[1], flush=True)
server.run(sockets=[sock])
"""


@contextmanager
def served(database_url, archive):
    """Serve in a process of its own, as it is in life; gives the port."""
    asked = [sys.executable, "-c", _SERVE, database_url, str(archive)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def values(ids, hours_ago):
    block = np.zeros(len(ids), BLOCK)
    block["datastream_id"] = ids
    block["phenomenon_time"] = (int(NOW.timestamp()) - 3600 * hours_ago) * 1_000_000
    block["value"] = 0.25 + 0.001 * (np.arange(len(ids)) % 50)
    return block


def bare(url, noun, name, **bound):
    """The very query of the store through psycopg, with the fetch, prepared as it will be."""
    statement = queries(noun)[name].text
    for key in bound:
        statement = statement.replace(f":{key}", f"%({key})s")
    statement = statement.replace("'%'", "'%%'")
    connection = psycopg.connect(url, autocommit=True, options="-c timezone=UTC")

    def run():
        return connection.execute(statement, bound).fetchall()

    return run, connection


def client(port, path, token, **headers):
    wire = HTTPConnection("127.0.0.1", port)
    dressed = {"Authorization": f"Bearer {token}", **headers}

    def run():
        wire.request("GET", path, headers=dressed)
        answer = wire.getresponse()
        body = answer.read()
        assert answer.status == 200
        return body

    return run, wire


def p50(run):
    for _ in range(20):
        run()
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def compared(what, ours, theirs):
    # alternately, so that a busy neighbour hits both
    times = [(p50(ours), p50(theirs)) for _ in range(3)]
    ratio, (mine, sql) = min((mine / sql, (mine, sql)) for mine, sql in times)
    print(f"{what}: ours {mine:.2f} ms, bare SQL {sql:.2f} ms, ratio {ratio:.2f} (goal <= 3)")
    return ratio


@pytest.mark.timeout(300)
def test_latest_and_a_month_of_hours_beside_the_bare_query(thousand, tmp_path):
    database, token, stream = thousand
    latest = {
        "prefix": "22",
        "farm_id": None,
        "field_id": None,
        "device_id": None,
        "updated_after": None,
        "after": 0,
        "limit": 1001,
    }
    span = {"start": NOW - timedelta(days=30), "end": NOW + timedelta(hours=1)}
    path = f"/v1/observations?datastream={stream}&bucket=hour&start={span['start']:%FT%TZ}"
    sql_latest, first = bare(database.url, "readings", "latest", **latest)
    sql_hours, second = bare(database.url, "readings", "hour", datastream=stream, **span)
    assert len(sql_latest()) == SENSORS
    assert len(sql_hours()) == HOURS
    print()
    with served(database.url, tmp_path) as port:
        ours, one = client(port, "/v1/latest?limit=1000", token)
        hours, two = client(port, path, token)
        zipped, three = client(port, "/v1/latest?limit=1000", token, **{"Accept-Encoding": "gzip"})
        empty, four = client(port, "/v1/me", token)
        found = [
            compared("latest of 1,000 sensors", ours, sql_latest),
            compared("30 days of hourly means", hours, sql_hours),
        ]
        print(f"latest, gzip: {p50(zipped):.2f} ms, {len(zipped()):,} of {len(ours()):,} bytes")
        print(f"an almost empty request (/v1/me): {p50(empty):.2f} ms")
    for wire in (one, two, three, four, first, second):
        wire.close()
    assert max(found) <= 3


def test_the_start_of_the_process():
    best = min(seconds_to_import() for _ in range(3))
    print(f"\nimport of the API process: {best:.2f} s (goal <= 2)")
    assert best <= 2


def seconds_to_import():
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import api.app"], check=True)
    return time.perf_counter() - began
