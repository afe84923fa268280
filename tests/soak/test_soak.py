"""The ingestor for an hour at 1,000 readings/s: memory and file descriptors stay flat.

``SOAK_MINUTES`` sets another length. The slope is fitted to the resident memory after a
warm-up of a quarter of the run, and printed beside its own uncertainty; a run of an hour
decides, a shorter one only shows a gross leak.
"""

import os
import sys
import time

import numpy as np
import psutil
import pytest

from models.store import ledger
from tests import brokers, probes
from tests.benchmarks.blaster import Load
from tests.faults import parts
from tests.faults.test_flood import Sender
from tests.probes import until

MINUTES = float(os.environ.get("SOAK_MINUTES", "60"))
RATE, PROBES, PER_MESSAGE = 1_000, 200, 2
LIMIT = 1.0  # MB an hour
pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(int(MINUTES * 60 + 600)),
    pytest.mark.skipif("SOAK_MINUTES" not in os.environ, reason="an hour long: make soak"),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]


def slope(samples):
    """MB an hour after the warm-up, and the standard error of the fit."""
    seconds, sizes = np.array(samples, float).T[:2]
    late = seconds > seconds[-1] / 4
    hours, size = seconds[late] / 3600, sizes[late] / 2**20
    (steep, _), spread = np.polyfit(hours, size, 1, cov=True)
    return steep, float(np.sqrt(spread[0][0]))


def test_an_hour(province, fresh_url, tmp_path):
    probes.plant(province, PROBES, streams=probes.SOIL[:1])
    n = int(MINUTES * 60 * RATE / PER_MESSAGE)
    samples, began = [], time.monotonic()
    with (
        brokers.mosquitto(tmp_path / "mqtt") as port,
        parts.running(fresh_url, port) as process,
    ):
        watched = psutil.Process(process.pid)
        # readings are stamped when sent: hours, days and weeks pass as in life
        load = Load(port, n, PER_MESSAGE, PROBES, rate=RATE / PER_MESSAGE, live=True)
        sender = Sender(load)
        while sender.process.poll() is None:
            time.sleep(2)
            assert process.ready()
            samples.append((time.monotonic() - began, watched.memory_info().rss, watched.num_fds()))
        sender.end()
        until(lambda: parts.totals(province).received == n * PER_MESSAGE)
    steep, error = slope(samples)
    descriptors = [fds for at, _, fds in samples if at > samples[-1][0] / 4]
    sys.stdout.write(
        f"\nsoak, {MINUTES:g} min at {RATE} readings/s: {samples[-1][1] / 2**20:.0f} MB resident, "
        f"{steep:+.2f} +- {2 * error:.2f} MB/h after the warm-up (limit {LIMIT:g}); file "
        f"descriptors {min(descriptors)} to {max(descriptors)}\n"
    )
    with province.reading() as tx:
        held = ledger.reconciliation(tx)
    assert held.agrees
    assert (held.totals.stored, held.totals.quarantined) == (n * PER_MESSAGE, 0)
    assert max(descriptors) - min(descriptors) <= 3
    if MINUTES >= 60:
        assert steep <= LIMIT
