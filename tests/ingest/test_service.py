"""The ingestor's own report: metrics page, readiness, end in good order."""

import threading
import time
import urllib.request

import pytest

from ingest import rejects, service
from ingest.service import Ingestor, Options
from models import calendar
from models.errors import Unavailable
from models.reading import Reason
from models.store import heartbeats, ledger, partitions
from tests import brokers, probes
from tests.probes import Publisher, reading, topic, until


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with brokers.embedded(tmp_path_factory.mktemp("broker")) as port:
        yield port


def figures(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    return dict(line.rsplit(" ", 1) for line in lines if line.startswith("heitu_ingest_"))


def test_the_metrics_page_counts_what_came(province, port):
    probes.plant(province)
    metrics = brokers.free_port()
    stopping = threading.Event()
    options = Options(metrics_port=metrics, beat_every=0.1)
    link = brokers.link(port, "metrics")
    thread = threading.Thread(target=service.run, args=(province, link, stopping, options))
    thread.start()
    try:
        until(lambda: figures(metrics).get("heitu_ingest_ready") == "1.0")
        with Publisher(port) as publisher:
            publisher.send(topic(), [reading(0), reading(0), reading(1), reading(2, "nope")])
            publisher.send(topic(), b"{")
        until(lambda: figures(metrics).get("heitu_ingest_messages_total") == "2.0")
        found = figures(metrics)
        assert found['heitu_ingest_readings_total{outcome="stored",reason=""}'] == "2.0"
        assert found['heitu_ingest_readings_total{outcome="duplicate",reason=""}'] == "1.0"
        for reason in ("unknown_quantity", "unreadable"):
            key = f'heitu_ingest_readings_total{{outcome="quarantined",reason="{reason}"}}'
            assert found[key] == "1.0"
        assert found["heitu_ingest_waiting_messages"] == "0.0"
    finally:
        stopping.set()
        thread.join(20)
    assert not thread.is_alive()
    assert figures(metrics) == {}


def test_it_is_not_ready_without_a_broker_and_says_why(province):
    nobody = brokers.free_port()
    ingestor = Ingestor(province, brokers.link(nobody), Options())
    assert not ingestor.status().ready
    ingestor.start()
    try:
        until(lambda: str(nobody) in ingestor.status().why)
        assert not ingestor.status().connected
    finally:
        ingestor.stop()


def test_an_idle_ingestor_notices_that_the_database_is_gone_and_back(province, port, monkeypatch):
    ingestor = Ingestor(province, brokers.link(port, "idle"), Options(beat_every=0.05))
    ingestor.start()
    try:
        until(lambda: ingestor.status().ready)
        with monkeypatch.context() as patch:

            def away():
                raise Unavailable(part="database", why="switched off")

            patch.setattr(province, "writing", away)
            until(lambda: not ingestor.status().ready)
            assert "switched off" in ingestor.status().why
        until(lambda: ingestor.status().ready)
    finally:
        ingestor.stop()


def test_it_is_not_ready_when_what_waits_does_not_move(province, port, monkeypatch):
    probes.plant(province)
    monkeypatch.setattr(service, "STALLED_S", 0.3)
    ingestor = Ingestor(province, brokers.link(port, "stalled"), Options(beat_every=60))
    ingestor.start()
    try:
        until(lambda: ingestor.status().ready)
        with province.writing() as blocker:
            blocker.driver.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
            with Publisher(port) as publisher:
                publisher.send(topic(), reading(0))
            until(lambda: not ingestor.status().ready)
            assert "nothing committed" in ingestor.status().why
        until(lambda: ingestor.status().ready)
    finally:
        ingestor.stop()


def test_stopping_settles_what_was_committed(province, port):
    probes.plant(province)
    link = brokers.link(port, "good order")
    first = Ingestor(province, link)
    first.start()
    until(lambda: first.status().connected)
    with Publisher(port) as publisher:
        for i in range(500):
            publisher.send(topic(), reading(i))
    until(lambda: first.status().received > 0)
    first.stop()
    before = first.status().received
    second = Ingestor(province, link)
    second.start()
    try:
        until(lambda: before + second.status().received >= 500)
        time.sleep(0.3)
        assert second.status().duplicate == 0
        assert before + second.status().stored == 500
    finally:
        second.stop()


@pytest.mark.parametrize("failure", [RuntimeError, SystemExit])
def test_a_writer_that_dies_starts_over_and_nothing_is_lost(province, port, monkeypatch, failure):
    probes.plant(province)
    ingestor = Ingestor(province, brokers.link(port, f"dies {failure.__name__}"))
    sound, died = ingestor._writer._limiter.judge, threading.Event()

    def dies_once(messages, known):
        if not died.is_set():
            died.set()
            raise failure("out of the blue")
        return sound(messages, known)

    monkeypatch.setattr(ingestor._writer._limiter, "judge", dies_once)
    ingestor.start()
    try:
        until(lambda: ingestor.status().ready)
        with Publisher(port) as publisher:
            for i in range(100):
                publisher.send(topic(), reading(i))
        until(lambda: ingestor.status().stored == 100)
        assert died.is_set()
        until(lambda: ingestor.status().ready)
    finally:
        ingestor.stop()


def test_a_network_thread_that_fails_connects_anew(province, port, monkeypatch):
    probes.plant(province)
    ingestor = Ingestor(province, brokers.link(port, "breaks"))
    ingestor.start()
    try:
        until(lambda: ingestor.status().ready)
        subscriber = ingestor._subscriber
        with monkeypatch.context() as patch:

            def breaks():
                patch.undo()
                raise ValueError("a packet nobody understands")

            patch.setattr(subscriber, "_turn", breaks)
            until(lambda: subscriber.generation == 2)
        with Publisher(port) as publisher:
            publisher.send(topic(), reading(0))
        until(lambda: ingestor.status().stored == 1)
    finally:
        ingestor.stop()


def test_several_share_the_topics_and_report_apart(province, port):
    probes.plant(province, 8)
    shares = [service.share_of(province, 2, name) for name in ("one", "two")]
    ingestors = [
        Ingestor(province, brokers.link(port, "share"), Options(beat_every=0.1, share=share))
        for share in shares
    ]
    for ingestor in ingestors:
        ingestor.start()
    try:
        until(lambda: sorted(i.status().partitions for i in ingestors) == [(0,), (1,)])
        until(lambda: all(i.status().ready for i in ingestors))
        with province.reading() as tx:
            held = [p.filters for p in partitions.partitions(tx)]
        counties = [  # two of each share
            f.split("/")[2] for share in held for f in [f for f in share if "/22" in f][:2]
        ]
        with Publisher(port) as publisher:
            for i, county in enumerate(counties):
                publisher.send(f"heitu/v1/{county}/probe-{i}/readings", reading(0))
        until(lambda: sum(i.status().stored for i in ingestors) == 4)
        assert all(i.status().stored for i in ingestors)
        with province.reading() as tx:
            parts = {beat.part for beat in heartbeats.beats(tx)}
        assert parts == {"ingestor one", "ingestor two"}
    finally:
        for ingestor in ingestors:
            ingestor.stop()
    with province.reading() as tx:
        assert heartbeats.beats(tx) == []


def test_a_device_that_floods_is_named_and_set_aside(province, port):
    probes.plant(province)
    options = Options(beat_every=0.1, allowance=service.Allowance(rate=1, burst=50))
    ingestor = Ingestor(province, brokers.link(port, "flooded"), options)
    ingestor.start()
    try:
        until(lambda: ingestor.status().ready)
        with Publisher(port) as publisher:
            publisher.send(topic(), reading(0))
            until(lambda: ingestor.status().stored == 1)  # the catalogue is known now
            for i in range(1, 200):
                publisher.send(topic(), reading(i))
        until(lambda: ingestor.status().received == 200)
        told = ingestor.status()
        assert told.ready
        assert 50 <= told.stored < 60
        assert told.quarantined == {"flooding": 200 - told.stored}
        assert told.flooding == {"probe-0": 200 - told.stored}
        with province.reading() as tx:
            (beat,) = until(lambda: heartbeats.beats(tx))
            assert ledger.reconciliation(tx).agrees
        assert set(beat.detail["flooding"]) <= {"probe-0"}
    finally:
        ingestor.stop()
    report = rejects.replay(province, calendar.now, reason=Reason.FLOODING)
    assert (report.stored, report.duplicate, report.remaining) == (200 - told.stored, 0, {})
