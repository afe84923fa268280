"""Killed with -9 again and again, the ingestor stores every reading once."""

import random
import threading
import time

import pytest

from models.reading import BAD
from models.store import rollups
from tests import brokers, probes
from tests.faults import parts
from tests.probes import Publisher, reading, topic, until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(240),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
PROBES = 50


def messages(chance, readings):
    """Messages of 1 to 20 readings that hold ``readings`` distinct ones in all."""
    made, i = [], 0
    while i < readings:
        n = min(chance.choice([1, 1, 1, 1, 5, 20]), readings - i)
        key = f"probe-{len(made) % PROBES}"
        made.append((topic(key), [reading(k) for k in range(i, i + n)]))
        i += n
    return made


def publish(port, sending, seconds):
    """Publish at a steady rate for about so many seconds."""
    began = time.monotonic()
    with Publisher(port) as publisher:
        for k, (to, document) in enumerate(sending):
            publisher.send(to, document)
            ahead = k / len(sending) * seconds - (time.monotonic() - began)
            if ahead > 0.01:
                time.sleep(ahead)


def survive(database, url, port, *, readings, kills, seconds, seed):
    chance = random.Random(seed)
    probes.plant(database, PROBES)
    process = parts.Process(url, port).start()
    until(process.ready)  # the session exists from here on: nothing published is lost
    sending = messages(chance, readings)
    sender = threading.Thread(target=publish, args=(port, sending, seconds))
    sender.start()
    stored = []
    for _ in range(kills):
        time.sleep(chance.uniform(0.2, 1.0))
        process.kill()
        stored.append(parts.totals(database).stored)
        process = parts.Process(url, port).start()
        # half of them die before they are ready, the others while they work
        if chance.random() < 0.5:
            until(process.ready)
    sender.join()
    until(lambda: parts.totals(database).stored >= readings, patience=90, pause=0.2)
    until(lambda: process.figure("waiting_messages") == 0.0)
    process.stop()
    return stored


def holds_each_reading_once(database, readings):
    totals, aside = parts.account(database)
    assert totals.stored == readings
    assert aside == {}
    rollups.refresh(database)
    with database.reading() as tx:
        query = "SELECT count(*), count(DISTINCT (datastream_id, time)), sum(value::numeric)"
        good = f"sum(value::numeric) FILTER (WHERE quality & {int(BAD)} = 0)"  # as rolled up
        n, distinct, total, sound = tx.driver.execute(f"{query}, {good} FROM reading").fetchone()
        rolled = tx.driver.execute("SELECT sum(n), sum(s) FROM reading_daily").fetchone()
    expected = sum(reading(i)["value"] for i in range(readings))
    assert (n, distinct) == (readings, readings)
    assert float(total) == pytest.approx(expected, abs=1e-3)
    assert rolled == (n, sound)
    return totals


def test_twenty_kills_while_100_000_readings_are_published(province, fresh_url, tmp_path, capsys):
    with brokers.mosquitto(tmp_path / "mqtt") as port:
        stored = survive(province, fresh_url, port, readings=100_000, kills=20, seconds=30, seed=20)
    totals = holds_each_reading_once(province, 100_000)
    parts.tell(
        capsys,
        f"20 kills: 100,000 readings stored once, {totals.duplicate} came twice; "
        f"stored at the kills: {stored}",
    )
    assert stored[0] < 100_000  # else the kills came too late to prove anything


@pytest.mark.parametrize(("window", "readings"), [(1, 6_000), (20, 20_000), (500, 40_000)])
def test_any_window_of_the_broker(province, fresh_url, tmp_path, window, readings):
    with brokers.mosquitto(tmp_path / "mqtt", window) as port:
        survive(province, fresh_url, port, readings=readings, kills=3, seconds=5, seed=window)
    holds_each_reading_once(province, readings)
