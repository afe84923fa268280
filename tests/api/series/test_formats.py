"""One query, four formats, the same values to the last bit; big answers in bounded memory."""

import csv
import io
import json
import struct
import threading
import time
from datetime import datetime, timedelta

import numpy as np
import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet

from models.person import Role
from models.reading import Quality, block
from models.store import readings, rollups
from tests.api.conftest import opened
from tests.api.world import DUNHUA, NOW, YUSHU

FORMATS = ("json", "csv", "parquet", "arrow")
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")
FLOATS = ("value", "raw", "mean", "min", "max", "last", "coverage", "sum")
COUNTS = ("seq", "n", "n_good", "count")


@pytest.fixture(scope="module")
def world(postgres, seed):
    """A world with awkward values: the smallest steps of a double, flags, revisions, sequences."""
    with opened(postgres, seed) as made:
        stream = made.places[YUSHU].moisture
        at = int(NOW.timestamp()) * 1_000_000 + np.arange(200) * 1_000_001
        values = np.concatenate([
            [0.1 + 0.2, 1 / 3, 5e-324, 1e300, -0.0, 2**53 + 1.0, 1e22, 1e-7],
            np.nextafter(0.25, 1) + np.random.default_rng(1).normal(size=192) * 1e-9,
        ])  # fmt: skip
        flags = np.where(np.arange(200) % 7 == 0, int(Quality.SPIKE | Quality.GAP), 0)
        first = block(stream, at, values * 0.5, raw=values / 3, unit="%", seq=np.arange(200) % 3,
                      received=at + 1_500_000)  # fmt: skip
        second = block(stream, at, values, raw=values * 2, unit="%", quality=flags,
                       seq=np.arange(200) % 3, received=at + 2_500_001)  # fmt: skip
        with made.platform.database.writing() as tx:
            readings.add(tx, first, by="mqtt")
        with made.platform.database.writing() as tx:
            readings.add(tx, second[::2], by="http")
        rollups.refresh(made.platform.database)
        yield made


def ask(world, kind, **asked):
    got = world.get("/v1/observations", params={"format": kind, **asked})
    assert got.status_code == 200, got.text
    return got


def us(text):
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def bits(value):
    return None if value in ("", None) else struct.pack(">d", float(value))


def row(names, cell, instant, flags, revisions):
    """A row with floats as bits, instants as microseconds, flags as a tuple."""
    made = {}
    for name in names:
        value = cell(name)
        if name in ("time", "start", "received"):
            made[name] = instant(value)
        elif name in FLOATS:
            made[name] = bits(value)
        elif name in COUNTS:
            made[name] = int(value)
        elif name == "quality":
            made[name] = tuple(flags(value))
        elif name == "revisions":
            made[name] = [
                (bits(of["value"]), of["raw_unit"], tuple(of["quality"]), of["by"])
                for of in revisions(value)
            ]
        else:
            made[name] = value
    return made


def of_json(got, names):
    return [
        row(names, item.get, us, list, list) | {"datastream": item["datastream"]}
        for item in got.json()["items"]
    ]


def of_csv(got, names):
    rows = csv.DictReader(io.StringIO(got.text))
    return [
        row(
            names,
            lambda name, of=item: of.get(f"{name}_utc", of.get(name)),
            us,
            str.split,
            lambda text: json.loads(text or "[]"),
        )
        | {"datastream": int(item["datastream"])}
        for item in rows
    ]


def of_table(table, names):
    instants = {n: table[n].cast(pa.int64()).to_pylist() for n in names
                if n in ("time", "start", "received")}  # fmt: skip
    listed = {n: table[n].to_pylist() for n in ["datastream", *names] if n not in instants}
    columns = listed | instants
    return [
        row(names, lambda name, i=i: columns[name][i], int, list, list)
        | {"datastream": columns["datastream"][i]}
        for i in range(table.num_rows)
    ]


def tables(world, **asked):
    packed = parquet.read_table(io.BytesIO(ask(world, "parquet", **asked).content))
    streamed = pa.ipc.open_stream(ask(world, "arrow", **asked).content).read_all()
    return packed, streamed


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"include": "seq,raw,received,revisions"},
         ["time", "value", "quality", "seq", "raw", "raw_unit", "received", "revisions"]),
        ({"quality": "good"}, ["time", "value", "quality"]),
        ({"quality": "SPIKE"}, ["time", "value", "quality"]),
        ({"points": 50}, ["time", "value", "quality"]),
        ({"bucket": "day"},
         ["start", "n", "n_good", "mean", "min", "max", "last", "coverage"]),
        ({"bucket": "10min", "aggregation": "sum,mean,count", "quality": "all"},
         ["start", "n", "n_good", "mean", "coverage", "sum", "count"]),
    ],
)  # fmt: skip
def test_the_same_query_is_equal_to_the_last_bit_in_every_format(world, more, names):
    place = world.places[YUSHU]
    asked = {
        "datastream": [place.temperature, place.moisture],
        "start": "2026-04-28T17:03:00Z",
        "end": "2026-05-02",
        "limit": 20_000,
        **more,
    }
    plain = of_json(ask(world, "json", **asked), names)
    assert len(plain) >= 4
    assert of_csv(ask(world, "csv", **asked), names) == plain
    whole = {name: value for name, value in asked.items() if name != "limit"}
    for table in (*tables(world, **asked), *tables(world, **whole)):
        assert of_table(table, names) == plain
    if "revisions" in names:
        replaced = [r for r in plain if r["revisions"]]
        assert len(replaced) == 99  # -0.0 is the same value, however it is scaled
        assert {of[3] for r in replaced for of in r["revisions"]} == {"http"}
        assert {r["raw_unit"] for r in replaced} == {"%"}
        assert {"REVISED"} <= {flag for r in replaced for flag in r["quality"]}


def test_units_labels_and_flags_travel_with_the_columns(world):
    place = world.places[YUSHU]
    asked = {"datastream": [place.moisture, place.temperature], "include": "received"}
    for table in tables(world, **asked):
        schema = table.schema
        assert schema.field("time").type == pa.timestamp("us", tz="UTC")
        assert schema.field("received").type == pa.timestamp("us", tz="UTC")
        assert schema.field("quality").type.value_type == pa.string()
        assert set(table["unit"].to_pylist()) == {"m3/m3", "Cel"}
        assert set(table["quantity"].to_pylist()) == {"soil_moisture", "soil_temperature"}
        told = json.loads(schema.metadata[b"heitu:series"])
        assert told == world.get("/v1/observations", params=asked).json()["series"]
        assert told[0]["label"]["zh"] == "土壤体积含水量"
    for table in tables(world, datastream=place.moisture):
        assert table.schema.field("value").metadata == {b"unit": b"m3/m3"}


@pytest.mark.parametrize("kind", FORMATS)
def test_no_answer_holds_a_value_that_is_no_number(world, kind):
    # the hours of flagged readings only have no mean: null, never NaN
    place = world.places[YUSHU]
    asked = {"datastream": place.moisture, "bucket": "hour", "start": "2026-03-27",
             "aggregation": "mean,min,max,last,sum"}  # fmt: skip
    got = ask(world, kind, limit=2000, **asked)
    if kind in ("json", "csv"):
        assert "nan" not in got.text.lower()
        assert "inf" not in got.text.lower()
    table = tables(world, **asked)[0]
    assert table["mean"].null_count > 0
    assert not np.isnan(table["mean"].drop_null().to_numpy()).any()


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_answer_is_whole_too(world, kind):
    stream = world.places[YUSHU].moisture
    for more in ({}, {"bucket": "day"}, {"points": 9}):
        got = ask(world, kind, datastream=stream, start="2020-01-01", end="2020-01-02", **more)
        if kind == "parquet":
            assert parquet.read_table(io.BytesIO(got.content)).num_rows == 0
        if kind == "arrow":
            assert pa.ipc.open_stream(got.content).read_all().num_rows == 0


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/csv", "text/csv"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("text/html, application/vnd.apache.arrow.stream;q=0.9",
         "application/vnd.apache.arrow.stream"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ],
)  # fmt: skip
def test_accept_chooses_the_format(world, accept, media):
    stream = world.places[YUSHU].moisture
    got = world.get("/v1/observations", params={"datastream": stream}, headers={"Accept": accept})
    assert got.headers["content-type"].startswith(media)
    assert got.headers["vary"].startswith("Accept")


@pytest.fixture(scope="module")
def million(postgres, seed):
    """A stream of a million readings, one each second."""
    with opened(postgres, seed) as made:
        stream = made.places[DUNHUA].temperature
        n = 1_000_000
        end = int(datetime.fromisoformat("2026-03-01T00:00:00Z").timestamp())
        at = (end - np.arange(n)[::-1]) * 1_000_000
        value = 12 + np.sin(np.arange(n) / 5000) + np.random.default_rng(2).normal(size=n) / 10
        for part in np.array_split(np.arange(n), 10):
            with made.platform.database.writing() as tx:
                readings.add(tx, block(stream, at[part], value[part]))
        yield made, stream, value


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_a_million_readings_stream_in_bounded_memory(million, kind, record_testsuite_property):
    made, stream, value = million
    process, peak, done = psutil.Process(), [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    asked = {"datastream": stream, "start": "2026-01-01", "end": "2026-03-02", "format": kind}
    rows, size, began = 0, 0, process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    tail = b""
    with made.client.stream(
        "GET", "/v1/observations", params=asked, headers=made.headers(), timeout=120
    ) as got:
        assert got.status_code == 200
        for chunk in got.iter_bytes(1 << 16):
            size += len(chunk)
            rows += chunk.count(b"\n")
            tail = (tail + chunk)[-200:]
    done.set()
    watcher.join()
    grown = (peak[0] - began) / 2**20
    record_testsuite_property(kind, f"{size / 2**20:.0f} MB, resident memory +{grown:.0f} MB")
    # server and client are this process; the whole would be 48 MB of numbers, 110 MB of CSV
    # and more than 500 MB of objects
    assert grown < 90
    if kind == "csv":
        assert rows == 1_000_001
        last = tail.decode().splitlines()[-1].split(",")
        assert float(last[-2]) == value[-1]
    if kind == "parquet":
        assert tail.endswith(b"PAR1")


def test_a_million_readings_are_the_same_in_parquet(million):
    made, stream, value = million
    got = made.get(
        "/v1/observations",
        params={"datastream": stream, "start": "2026-01-01", "end": "2026-03-02",
                "format": "parquet"},
        timeout=120,
    )  # fmt: skip
    table = parquet.read_table(io.BytesIO(got.content))
    assert table.num_rows == 1_000_000
    assert (table["value"].to_numpy() == value).all()
    assert (np.diff(table["time"].cast(pa.int64()).to_numpy()) == 1_000_000).all()


def test_a_reader_that_leaves_ends_the_export(million):
    made, stream, _ = million
    asked = {"datastream": stream, "start": "2026-01-01", "end": "2026-03-02", "format": "csv"}
    with made.client.stream("GET", "/v1/observations", params=asked, headers=made.headers()) as got:
        next(got.iter_bytes(1 << 16))
    # every connection is free again: more requests than the pool has
    time.sleep(0.2)
    for _ in range(10):
        assert made.get("/v1/me", role=Role.VIEWER).status_code == 200


def test_head_says_what_get_would_without_reading_it_all(million):
    made, stream, _ = million
    began = time.perf_counter()
    got = made.client.head(
        "/v1/observations",
        params={"datastream": stream, "start": "2026-01-01", "end": "2026-03-02", "format": "csv"},
        headers=made.headers(),
    )
    assert got.status_code == 200
    assert got.content == b""
    assert time.perf_counter() - began < 3
