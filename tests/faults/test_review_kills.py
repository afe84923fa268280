"""A review killed again and again leaves the flags of one that was not."""

import random
import subprocess
import sys
import time

import numpy as np
import pytest

from analytics.quality.limits import limits
from analytics.quality.series import series_flags
from models import reading
from models.store import readings
from models.store import review as queues
from tests import probes
from tests.probes import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
STREAMS, N = 40, 2_000
_REVIEW = """\
import sys
from ingest.review import catch_up
from models.store.database import Database
database = Database(sys.argv[1])
catch_up(database)
database.close()
"""


def faulty(seed):
    rng = np.random.default_rng(seed)
    times = 1_777_000_000_000_000 + np.arange(N) * 600_000_000
    values = np.round(15 + np.cumsum(rng.normal(0, 0.05, N)), 2)
    values[rng.integers(0, N, 20)] += 8
    at = int(rng.integers(100, N - 300))
    values[at : at + 200] = values[at]
    return times, values


def test_a_review_killed_twelve_times(province, fresh_url):
    probes.plant(province, STREAMS, streams=probes.SOIL[:1])
    with province.reading() as tx:
        found = tx.driver.execute("SELECT id FROM datastream ORDER BY id").fetchall()
    series = {row[0]: faulty(row[0]) for row in found}
    everything = np.concatenate([reading.block(i, *own) for i, own in series.items()])
    chance = random.Random(7)
    np.random.default_rng(1).shuffle(everything)
    for part in np.array_split(everything, 200):
        with province.writing() as tx:
            readings.add(tx, part)
    command = [sys.executable, "-c", _REVIEW, fresh_url]
    waited = []
    for _ in range(12):
        process = subprocess.Popen(command)
        time.sleep(chance.uniform(0.7, 1.5))
        process.kill()
        process.wait(5)
        with province.reading() as tx:
            waited.append(queues.standing(tx)[1])
    until(lambda: subprocess.run(command, check=True, timeout=120).returncode == 0)
    assert waited[0] > 0
    limit = limits("soil_temperature")
    with province.reading() as tx:
        assert queues.standing(tx)[1] == 0
        for stream, (times, values) in series.items():
            expected = series_flags(times, values, np.zeros(N, np.int16), limit)
            rows = tx.driver.execute(
                "SELECT quality FROM reading WHERE datastream_id = %s ORDER BY time", [stream]
            ).fetchall()
            kept = np.array([row[0] for row in rows]) & ~16  # stations are compared elsewhere
            assert kept.tolist() == expected.tolist()
