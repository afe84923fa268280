"""The store path against its limit: bare COPY into a table without index, same rows, same run.

Batches of 10,000 readings, 200 datastreams, synchronous_commit on, one connection. The paths
take turns batch by batch, in a shuffled order, and their median times are compared: on a
shared machine two runs a minute apart differ by 20 % and more.
"""

import random
import statistics
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from ingest.mqtt.wire import micros
from models import reading
from models.store import readings, recording
from tests import probes

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
BATCH, STREAMS, BATCHES, WARM_UP = 10_000, 200, 160, 20
MINUTES = BATCH // STREAMS  # a batch spans
TARGET = 0.30
MARGIN = 0.05  # newest values and the rollup queue, kept in the same transaction
FIRST = datetime(2026, 5, 4, tzinfo=UTC)


def blocks(ids, first_minute):
    """Batches as an ingestor sees them: every probe once a minute, 50 minutes a batch."""
    noise = np.random.default_rng(1)
    for k in range(BATCHES):
        minutes = first_minute + k * MINUTES + np.repeat(np.arange(MINUTES), STREAMS)
        times = micros(FIRST) + minutes * 60_000_000
        values = noise.normal(15, 5, BATCH).round(2)
        yield reading.block(np.tile(ids, MINUTES), times, values, unit="Cel")


@pytest.fixture
def paths(province):
    """Name -> what stores one batch, each in a transaction of its own."""
    probes.plant(province, STREAMS, streams=probes.SOIL[:1])
    with province.writing() as tx:
        tx.driver.execute("CREATE TABLE bare (LIKE reading)")  # no key, no partitions

    def bare(block):
        with pytest.MonkeyPatch.context() as patch, province.writing() as tx:
            patch.setattr(recording, "_COPY", "COPY bare FROM STDIN (FORMAT binary)")
            recording._copy(tx, block, recording._unit_numbers(tx, block))

    def plain(block):  # the key, the partitions and the savepoint, nothing else
        block = block.take(np.lexsort((block["phenomenon_time"], block["datastream_id"])))
        with province.writing() as tx:
            recording._ensure_weeks(tx, block)
            recording._copy_new(tx, block, "mqtt")

    def ours(block):
        with province.writing() as tx:
            assert not readings.add(tx, block).any()

    return {"bare COPY": bare, "insert alone": plain, "readings.add": ours}


def test_durable_idempotent_insert(province, paths):
    with province.reading() as tx:
        found = tx.driver.execute("SELECT id FROM datastream ORDER BY id").fetchall()
    ids = np.array([row[0] for row in found])
    chance, times = random.Random(3), {name: [] for name in paths}
    sources = {name: blocks(ids, k * BATCHES * MINUTES) for k, name in enumerate(paths)}
    for _ in range(BATCHES):
        for name in chance.sample(list(paths), len(paths)):
            block = next(sources[name])
            began = time.perf_counter()
            paths[name](block)
            times[name].append(time.perf_counter() - began)
    # the first batches make partitions and fill caches
    typical = {name: statistics.median(taken[WARM_UP:]) for name, taken in times.items()}
    limit = typical["bare COPY"]
    sys.stdout.write(f"\nstore path, rows/s (10,000 a batch, median of {BATCHES - WARM_UP})\n")
    for name, taken in typical.items():
        share = limit / taken
        sys.stdout.write(f"  {name:<14} {BATCH / taken:>10,.0f}   {share:6.1%} of bare COPY\n")
    assert limit / typical["insert alone"] >= TARGET
    assert limit / typical["readings.add"] >= TARGET - MARGIN
