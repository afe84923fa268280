"""Several ingestors share the topics: leases in a real database, sessions at a real broker."""

import threading
import time

import pytest

from ingest.mqtt import topics
from ingest.mqtt.inbox import Inbox
from ingest.mqtt.partitions import Partitions, Share, link_of, shares
from ingest.mqtt.payloads.heitu import BY_COUNTY
from models.store import partitions
from tests import brokers
from tests.probes import Publisher, reading, until

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
COUNTIES = ["220102", "220103", "220104", "220105", "220182", "220183", "220202", "220281"]
LEASE = 1.0


class Member:
    """What one ingestor does about partitions, with its messages at hand."""

    def __init__(self, database, port, name, count=4):
        self.inbox = Inbox()
        share = Share(count, name, lease_s=LEASE)
        self.parts = Partitions(
            database, brokers.link(port, "shared"), self.inbox, share, max_payload=100_000
        )
        self.taken = []
        self._dead = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._dead.wait(0.1):
            self.parts.look()

    def take(self, settle=True):
        messages = self.inbox.take(10_000, wait=0.05, linger=0.05, quiet=0.02)
        self.taken += [message.topic for message in messages]
        if settle:
            self.parts.settle(messages)
        return messages

    def ready(self, *numbers):
        return self.parts.numbers == numbers and self.parts.connected

    def vanish(self):
        """End as a power cut would: no lease is given back, nothing more is settled."""
        self._dead.set()
        self._thread.join()
        for subscriber in self.parts._sessions.values():
            subscriber._settled.clear()
            subscriber.stop()

    def stop(self):
        self._dead.set()
        self._thread.join()
        self.parts.stop()


@pytest.fixture
def port(tmp_path):
    with brokers.mosquitto(tmp_path / "mqtt") as port:
        yield port


def county_topic(i):
    return BY_COUNTY.replace("+", COUNTIES[i % len(COUNTIES)], 1).replace("+", f"probe-{i}")


def publish(port, n):
    with Publisher(port) as publisher:
        for i in range(n):
            publisher.send(county_topic(i), reading(i))
        publisher.send("heitu/v1/probe-0/readings", reading(0))


def all_held(database):
    with database.reading() as tx:
        found = partitions.partitions(tx)
    return bool(found) and all(set(p.filters) == set(p.held) for p in found)


def test_every_filter_belongs_to_one_partition():
    made = shares(4, COUNTIES)
    held = [filter_ for share in made for filter_ in share]
    assert len(held) == len(set(held))
    by_county = {f"heitu/v1/{code}/+/readings" for code in COUNTIES}
    assert set(held) == (set(topics.subscriptions()) - {BY_COUNTY}) | by_county
    assert set(held) - by_county <= set(made[0])
    assert shares(1, COUNTIES) == [topics.subscriptions()]


def test_partition_0_keeps_the_name_of_an_ingestor_without_partitions():
    link = brokers.link(1, "heitu-ingestor")
    assert link_of(link, 0) == link
    assert link_of(link, 3).client_id == "heitu-ingestor-3"
    assert link_of(link, 3).username == ""


def test_two_share_and_each_message_comes_to_one_of_them(province, port):
    first = Member(province, port, "first")
    until(lambda: first.ready(0, 1, 2, 3))
    second = Member(province, port, "second")
    try:
        until(lambda: first.ready(0, 1) and second.ready(2, 3))
        publish(port, 40)
        until(lambda: first.take() + second.take() is None or len(first.taken + second.taken) == 41)
        assert sorted(first.taken + second.taken) == sorted(
            [*(county_topic(i) for i in range(40)), "heitu/v1/probe-0/readings"]
        )
        assert first.taken
        assert second.taken
    finally:
        first.stop()
        second.stop()
    with province.reading() as tx:
        assert {p.owner for p in partitions.partitions(tx)} == {None}


def test_what_a_dead_one_left_unsettled_comes_to_the_other(province, port):
    first, second = Member(province, port, "first"), Member(province, port, "second")
    try:
        until(lambda: len(first.parts.numbers) == len(second.parts.numbers) == 2)
        until(lambda: all_held(province))
        publish(port, 40)
        until(lambda: second.take(settle=False))
        second.take(settle=False)
        began = time.monotonic()
        second.vanish()
        until(lambda: first.ready(0, 1, 2, 3), patience=LEASE + 5)
        assert time.monotonic() - began < 2 * LEASE + 1
        until(lambda: first.take() is None or len(first.taken) >= 41)
        assert sorted(first.taken) == sorted(
            [*(county_topic(i) for i in range(40)), "heitu/v1/probe-0/readings"]
        )
    finally:
        first.stop()


def test_a_third_waits_and_steps_in(province, port):
    members = [Member(province, port, name, count=2) for name in ("a", "b")]
    until(lambda: all(len(m.parts.numbers) == 1 for m in members))
    third = Member(province, port, "c", count=2)
    try:
        until(lambda: third.parts.why == "")  # ready to stand by
        assert third.parts.numbers == ()
        members.pop().stop()
        until(lambda: len(third.parts.numbers) == 1, patience=LEASE + 5)
    finally:
        for member in (*members, third):
            member.stop()


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 4)])
def test_another_number_of_partitions_loses_nothing(province, port, before, after, monkeypatch):
    monkeypatch.setattr("ingest.mqtt.partitions._QUIET_S", 0.5)
    one = Member(province, port, "one", count=before)
    until(lambda: all_held(province))
    one.stop()
    publish(port, 40)  # nobody reads: it waits in the sessions
    other = Member(province, port, "other", count=after)
    try:
        until(lambda: other.take() is None or len(set(other.taken)) == 41)
        until(lambda: other.ready(*range(after)))
        until(lambda: all_held(province))
        other.taken.clear()
        publish(port, 40)
        until(lambda: other.take() is None or len(other.taken) >= 41)
        time.sleep(0.3)
        other.take()
        assert len(other.taken) == len(set(other.taken)) == 41
    finally:
        other.stop()


def test_after_an_outage_of_the_database_everybody_keeps_its_own(province, port, monkeypatch):
    first, second = Member(province, port, "first"), Member(province, port, "second")
    try:
        until(lambda: len(first.parts.numbers) == len(second.parts.numbers) == 2)
        before = first.parts.numbers, second.parts.numbers
        with province.writing() as tx:  # nobody can look
            tx.driver.execute("LOCK TABLE partition IN ACCESS EXCLUSIVE MODE")
            time.sleep(LEASE * 2.5)
        for _ in range(10):
            time.sleep(0.1)
            assert (first.parts.numbers, second.parts.numbers) == before
    finally:
        first.stop()
        second.stop()
