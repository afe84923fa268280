"""What the watch over alarms costs: 10,000 streams under rules, and the queue it feeds on."""

import statistics
import time
from datetime import timedelta

import numpy as np
import pytest

from models import reading
from models.alarm import Kind, Side, Term
from models.store import readings
from tests.analytics.alarms.rules import rule
from tests.ingest.alarms.bench import START, Bench, microseconds

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
STREAMS = 10_000
ROUNDS = 6
EVERY = 10.0  # seconds between two values of a stream: 1,000 readings a second


@pytest.fixture
def crowd(province):
    """2,000 devices of five channels, every one under a threshold, half under a second rule."""
    bench = Bench(province)
    with province.writing() as tx:
        run = tx.connection.exec_driver_sql
        run(
            "INSERT INTO farm (key, name_zh, name_en, kind, region_code, lon, lat, provenance) "
            "SELECT 'f' || i, '甲', 'A', 'field', '220182', 126.5, 44.8, 'synthetic' "
            "FROM generate_series(1, 100) i"
        )
        run(
            "INSERT INTO device (key, farm_id, region_code, name_zh, name_en, lon, lat, "
            "provenance) SELECT 'd' || i, mod(i, 100) + 1, '220182', '甲', 'A', 126.5, 44.8, "
            "'synthetic' FROM generate_series(1, 2000) i"
        )
        run(
            "INSERT INTO datastream (device_id, channel, quantity, unit, depth_cm) "
            "SELECT d.id, 't' || k, 'soil_temperature', 'Cel', 10 * k FROM device d, "
            "generate_series(1, 5) k"
        )
        run("INSERT INTO cadence (datastream_id, seconds) SELECT id, 600 FROM datastream")
    below = Term("soil_temperature", Side.BELOW, 2.0, 1.0)
    shallow = Term("soil_temperature", Side.BELOW, 0.0, 0.0, (0.0, 20.0))
    bench.keep(
        rule(terms=(below,), hold_s=60.0),
        rule(Kind.FLAT_LINE, (shallow,), key="flat", window_s=86_400.0),
        rule(Kind.NO_DATA, (), key="no-data"),
    )
    return bench


def store(bench, ids, dice, cold):
    """One value of each stream, spread over the round, in ten batches."""
    values = np.where(np.arange(len(ids)) < cold, 1.0, 8.0) + dice.normal(0, 0.3, len(ids))
    spread = (np.arange(len(ids)) * (EVERY * 1e6 / len(ids))).astype(np.int64)
    block = reading.block(ids, microseconds(bench.now) + spread, values)
    with bench.database.writing() as tx:
        for part in np.array_split(block, 10):
            readings.add(tx, part)
        bench.now += timedelta(seconds=EVERY)
        bench.stamp(tx)


def test_a_look_at_ten_thousand_streams(crowd, capsys):
    bench, dice, spent = crowd, np.random.default_rng(1), []
    ids = np.array([row[0] for row in bench.rows("SELECT id FROM datastream ORDER BY id")])
    bench.look()
    for _ in range(ROUNDS):
        store(bench, ids, dice, 20)
        bench.now += timedelta(seconds=25)  # so that all of it is due in one look
        wall, cpu = time.perf_counter(), time.process_time()
        seen = bench.look()
        spent.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert seen == STREAMS
    wall = statistics.median(w for w, _ in spent[1:])
    cpu = statistics.median(c for _, c in spent[1:])
    idle = time.perf_counter()
    for _ in range(20):
        bench.look()
    idle = (time.perf_counter() - idle) / 20
    states, opened = bench.rows("SELECT (SELECT count(*) FROM alarm_state), count(*) FROM alarm")[0]
    with capsys.disabled():
        print(
            f"\nalarms: {STREAMS} streams, {states} rule states, one value each: a look takes "
            f"{wall * 1000:.0f} ms ({wall / STREAMS * 1e6:.0f} us a reading, Python "
            f"{cpu / STREAMS * 1e6:.0f} us); at a value each 10 s {wall / EVERY:.1%} of a core; "
            f"a look with nothing to do {idle * 1000:.1f} ms; {opened} alarms opened"
        )
    assert opened > 0


def test_what_the_queue_adds_to_a_batch(crowd, capsys, monkeypatch):
    from models.store import recording

    dice = np.random.default_rng(2)
    ids = np.arange(1, 2001)
    took = {True: [], False: []}
    told = recording._tell_watch
    for n in range(30):
        with_queue = n % 2 == 0
        monkeypatch.setattr(recording, "_tell_watch", told if with_queue else lambda tx, rows: None)
        at = microseconds(START + timedelta(seconds=n))
        block = reading.block(ids, at, dice.random(len(ids)))
        began = time.perf_counter()
        with crowd.database.writing() as tx:
            readings.add(tx, block)
        took[with_queue].append(time.perf_counter() - began)
    plain, queued = statistics.median(took[False]), statistics.median(took[True])
    with capsys.disabled():
        print(
            f"\nalarms: a batch of 2,000 readings of 2,000 streams {plain * 1000:.1f} ms, with the "
            f"queue of arrivals {queued * 1000:.1f} ms ({queued / plain - 1:+.1%})"
        )
