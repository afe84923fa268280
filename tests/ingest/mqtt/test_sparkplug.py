import base64
import json
import math
import random
from contextlib import suppress

import pytest

from ingest.mqtt import sparkplug, topics
from ingest.mqtt.format import Memory, Signs, Undecodable
from models.device import checked_key
from models.reading import Reason
from tests.ingest.mqtt import edge_node as en
from tests.ingest.mqtt.decoding import decode, kept, refused_for, sample, values
from tests.ingest.mqtt.edge_node import EdgeNode, metric, payload

NODE = "spBv1.0/Jilin/{}/node1"
DEVICE = "spBv1.0/Jilin/{}/node1/probe1"


class Host:
    """Decodes one message after the other, with a memory that survives restarts as JSON."""

    def __init__(self):
        self.documents = {}

    def take(self, topic, data):
        memory = Memory(json.loads(json.dumps(self.documents)))
        try:
            return decode(topic, data, memory=memory)
        finally:
            self.documents |= memory.changed

    def asks(self, topic, data):
        """Whether the host asks for a rebirth; also when the data cannot be read."""
        try:
            return bool(self.take(topic, data).replies)
        except Undecodable as fault:
            return bool(fault.replies)


@pytest.fixture
def node():
    return EdgeNode()


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def born(host, node):
    for message in node.birth():
        host.take(*message)
    return host


def test_bytes_written_by_another_library(host):
    found = sample("sparkplug_b_ddata_wire")
    data = base64.b64decode(found["payload"]["base64"])
    read = sparkplug.read(data)
    assert read.seq == 3
    assert [(m.name, m.stated, m.datatype) for m in read.metrics] == [
        ("soil/moisture_20cm", 23.5, 9),
        ("air/temperature", -12.25, 10),
    ]
    assert topics.parse(found["topic"]).device_key == "Jilin.node1.dev1"
    with pytest.raises(Undecodable) as caught:  # nothing is known of that node
        host.take(found["topic"], data)
    assert caught.value.reason is Reason.NO_BIRTH
    host.take(NODE.format("NBIRTH"), payload(seq=1, at=read.timestamp))
    names = [metric(m.name, 0.0, datatype=m.datatype, at=read.timestamp) for m in read.metrics]
    host.take(found["topic"].replace("DDATA", "DBIRTH"), payload(*names, seq=2, at=read.timestamp))
    decoded = host.take(found["topic"], data)
    assert values(decoded) == {"soil/moisture_20cm": 23.5, "air/temperature": -12.25}
    assert decoded.selective
    assert not decoded.replies


@pytest.mark.parametrize(
    ("topic", "key"),
    [
        ("spBv1.0/Jilin/NDATA/node1", "Jilin.node1"),
        ("spBv1.0/Jilin/DDATA/node1/probe1", "Jilin.node1.probe1"),
        (sample("sparkplug_b_ndata")["topic"], "Sparkplug%20B%20Devices.Raspberry%20Pi"),
        (sample("sparkplug_b_ddata")["topic"], "Sparkplug%20B%20Devices.Raspberry%20Pi.Pibrella"),
        ("spBv1.0/a/DDATA/b.c/d:e", "a.b%2Ec.d%3Ae"),
    ],
)
def test_device_keys_are_unique_and_can_be_registered(topic, key):
    assert topics.parse(topic).device_key == checked_key(key)


def test_births_tell_names_types_units_and_first_values(host, node):
    birth, device_birth = node.birth()
    decoded = host.take(*birth)
    assert values(decoded) == {"Supply Voltage": 12.5}  # control and bdSeq are no readings
    assert decoded.signs == Signs(online=True)
    decoded = host.take(*device_birth)
    assert [(s.channel, s.unit) for s in decoded.sent] == [
        ("soil/moisture_20cm", "%"),
        ("air/temperature", "Cel"),
    ]
    topic, data = node.data(23.5)
    [sent] = host.take(topic, data).sent
    assert (sent.channel, sent.value, sent.unit) == ("soil/moisture_20cm", 23.5, "%")
    assert sent.time == node.now * 1_000


def test_a_unit_we_do_not_know_leaves_the_registered_one(host):
    host.take(NODE.format("NBIRTH"), payload(metric("a", 1.0, unit="furlong"), seq=0))
    [sent] = host.take(NODE.format("NDATA"), payload(metric("a", 2.0), seq=1)).sent
    assert sent.unit is None


def test_data_before_its_birth_waits_and_asks_for_it(host, node):
    topic, data = node.data(23.5)
    with pytest.raises(Undecodable) as caught:
        host.take(topic, data)
    assert caught.value.reason is Reason.NO_BIRTH
    [(command, asked)] = caught.value.replies
    assert command == "spBv1.0/Jilin/NCMD/node1"
    [told] = sparkplug.read(asked).metrics
    assert (told.name, told.stated, told.datatype) == ("Node Control/Rebirth", True, 11)
    for message in node.birth():
        host.take(*message)
    # its aliases hold from the first data that nothing explained: it can be replayed
    assert values(host.take(topic, data)) == {"soil/moisture_20cm": 23.5}


def test_an_unknown_alias_waits_and_asks(born, node):
    node.aliases["new"] = 77
    with pytest.raises(Undecodable) as caught:
        born.take(*node.data(1.0, "new"))
    assert caught.value.reason is Reason.NO_BIRTH
    assert caught.value.replies


def test_an_alias_of_another_kind_is_not_taken_for_the_known_one(born, node):
    stamp = node.next()
    sent = metric(None, True, 1, datatype=en.BOOLEAN)
    assert refused_for_memory(born, node.topic("DDATA"), payload(sent, **stamp)) is Reason.NO_BIRTH


def refused_for_memory(host, topic, data):
    with pytest.raises(Undecodable) as caught:
        host.take(topic, data)
    return caught.value.reason


def test_a_missing_message_asks_for_a_rebirth_and_its_neighbours_are_taken(born, node):
    assert not born.take(*node.data(1.0)).replies
    node.data(2.0)  # lost
    after = born.take(*node.data(3.0))
    assert values(after) == {"soil/moisture_20cm": 3.0}
    assert [topic for topic, _ in after.replies] == ["spBv1.0/Jilin/NCMD/node1"]
    assert not born.take(*node.data(4.0)).replies


def test_the_number_starts_over_after_255(born, node):
    assert not any(born.asks(*node.data(float(i))) for i in range(600))


@pytest.mark.parametrize("again", [1, 2, 100, 255, 256, 257, 300])
def test_messages_that_come_twice_are_no_gap(born, node, again):
    sent = [node.data(float(i)) for i in range(again)]
    for message in sent + sent:
        decoded = born.take(*message)
        assert not decoded.replies
        assert decoded.sent
    assert not born.take(*node.data(9.0)).replies


def test_messages_of_one_millisecond_that_come_twice_are_no_gap(born, node):
    node.next()
    sent = []
    for i in range(20):
        body = metric(None, float(i), 1, at=node.now, typed=False)
        sent.append((node.topic("DDATA"), payload(body, seq=node.seq, at=node.now)))
        node.seq = (node.seq + 1) % 256
    assert not any(born.asks(*message) for message in sent + sent)


def test_births_that_come_twice_change_nothing(host, node):
    births = node.birth()
    sent = births + [node.data(float(i)) for i in range(5)]
    assert not any(host.asks(*message) for message in sent + sent + births)
    assert not host.take(*node.data(9.0)).replies


def test_after_a_restart_with_other_aliases_old_and_new_data_are_told_apart(born, node):
    old = node.data(23.5)
    born.take(*old)
    born.take(*node.death())
    node.restart()
    for message in node.birth():
        born.take(*message)
    new = node.data(7.0)
    assert values(born.take(*new)) == {"soil/moisture_20cm": 7.0}
    # what was taken in and not acknowledged comes again: it is read by the birth of its time
    assert values(born.take(*old)) == {"soil/moisture_20cm": 23.5}
    assert values(born.take(*new)) == {"soil/moisture_20cm": 7.0}


def test_data_older_than_every_birth_known_stays_unread(born, node):
    node.now -= 86_400_000
    stamp = {"seq": 5, "at": node.now}
    data = payload(metric(None, 1.0, 1, typed=False), **stamp)
    assert refused_for_memory(born, node.topic("DDATA"), data) is Reason.NO_BIRTH


def test_a_death_tells_that_the_node_is_offline_and_voids_its_aliases(born, node):
    assert born.take(*node.death()).signs == Signs(online=False)
    assert refused_for_memory(born, *node.data(1.0)) is Reason.NO_BIRTH


def test_a_will_of_an_earlier_session_is_not_the_death_of_this_one(born, node):
    will = node.death()
    node.restart()
    for message in node.birth():
        born.take(*message)
    assert born.take(*will).signs is None
    assert values(born.take(*node.data(3.0))) == {"soil/moisture_20cm": 3.0}


def test_the_death_of_a_session_whose_birth_was_missed_counts(born, node):
    """pysparkplug 0.6.1 counts up before the death of a disconnection in good order."""
    node.bd += 1
    assert born.take(*node.death()).signs == Signs(online=False)
    assert refused_for_memory(born, *node.data(1.0)) is Reason.NO_BIRTH


def test_a_device_dies_and_comes_back_alone(born, node):
    assert born.take(node.topic("DDEATH"), payload(**node.next())).signs == Signs(online=False)
    assert refused_for_memory(born, *node.data(1.0)) is Reason.NO_BIRTH
    body = metric("soil/moisture_20cm", 5.0, 1)
    assert born.take(node.topic("DBIRTH"), payload(body, **node.next())).sent
    assert values(born.take(*node.data(2.0))) == {"soil/moisture_20cm": 2.0}


def test_the_birth_of_a_node_voids_those_of_its_devices(born, node):
    birth, _ = node.birth()
    born.take(*birth)
    assert refused_for_memory(born, *node.data(1.0)) is Reason.NO_BIRTH


def test_history_keeps_its_own_time_and_order_does_not_matter(born, node):
    stamp = node.next()
    day = 86_400_000
    bodies = [
        metric(None, float(i), 1, at=en.START_MS - i * day, typed=False, historical=True)
        for i in range(3)
    ]
    decoded = born.take(node.topic("DDATA"), payload(*bodies, **stamp))
    assert [s.time for s in decoded.sent] == [(en.START_MS - i * day) * 1_000 for i in range(3)]
    assert [s.item for s in decoded.sent] == [0, 1, 2]


def test_history_held_back_before_the_birth_is_named_by_the_birth(born, node):
    body = metric(None, 4.0, 1, at=en.START_MS - 9, typed=False, historical=True)
    held = payload(body, seq=node.next()["seq"], at=en.START_MS - 9)
    assert values(born.take(node.topic("DDATA"), held)) == {"soil/moisture_20cm": 4.0}
    assert not born.take(*node.data(5.0)).replies


def test_a_node_that_tells_old_times_is_understood_after_one_rebirth(born, node):
    """Some senders give the message the time of its oldest value."""
    late = [
        payload(metric(None, v, 1, typed=False), seq=node.next()["seq"], at=en.START_MS - 9)
        for v in (1.0, 2.0)
    ]
    assert refused_for_memory(born, node.topic("DDATA"), late[0]) is Reason.NO_BIRTH
    for message in node.birth():
        born.take(*message)
    assert values(born.take(node.topic("DDATA"), late[0])) == {"soil/moisture_20cm": 1.0}


def test_the_time_of_the_message_stands_in_for_that_of_a_metric(host):
    host.take(NODE.format("NBIRTH"), payload(metric("a", 1.0, at=None), seq=0, at=77))
    decoded = host.take(NODE.format("NDATA"), payload(metric("a", 1.0, at=None), seq=1, at=99))
    assert [s.time for s in decoded.sent] == [99_000]
    decoded = host.take(NODE.format("NDATA"), payload(metric("a", 1.0), seq=2, at=None))
    assert [s.time for s in decoded.sent] == [None]


@pytest.mark.parametrize(
    ("datatype", "wire", "value"),
    [
        (en.INT8, 0xFF, -1),
        (en.INT8, 0xFFFF_FFFF, -1),
        (en.INT8, 0x80, -128),
        (en.INT8, 0x7F, 127),
        (en.INT16, 0xFFFE, -2),
        (en.INT16, 0xFFFF_FFFE, -2),
        (en.INT32, 0xFFFF_FFF4, -12),
        (en.INT32, 0x7FFF_FFFF, 2**31 - 1),
        (en.UINT8, 0xFF, 255),
        (en.UINT32, 0xFFFF_FFFF, 2**32 - 1),
    ],
)
def test_integers_are_read_by_their_type(datatype, wire, value):
    told = sparkplug.Metric(datatype=datatype, stated=wire)
    assert sparkplug.value_of(told, datatype) == value


def test_long_integers():
    assert sparkplug.value_of(sparkplug.Metric(stated=2**64 - 5), en.INT64) == -5
    assert sparkplug.value_of(sparkplug.Metric(stated=2**64 - 5), 8) == float(2**64 - 5)


@pytest.mark.parametrize(
    ("datatype", "wire"),
    [
        (en.INT8, 300),
        (en.INT16, 70_000),
        (en.UINT8, 256),
        (en.INT32, 1 << 40),
        (en.FLOAT, 7),
        (en.FLOAT, "x"),
        (en.INT32, 1.5),
        (en.INT32, True),
        (en.BOOLEAN, 1.5),
        (en.STRING, 7),
        (None, 7),
    ],
)
def test_values_that_are_not_of_their_type_are_refused(datatype, wire):
    with pytest.raises(sparkplug.Malformed):
        sparkplug.value_of(sparkplug.Metric(stated=wire), datatype)


def test_one_value_of_another_type_spoils_itself_only(host):
    births = [metric("a", 1, datatype=en.INT8), metric("b", 1.0), metric("c", float("nan"))]
    host.take(NODE.format("NBIRTH"), payload(*births, seq=0))
    bodies = [metric("a", 999, datatype=en.INT8), metric("b", 2.0), metric("c", float("nan"))]
    decoded = host.take(NODE.format("NDATA"), payload(*bodies, seq=1))
    assert [(r.channel, r.item) for r in decoded.refused] == [("a", 0)]
    assert values(decoded)["b"] == 2.0
    assert math.isnan(values(decoded)["c"])


def test_states_texts_nulls_and_transients_are_no_readings(host):
    bodies = [
        metric("open", True, datatype=en.BOOLEAN),
        metric("name", "a\0b", datatype=en.STRING),
        metric("gone", null=True),
        metric("blink", 1.0, transient=True),
        metric("set", datatype=16),
        metric("Properties/hw", "x1", datatype=en.STRING),
    ]
    decoded = host.take(NODE.format("NBIRTH"), payload(*bodies, seq=0))
    assert not decoded.sent
    assert kept(decoded) == {"open": "true", "name": "a\ufffdb", "Properties/hw": "x1"}


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\x00",
        b"\x0b\x01",
        b"\x12\xff\x01",
        b"\x08" + b"\xff" * 11,
        b"\x12\x05\x0a\x03\xff\xfe\xfd",
        b"{}",
        b"\x0a\x01x",
        b"\x10\x01",
        b"\x22\x01\xff",
        b"\x12" + b"\xff" * 9 + b"\x01",
        json.dumps(sample("sparkplug_b_ndata")["payload"]).encode(),
    ],
)
@pytest.mark.parametrize("kind", ["NBIRTH", "NDATA", "NDEATH"])
def test_bytes_that_are_no_payload_are_refused(data, kind):
    assert refused_for(NODE.format(kind), data, memory=Memory()) is Reason.UNREADABLE


def test_a_compressed_payload_is_kept_for_later():
    data = en.write(4, sparkplug.COMPRESSED.encode()) + en.write(5, b"x")
    assert refused_for(NODE.format("NDATA"), data) is Reason.UNDECODED


def test_mutated_messages_are_read_or_refused_and_never_crash(node):
    dice = random.Random(7)
    good = [*node.birth(), *(node.data(float(i)) for i in range(3)), node.death()]
    host = Host()
    for _ in range(3_000):
        topic, data = dice.choice(good)
        spoilt = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(spoilt))
            if dice.random() < 0.5:
                spoilt[at] = dice.randrange(256)
            else:
                del spoilt[at:]
                spoilt.append(dice.randrange(256))
        with suppress(Undecodable):
            host.take(topic, bytes(spoilt))
    for message in node.birth():
        host.take(*message)
    assert values(host.take(*node.data(5.0))) == {"soil/moisture_20cm": 5.0}
