"""The database away for a minute, hung or shut down: nothing is lost, and it says so."""

import random
import signal
import threading
import time

import pytest

from tests import brokers
from tests.faults import parts
from tests.faults.test_kills import PROBES, holds_each_reading_once, messages, publish
from tests.probes import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(240),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
AWAY = 60.0  # seconds
READINGS = 40_000


def hang(store):
    store.signal(signal.SIGSTOP)
    return lambda: store.signal(signal.SIGCONT)


def shut_down(store):
    store.server.stop()
    return store.server.start


@pytest.mark.parametrize("leave", [hang, shut_down])
def test_the_database_away_for_a_minute(tmp_path, jilin, leave, capsys):
    store = parts.Store(tmp_path / "pg", jilin, PROBES)
    try:
        with (
            brokers.mosquitto(tmp_path / "mqtt") as port,
            parts.running(store.server.url, port) as process,
        ):
            sending = messages(random.Random(7), READINGS)
            sender = threading.Thread(target=publish, args=(port, sending, AWAY))
            sender.start()
            until(lambda: parts.totals(store.database).stored > 500)
            store.database.close()
            come_back = leave(store)
            left = time.monotonic()
            until(lambda: process.figure("ready") == 0.0, patience=30, pause=0.5)
            noticed = time.monotonic() - left
            time.sleep(max(0.0, AWAY - noticed))
            assert process.alive
            assert process.figure("lag_seconds") > AWAY / 2
            come_back()
            back = time.monotonic()
            until(process.ready, patience=15, pause=0.2)
            parts.tell(
                capsys,
                f"{leave.__name__}: said so after {noticed:.1f} s, "
                f"ready {time.monotonic() - back:.1f} s after the return",
            )
            sender.join()
            until(lambda: parts.totals(store.database).stored >= READINGS, patience=60)
        holds_each_reading_once(store.database, READINGS)
    finally:
        if store.server.running:
            store.signal(signal.SIGCONT)
        store.close()
