"""The store path against its limit: bare COPY into a table without index, same rows, same run.

Batches of 10,000 readings, 200 datastreams, synchronous_commit on, one connection. Each
round runs every path once in a shuffled order and the median of each path is compared: this
machine is shared, and two runs a minute apart differ by 20 %.
"""

import random
import statistics
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from ingest.mqtt.wire import micros
from models.reading import BLOCK
from models.store import readings
from tests import probes

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
BATCH, STREAMS, BATCHES, ROUNDS = 10_000, 200, 20, 5
TARGET = 0.30
FIRST = datetime(2026, 5, 4, tzinfo=UTC)


def blocks(ids, first_minute):
    """Batches as an ingestor sees them: every probe once a minute, 50 minutes a batch."""
    per_stream = BATCH // STREAMS
    noise = np.random.default_rng(1)
    for k in range(BATCHES):
        block = np.zeros(BATCH, BLOCK)
        minutes = first_minute + k * per_stream + np.repeat(np.arange(per_stream), STREAMS)
        block["datastream_id"] = np.tile(ids, per_stream)
        block["phenomenon_time"] = micros(FIRST) + minutes * 60_000_000
        block["value"] = noise.normal(15, 5, BATCH).round(2)
        yield block


def rate(work, batches):
    batches = list(batches)
    began = time.perf_counter()
    for block in batches:
        work(block)
    return len(batches) * BATCH / (time.perf_counter() - began)


@pytest.fixture
def paths(province):
    """Name -> what stores one batch, each in a transaction of its own."""
    probes.plant(province, STREAMS, streams=probes.SOIL[:1])
    with province.writing() as tx:
        tx.driver.execute("CREATE TABLE bare (id int, time timestamptz, value float8, q int2)")

    def bare(block):
        with pytest.MonkeyPatch.context() as patch, province.writing() as tx:
            patch.setattr(readings, "_COPY", "COPY bare FROM STDIN (FORMAT binary)")
            readings._copy(tx, block)

    def plain(block):  # the key, the partitions and the savepoint, nothing else
        block = np.sort(block, order=["datastream_id", "phenomenon_time"])
        with province.writing() as tx:
            readings._ensure_weeks(tx, block)
            readings._copy_new(tx, block)

    def ours(block):
        with province.writing() as tx:
            assert not readings.add(tx, block).any()

    return {"bare COPY": bare, "insert alone": plain, "readings.add": ours}


def test_durable_idempotent_insert(province, paths):
    with province.reading() as tx:
        found = tx.driver.execute("SELECT id FROM datastream ORDER BY id").fetchall()
    ids = np.array([row[0] for row in found])
    chance, rates = random.Random(3), {name: [] for name in paths}
    minute = 0
    for _ in range(ROUNDS + 1):
        for name in chance.sample(list(paths), len(paths)):
            rates[name].append(rate(paths[name], blocks(ids, minute)))
            minute += BATCHES * BATCH // STREAMS
    median = {name: statistics.median(all_[1:]) for name, all_ in rates.items()}  # first: warm-up
    limit = median["bare COPY"]
    sys.stdout.write("\nstore path, rows/s (10,000 a batch, median of 5 rounds)\n")
    for name, value in median.items():
        sys.stdout.write(f"  {name:<14} {value:>10,.0f}   {value / limit:6.1%} of bare COPY\n")
    assert median["readings.add"] / limit >= TARGET
