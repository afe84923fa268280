"""The writer on a real database, fed without a broker."""

import threading
import time
from datetime import UTC, datetime

import pytest

from ingest import writer as writing
from ingest.mqtt.inbox import Inbox, Message
from ingest.status import Status
from ingest.writer import Writer
from models.errors import Unavailable
from models.reading import UNKNOWN, Reason
from models.store import ledger, quarantine, readings
from tests import probes
from tests.probes import encode, reading, topic, until


class Rig:
    """A running writer with what it settled."""

    def __init__(self, database):
        self.database, self.inbox, self.status = database, Inbox(), Status()
        self.settled = []
        self.writer = Writer(database, self.inbox, self.status, self.settled.extend)
        self.thread = threading.Thread(target=self.writer.run)

    def put(self, *payloads, to=None):
        now = time.time_ns() // 1000
        made = [payload if isinstance(payload, bytes) else encode(payload) for payload in payloads]
        first = len(self.settled) + len(self.inbox) + 1
        self.inbox.put(
            [Message(to or topic(), p, now, len(p), 1, first + i) for i, p in enumerate(made)]
        )

    def wait(self, n):
        until(lambda: len(self.settled) >= n)

    def counts(self):
        with self.database.reading() as tx:
            assert ledger.totals(tx, ledger.Selection()).balanced
            assert ledger.reconciliation(tx).agrees
            return ledger.reconciliation(tx).stored_rows, quarantine.count(tx)


@pytest.fixture
def rig(province):
    made = Rig(province)
    made.thread.start()
    yield made
    made.writer.stop()
    made.thread.join()


def test_messages_are_settled_in_order_of_arrival(rig):
    probes.plant(rig.database)
    for i in range(50):
        rig.put(reading(i))
    rig.wait(50)
    assert [message.mid for message in rig.settled] == list(range(1, 51))
    assert rig.counts() == (50, {})


def test_another_value_for_the_same_instant_replaces_it_and_is_accounted(rig):
    probes.plant(rig.database)
    rig.put(reading(0, value=10), reading(0, value=10), [reading(1), reading(0, value=11)])
    rig.wait(3)
    assert rig.counts() == (3, {})
    rig.put(reading(0, value=12), reading(0, value=10))
    rig.wait(5)
    assert rig.counts() == (4, {})
    with rig.database.reading() as tx:
        (newest,) = readings.latest(tx, prefix="22")
        (account,) = ledger.rows(tx, ledger.Selection())
        held = ledger.reconciliation(tx)
    assert newest.value == reading(1)["value"]
    assert (account.received, account.stored, account.duplicate) == (6, 4, 2)
    assert held.agrees


def test_hostile_text_is_quarantined_and_shown_safely(rig):
    probes.plant(rig.database)
    bad = '{"time":"2026-05-01T00:00:00Z","channel":"\\u0000\\ud800","value":1}'
    rig.put(bad.encode())
    rig.put(b"{}", to="heitu/v1/\0\ud800/readings")
    rig.put(b"{}", to="x\0\ud800")
    rig.put(b"\0" * 100)
    rig.wait(4)
    stored, aside = rig.counts()
    assert stored == 0
    assert aside == {
        Reason.UNKNOWN_QUANTITY: 1,
        Reason.UNREADABLE: 1,
        Reason.UNKNOWN_DEVICE: 1,
        Reason.UNKNOWN_TOPIC: 1,
    }


def test_a_device_registered_a_moment_ago_is_known(rig):
    rig.put(reading(0))
    rig.wait(1)
    probes.plant(rig.database)
    rig.put(reading(1))
    rig.wait(2)
    assert rig.counts() == (1, {Reason.UNKNOWN_DEVICE: 1})


def test_a_message_that_cannot_be_handled_is_set_aside_after_three_tries(rig, monkeypatch):
    probes.plant(rig.database)
    tries = []
    sound = writing.digest

    def faulty(messages, placement):  # a decoder with a fault of its own
        if any(message.payload == b"boom" for message in messages):
            tries.append(len(messages))
            raise ZeroDivisionError("a fault in a decoder")
        return sound(messages, placement)

    monkeypatch.setattr(writing, "digest", faulty)
    rig.put(*[reading(i) for i in range(20)], b"boom", *[reading(i) for i in range(20, 40)])
    rig.wait(41)
    assert [message.mid for message in rig.settled] == list(range(1, 42))
    assert tries.count(1) == 3
    assert rig.counts() == (40, {Reason.POISON: 1})
    with rig.database.reading() as tx:
        (entry,) = quarantine.open_ones(tx)
    assert entry.payload == b"boom"
    assert "a fault in a decoder" in entry.detail
    assert entry.device_key == UNKNOWN


def test_an_outage_is_waited_out_and_nothing_is_settled_meanwhile(rig, monkeypatch):
    probes.plant(rig.database)
    sound = rig.database.writing
    away = threading.Event()
    away.set()

    def writing_():
        if away.is_set():
            raise Unavailable(part="database", why="switched off")
        return sound()

    monkeypatch.setattr(rig.database, "writing", writing_)
    rig.put(reading(0))
    until(lambda: rig.status.database_why)
    rig.put(reading(1))
    time.sleep(0.5)
    assert rig.settled == []
    away.clear()
    rig.wait(2)
    assert rig.status.database_why == ""
    assert rig.counts() == (2, {})


def test_it_stops_during_an_outage_without_settling(province, monkeypatch):
    rig = Rig(province)

    def away():
        raise Unavailable(part="database", why="switched off")

    monkeypatch.setattr(province, "writing", away)
    rig.thread.start()
    rig.put(reading(0))
    until(lambda: rig.status.database_why)
    rig.writer.stop()
    rig.thread.join(10)
    assert not rig.thread.is_alive()
    assert rig.settled == []


def test_the_account_is_kept_by_the_day_of_receipt_in_shanghai(rig):
    probes.plant(rig.database)
    before = datetime(2026, 5, 1, 15, 59, 59, tzinfo=UTC)
    after = datetime(2026, 5, 1, 16, 0, 0, tzinfo=UTC)
    rig.inbox.put(
        [
            Message(topic(), encode(reading(i)), round(at.timestamp() * 1e6), 80, 1, i + 1)
            for i, at in enumerate((before, after))
        ]
    )
    rig.wait(2)
    with rig.database.reading() as tx:
        rows = ledger.rows(tx, ledger.Selection())
    assert [(row.day.isoformat(), row.stored) for row in rows] == [
        ("2026-05-01", 1),
        ("2026-05-02", 1),
    ]
