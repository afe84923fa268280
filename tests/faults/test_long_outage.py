"""The database stopped for ten minutes at 1,000 readings/s; run by `make test-faults-long`."""

import os
import time

import pytest

from tests import brokers
from tests.benchmarks.blaster import Load
from tests.faults import parts
from tests.faults.test_flood import Sender, Watch
from tests.probes import until

AWAY = 60 * float(os.environ.get("HEITU_TEST_OUTAGE_MINUTES", "10"))  # seconds
RATE, PROBES = 1_000, 100
pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(int(3 * AWAY + 300)),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
    pytest.mark.skipif(
        not os.environ.get("HEITU_TEST_LONG"), reason="ten minutes long: make test-faults-long"
    ),
]


def test_ten_minutes_without_the_database(tmp_path, jilin, capsys):
    store = parts.Store(tmp_path / "pg", jilin, PROBES)
    n, peak = int(RATE * (AWAY + 20)), [0]
    try:
        with (
            brokers.mosquitto(tmp_path / "mqtt") as port,
            parts.running(store.server.url, port) as process,
        ):
            watch = Watch(process.pid, peak)
            sender = Sender(Load(port, n, devices=PROBES, rate=RATE))
            until(lambda: parts.totals(store.database).stored > 5 * RATE)
            store.database.close()
            store.server.stop()
            left = time.monotonic()
            until(lambda: process.figure("ready") == 0.0, patience=30, pause=0.5)
            noticed = time.monotonic() - left
            while time.monotonic() - left < AWAY:
                time.sleep(min(5, AWAY))
                assert process.figure("ready") == 0.0
            store.server.start()
            back = time.monotonic()
            until(process.ready, patience=60, pause=0.2)
            ready = time.monotonic() - back
            sender.end()
            until(lambda: parts.totals(store.database).stored == n, patience=2 * AWAY, pause=0.5)
            drained = time.monotonic() - back
            watch.stop()
        totals, aside = parts.account(store.database)
    finally:
        store.close()
    parts.tell(
        capsys,
        f"database away {AWAY:.0f} s at {RATE} readings/s: not ready after {noticed:.1f} s, ready "
        f"{ready:.1f} s after the return, drained after {drained:.0f} s; {totals.stored:,} stored, "
        f"{totals.duplicate} duplicate; memory at most {peak[0] / 2**20:.0f} MB",
    )
    assert (totals.received, totals.stored, aside) == (n, n, {})
    assert drained <= 2 * AWAY
