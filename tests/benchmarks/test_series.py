"""Long series out of the API beside the bare query: four formats, and thinning of a million."""

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from models.device import NewStream
from models.person import Role
from models.place import FarmKind, Provenance
from models.reading import block
from models.store import devices, people, places, readings, rollups
from tests.benchmarks.test_api import client, served

pytestmark = pytest.mark.bench

MILLION, ROUNDS = 1_000_000, 5
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
MONTH = 30 * 24 * 60  # readings of a stream that sends each minute


@pytest.fixture
def filled(province):
    """Ten streams with 30 days of a reading each minute, one with a million, one each second."""
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
        channels = [NewStream(f"c{i}", "air_temperature", "Cel", None) for i in range(11)]
        devices.add_device(
            tx,
            key="station",
            farm_id=farm.id,
            name_zh="气象站",
            name_en="Station",
            location=(126.55, 44.83),
            provenance=Provenance.SYNTHETIC,
            streams=channels,
        )
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
        ids = [s.id for s in devices.datastreams(tx)]
    rng = np.random.default_rng(4)
    last = int(NOW.timestamp()) * 1_000_000
    for stream in ids[:10]:
        put(province, stream, last - np.arange(MONTH)[::-1] * 60_000_000, rng.normal(size=MONTH))
    walk = np.cumsum(rng.normal(size=MILLION)) / 100
    put(province, ids[10], last - np.arange(MILLION)[::-1] * 1_000_000, walk)
    while rollups.refresh(province):
        pass
    with psycopg.connect(province.url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return province, token, ids


def put(database, stream, at, values):
    for part in np.array_split(np.arange(len(at)), max(1, len(at) // 100_000)):
        with database.writing() as tx:
            readings.add(tx, block(stream, at[part], values[part]))


def best(run):
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        size = len(run())
        spent.append(time.perf_counter() - began)
    return min(spent) * 1000, size


def bare(connection, stream, start):
    """What the table gives through the driver, without the shape of any format."""
    sql = "SELECT time, value, quality FROM reading WHERE datastream_id = %s AND time >= %s"
    return lambda: connection.execute(f"{sql} ORDER BY time", (stream, start)).fetchall()


@pytest.mark.timeout(600)
def test_a_month_and_a_million_in_each_format_beside_the_bare_query(filled, tmp_path):
    database, token, ids = filled
    month = f"{NOW - timedelta(days=31):%FT%TZ}"
    print()
    with (
        psycopg.connect(database.url, autocommit=True) as connection,
        served(database.url, tmp_path) as port,
    ):
        for stream, n, what in ((ids[0], MONTH, "30 days"), (ids[10], MILLION, "1,000,000")):
            sql, rows = best(bare(connection, stream, month))
            assert rows == n
            print(f"{what}, {n:,} readings: bare SELECT {sql:.0f} ms")
            for kind in ("json", "csv", "parquet", "arrow"):
                if kind == "json" and n > 20_000:
                    pages(port, token, stream, month, n, sql)
                    continue
                path = f"/v1/observations?datastream={stream}&start={month}&format={kind}"
                ours, wire = client(port, path, token)
                spent, size = best(ours)
                print(f"  {kind}: {spent:.0f} ms, {size / 2**20:.1f} MB, ratio {spent / sql:.2f}")
                wire.close()


def pages(port, token, stream, month, n, sql):
    """JSON goes in pages of 20,000; the first stands for all."""
    path = f"/v1/observations?datastream={stream}&start={month}&limit=20000"
    ours, wire = client(port, path, token)
    spent, size = best(ours)
    of_all = sql * 20_000 / n
    print(f"  json, a page of 20,000: {spent:.0f} ms, {size / 2**20:.1f} MB, "
          f"ratio {spent / of_all:.2f}")  # fmt: skip
    wire.close()


@pytest.mark.timeout(600)
def test_a_million_readings_thinned_to_a_screen(filled, tmp_path):
    database, token, ids = filled
    start = f"{NOW - timedelta(days=31):%FT%TZ}"
    print()
    with (
        psycopg.connect(database.url, autocommit=True) as connection,
        served(database.url, tmp_path) as port,
    ):
        sql, _ = best(bare(connection, ids[10], start))
        for method in ("lttb", "minmax"):
            path = f"/v1/observations?datastream={ids[10]}&start={start}&points=2000"
            ours, wire = client(port, f"{path}&method={method}", token)
            spent, size = best(ours)
            against = f"bare SELECT {sql:.0f} ms, ratio {spent / sql:.2f}"
            print(
                f"a million to 2,000 points, {method}: {spent:.0f} ms, {size >> 10} kB; {against}"
            )
            wire.close()


@pytest.mark.timeout(600)
def test_buckets_and_sensorthings_beside_the_bare_query(filled, tmp_path):
    database, token, ids = filled
    start = f"{NOW - timedelta(days=30):%FT%TZ}"
    print()
    asked = {
        "10min from 43,200 readings": f"/v1/observations?datastream={ids[0]}&start={start}"
        "&bucket=10min&limit=20000",
        "6h from hours": f"/v1/observations?datastream={ids[0]}&start={start}&bucket=6h",
        "SensorThings, newest of each of ten": "/sta/v1.1/Datastreams?$expand=Observations"
        "($top=1;$orderby=phenomenonTime%20desc)",
        "SensorThings, a page of 1,000": f"/sta/v1.1/Datastreams({ids[0]})/Observations"
        "?$top=1000&$orderby=phenomenonTime%20desc&$resultFormat=dataArray",
    }
    with served(database.url, tmp_path) as port:
        for what, path in asked.items():
            ours, wire = client(port, path, token)
            spent, size = best(ours)
            print(f"{what}: {spent:.1f} ms, {size / 1024:.0f} kB")
            wire.close()
