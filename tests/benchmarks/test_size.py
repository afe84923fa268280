"""From 10^6 to 10^7 stored readings (10^8 with HEITU_TEST_LARGE=1): what becomes slower?

The history is made inside the database. The same work is then done on every size, in turns:
a batch of live readings, the newest values of a county, 30 days of a datastream, raw and by
the hour. HEITU_TEST_TIMESCALE_DSN names a TimescaleDB server to do the same on (databases of
its own are made and dropped there).
"""

import contextlib
import os
import random
import secrets
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ingest.mqtt.wire import micros
from models.reading import block
from models.store import places, readings
from models.store.database import Database
from models.store.migrations import migrate
from tests import probes

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7_200)]
COUNTY, TARGET = 200, 1.3
START, EVERY = datetime(2024, 1, 1, tzinfo=UTC), timedelta(minutes=10)
WEEK = 7 * 144  # readings of a datastream
# size -> datastreams, readings of each: a province grows in both ways
SIZES = {10**6: (200, 5_000), 10**7: (1_000, 10_000)}
if os.environ.get("HEITU_TEST_LARGE"):
    SIZES[10**8] = (5_000, 20_000)
ROUNDS, BATCH = 60, 50  # batches of 200 datastreams x 50 readings
_FILL = """\
INSERT INTO reading (datastream_id, seq, time, value, raw, received, quality, unit)
SELECT s, 0, t, v, v, t, 0, (SELECT id FROM wire_unit WHERE code = '')
FROM (SELECT s, %(start)s::timestamptz + k * interval '10 minutes' AS t,
             round((15 + 10 * sin(k / 23.0 + s))::numeric, 2)::float8 AS v
      FROM generate_series(1, %(streams)s::int) AS s,
           generate_series(%(first)s::int, %(last)s::int) AS k
      ORDER BY s, k) AS made"""
_ROLL = """\
INSERT INTO reading_hourly (bucket, datastream_id, n, n_good, s, mn, mx, last)
SELECT bucket('1 hour', time), datastream_id, count(*), count(*), sum(value::numeric),
       min(value), max(value), (array_agg(value ORDER BY time DESC))[1]
FROM reading WHERE time >= %(since)s AND time < %(until)s GROUP BY 1, 2"""
_LATEST = """\
INSERT INTO reading_latest (datastream_id, time, value, quality)
SELECT s, %s, 15, 0 FROM generate_series(1, %s::int) AS s ON CONFLICT DO NOTHING"""


class Sized:
    """A store that holds so many readings."""

    def __init__(self, url, size, jilin):
        migrate(url)
        self.database, self.size = Database(url, pool_size=2), size
        self.streams, self.each = SIZES[size]
        with self.database.writing() as tx:
            places.add_regions(tx, *jilin)
        probes.plant(self.database, COUNTY, streams=probes.SOIL[:1])
        began = time.perf_counter()
        self._fill()
        self.filled = time.perf_counter() - began
        self.end = START + self.each * EVERY
        self.chance = random.Random(size)

    def _fill(self):
        connection = self.database.connect()
        connection.autocommit = True
        try:
            for first in range(0, self.each, WEEK):
                self._fill_week(connection, first, min(first + WEEK, self.each) - 1)
            connection.execute(_LATEST, (START, self.streams))
            connection.execute("VACUUM (ANALYZE) reading")
            if self.database.timescale:
                rolled = "CALL refresh_continuous_aggregate('reading_hourly', NULL, NULL)"
            else:
                rolled = "VACUUM (ANALYZE) reading_hourly"
            connection.execute(rolled)
            connection.execute("CHECKPOINT")
        finally:
            connection.close()

    def _fill_week(self, connection, first, last):
        since, until = START + first * EVERY, START + (last + 1) * EVERY
        week = (since - datetime(2000, 1, 3, tzinfo=UTC)).days // 7
        connection.execute("SELECT ensure_partitions(%s::int[])", ([week, week + 1],))
        asked = {"start": START, "streams": self.streams, "first": first, "last": last}
        connection.execute(_FILL, asked)
        if not self.database.timescale:
            connection.execute(_ROLL, {"since": since, "until": until})

    def insert(self):
        times = micros(self.end) + np.tile(np.arange(BATCH), COUNTY) * 600_000_000
        made = block(np.repeat(np.arange(1, COUNTY + 1), BATCH), times, 15.5)
        self.end += BATCH * EVERY
        with self.database.writing() as tx:
            assert not readings.add(tx, made).any()

    def latest(self):
        with self.database.reading() as tx:
            assert len(readings.latest_rows(tx, prefix="2201", limit=1_000)) == COUNTY

    def _span(self):
        since = START + timedelta(days=self.chance.uniform(0, self.each / 144 - 30.1))
        return self.chance.randint(1, COUNTY), since, since + timedelta(days=30)

    def raw_series(self):
        stream, since, until = self._span()
        with self.database.reading() as tx:
            assert len(readings.series(tx, [stream], since, until, limit=10_000)) == 4_320

    def hourly_series(self):
        stream, since, until = self._span()
        with self.database.reading() as tx:
            assert len(readings.bucket_rows(tx, stream, since, until, "hour")) >= 719


@contextlib.contextmanager
def stored(server, size, jilin):
    """A store of that size in a database of its own."""
    name = f"heitu_size_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    sized = Sized(make_conninfo(server, dbname=name), size, jilin)
    try:
        yield sized
    finally:
        sized.database.close()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


WORK = ("insert", "latest", "raw_series", "hourly_series")


def test_a_larger_store_is_not_slower(request, jilin):
    server = os.environ.get("HEITU_TEST_TIMESCALE_DSN")
    server = server or request.getfixturevalue("postgres").url
    chance = random.Random(1)
    with contextlib.ExitStack() as stack:
        stores = [stack.enter_context(stored(server, size, jilin)) for size in SIZES]
        taken = {(work, store.size): [] for work in WORK for store in stores}
        for _ in range(ROUNDS):
            for work, store in chance.sample([(w, s) for w in WORK for s in stores], len(taken)):
                began = time.perf_counter()
                getattr(store, work)()
                taken[work, store.size].append(time.perf_counter() - began)
        engine = "TimescaleDB" if stores[0].database.timescale else "PostgreSQL"
        filled = ", ".join(f"10^{len(str(s.size)) - 1} in {s.filled:.0f} s" for s in stores)
    # the first turns make partitions and plans, and fill caches
    typical = {key: statistics.median(found[10:]) for key, found in taken.items()}
    sys.stdout.write(f"\nsize of the store, {engine}, ms, median of {ROUNDS - 10} ({filled})\n")
    small = min(SIZES)
    for work in WORK:
        figures = [
            f"{1000 * typical[work, size]:8.1f} ({typical[work, size] / typical[work, small]:.2f})"
            for size in SIZES
        ]
        sys.stdout.write(f"  {work:<14}{' '.join(figures)}  (target {TARGET})\n")
