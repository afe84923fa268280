"""Database, broker and partition owners killed with -9, 20 times each over 10^5 messages.

Every message is published until the broker has acknowledged it. Killing the broker may lose
what it acknowledged since it last saved (5 s), so the sender behaves as the manual asks of
devices and village stations: after a broken connection it sends again what it sent in the
last ten seconds. In the end every reading is stored once, and ledger and tables agree.
"""

import random
import threading
import time

import paho.mqtt.client as paho
import pytest

from models.store import partitions
from tests import brokers, probes
from tests.faults import parts
from tests.faults.test_kills import PROBES, holds_each_reading_once
from tests.probes import encode, reading, topic, until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(300),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
MESSAGES, KILLS, SECONDS = 100_000, 20, 45
SAVED_S = 10.0  # twice the broker's autosave interval
COUNTIES = ("220102", "220103", "220104", "220105", "220106", "220112", "220182", "220183")


class Sender(threading.Thread):
    """A station that publishes readings at a steady rate, and again what may have been lost."""

    def __init__(self, port, messages, seconds, *, counties=()):
        super().__init__(daemon=True)
        self.messages, self.seconds, self.counties = messages, seconds, counties
        self.published = 0  # with those sent again
        self._broken = threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="station", clean_session=False
        )
        self._client.max_inflight_messages_set(500)
        self._client.reconnect_delay_set(0.1, 0.5)
        self._confirmed = 0
        self._client.on_disconnect = lambda *_: self._broken.set()
        self._client.on_publish = self._count
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _topic(self, i):
        if not self.counties:
            return topic(f"probe-{i % PROBES}")
        county = self.counties[i % PROBES % len(self.counties)]
        return f"heitu/v1/{county}/probe-{i % PROBES}/readings"

    def _count(self, *_):
        self._confirmed += 1

    @property
    def _unconfirmed(self):
        return self.published - self._confirmed

    def run(self):
        began, i, sent_at = time.monotonic(), 0, []
        while i < self.messages or self._unconfirmed:
            if self._broken.is_set():
                self._broken.clear()
                i -= self._lately(sent_at[:i])
            if i < self.messages and self._unconfirmed < 1_000:
                self.published += 1
                self._client.publish(self._topic(i), encode(reading(i)), qos=1)
                del sent_at[i:]
                sent_at.append(time.monotonic())
                i += 1
                ahead = i / self.messages * self.seconds - (time.monotonic() - began)
                if ahead > 0.01:
                    time.sleep(min(ahead, 0.1))
            else:
                time.sleep(0.005)
        self._client.disconnect()
        self._client.loop_stop()

    @staticmethod
    def _lately(sent_at):
        since = time.monotonic() - SAVED_S
        return sum(1 for at in sent_at[-50_000:] if at > since)


def settled(database, process, n):
    until(lambda: parts.totals(database).stored >= n, patience=120, pause=0.3)
    until(lambda: process.figure("waiting_messages") == 0.0)
    time.sleep(1)  # what a sender sent again at the very end


def told(capsys, what, sender, totals):
    more = totals.received - sender.published
    rest = f" ({abs(more):,} {'delivered again' if more > 0 else 'lost'} by the broker)"
    parts.tell(
        capsys,
        f"{KILLS} kills of {what}: {MESSAGES:,} messages, published {sender.published:,} times = "
        f"{totals.stored:,} stored + {totals.duplicate:,} duplicate + "
        f"{totals.quarantined:,} quarantined{rest if more else ''}",
    )


def kills(chance, kill, *, pause):
    for _ in range(KILLS):
        time.sleep(chance.uniform(*pause))
        kill()


def test_the_database_killed_20_times(tmp_path, jilin, capsys):
    store = parts.Store(tmp_path / "pg", jilin, PROBES)

    def kill():
        store.kill()
        store.server.start()

    try:
        with (
            brokers.mosquitto(tmp_path / "mqtt") as port,
            parts.running(store.server.url, port) as process,
        ):
            sender = Sender(port, MESSAGES, SECONDS)
            sender.start()
            kills(random.Random(1), kill, pause=(0.8, 2.2))
            sender.join()
            settled(store.database, process, MESSAGES)
        totals = holds_each_reading_once(store.database, MESSAGES)
        told(capsys, "the database", sender, totals)
        assert totals.received == sender.published == totals.stored + totals.duplicate
    finally:
        store.close()


def test_the_broker_killed_20_times(province, fresh_url, tmp_path, capsys):
    probes.plant(province, PROBES)
    broker = brokers.Mosquitto(tmp_path / "mqtt").start()

    def kill():
        broker.kill()
        broker.start()

    try:
        with parts.running(fresh_url, broker.port) as process:
            time.sleep(6)  # the ingestor's session is saved
            sender = Sender(broker.port, MESSAGES, SECONDS)
            sender.start()
            kills(random.Random(2), kill, pause=(0.8, 2.2))
            sender.join()
            settled(province, process, MESSAGES)
    finally:
        broker.stop()
    totals = holds_each_reading_once(province, MESSAGES)
    told(capsys, "the broker", sender, totals)


def test_partition_owners_killed_20_times(province, fresh_url, tmp_path, capsys):
    probes.plant(province, PROBES)
    chance = random.Random(3)

    def ingestor(name):
        return parts.Process(fresh_url, port, partitions=4, name=name).start()

    with brokers.mosquitto(tmp_path / "mqtt") as port:
        owners = {name: ingestor(name) for name in ("a", "b")}
        until(lambda: all(p.ready() for p in owners.values()))
        until(lambda: held(province))
        sender = Sender(port, MESSAGES, SECONDS, counties=COUNTIES)
        sender.start()

        def kill():
            name = chance.choice("ab")
            owners[name].kill()
            owners[name] = ingestor(name)  # it keeps its name, and so its partitions

        kills(chance, kill, pause=(0.8, 2.2))
        sender.join()
        owners["b"].kill()  # for good: the other one takes over
        began = time.monotonic()
        until(lambda: readers(province) == {"a"}, patience=20)
        taken = time.monotonic() - began
        settled(province, owners["a"], MESSAGES)
        owners["a"].stop()
    totals = holds_each_reading_once(province, MESSAGES)
    told(capsys, "ingestors that share 4 partitions", sender, totals)
    parts.tell(capsys, f"the last one's partitions were taken over after {taken:.1f} s")
    assert taken <= 15
    assert totals.received == totals.stored + totals.duplicate


def held(database):
    with database.reading() as tx:
        found = partitions.partitions(tx)
    return len(found) == 4 and all(set(p.filters) <= set(p.held) for p in found)


def readers(database):
    with database.reading() as tx:
        return {p.owner for p in partitions.partitions(tx)}
