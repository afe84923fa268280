"""A station between devices and the whole province: kills and an outage of three days."""

import contextlib
import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests import brokers, probes
from tests.faults import parts
from tests.ingest.edge import stations
from tests.probes import Publisher, topic, until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(240),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
PROBES = 20
NOW = datetime.now(UTC).replace(microsecond=0)


def message(i, n, span):
    """The i-th of n messages of a span that ends now: one reading of one of the probes."""
    at = NOW - span + span / n * i
    document = {"time": at.isoformat(), "channel": "soil_temperature_10", "value": i % 400 / 10}
    return topic(f"probe-{i % PROBES}"), document


def rows(database):
    query = (
        "SELECT count(*), count(DISTINCT (datastream_id, time)), sum(value::numeric) FROM reading"
    )
    with database.reading() as tx:
        return tx.driver.execute(query).fetchone()


def holds(database, n):
    expected = sum(round(i % 400 / 10, 1) for i in range(n))
    found, distinct, total = rows(database)
    assert (found, distinct) == (n, n)
    assert float(total) == pytest.approx(expected, abs=1e-3)
    totals, aside = parts.account(database)
    assert aside == {}
    return totals


def test_twenty_kills_of_a_station(province, fresh_url, tmp_path, capsys):
    n, chance = 30_000, random.Random(20)
    probes.plant(province, PROBES)
    with (
        brokers.mosquitto(tmp_path / "mqtt") as port,
        parts.running(fresh_url, port),
    ):
        station = stations.Process(tmp_path, port).start()
        until(station.listening)

        def send():
            device = stations.Device(station.port)
            for i in range(n):
                device.send(*message(i, n, timedelta(hours=20)))
                if i % 50 == 0:
                    time.sleep(0.03)
            device.flush()

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        for _ in range(20):
            time.sleep(chance.uniform(0.2, 1.0))
            station.kill()
            station.start()
            until(station.listening)
        sender.join(120)
        until(lambda: rows(province)[0] >= n, patience=60, pause=0.2)
        station.stop()
    totals = holds(province, n)
    parts.tell(capsys, f"20 kills of a station: {n:,} stored once, {totals.duplicate:,} came twice")


def test_three_days_without_the_province(province, fresh_url, tmp_path, capsys):
    """72 h of a village: every message keeps its instant, and what is live does not wait."""
    n = 86_400  # twenty probes, a reading each minute
    probes.plant(province, PROBES)
    away = brokers.Mosquitto(tmp_path / "mqtt")
    station = stations.Process(tmp_path, away.port, edge_spool_mb=200).start()
    until(station.listening)
    with Publisher(station.port) as devices:
        began = time.monotonic()
        for i in range(n):
            devices.send(*message(i, n, timedelta(hours=72)))
        devices.flush()
        taken = n / (time.monotonic() - began)
    station.kill()  # and the power fails before the line is back
    size = sum(file.stat().st_size for file in (tmp_path / "edge").iterdir())
    with started(away) as port, parts.running(fresh_url, port):
        station.start()
        began = time.monotonic()
        until(lambda: rows(province)[0] > 2_000, patience=60)
        with Publisher(station.port) as devices:
            live = {"time": NOW.isoformat(), "channel": "soil_moisture_10", "value": 20}
            sent = time.monotonic()
            devices.send(topic("probe-0"), live)
            devices.flush()
            until(lambda: moist(province) == 1)
        waited, behind = time.monotonic() - sent, n - rows(province)[0]
        until(lambda: rows(province)[0] == n + 1, patience=120, pause=0.2)
        drained = n / (time.monotonic() - began)
        station.stop()
    with province.writing() as tx:  # the live one is counted
        tx.driver.execute("DELETE FROM reading WHERE raw = 20 AND value = 0.2")
    found, distinct, _ = rows(province)
    assert (found, distinct) == (n, n)
    assert behind > n / 4
    parts.tell(
        capsys,
        f"72 h: {n:,} messages taken at {taken:,.0f}/s, {size / 2**20:.0f} MB on disk, stored at "
        f"{drained:,.0f}/s; a live one after {waited:.1f} s while {behind:,} waited",
    )


@contextlib.contextmanager
def started(broker):
    broker.start()
    try:
        yield broker.port
    finally:
        broker.stop()


def moist(database):
    query = "SELECT count(*) FROM reading WHERE raw = 20 AND value = 0.2"
    with database.reading() as tx:
        return tx.driver.execute(query).fetchone()[0]
