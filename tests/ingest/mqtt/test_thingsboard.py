import pytest

from ingest.mqtt import topics
from models.reading import Reason
from tests.ingest.mqtt.decoding import GARBAGE, decode, kept, parts, refused_for, values

TOPIC = "v1/gateway/telemetry"
MESSAGE = {
    "Device A": [
        {"ts": 1_483_228_800_000, "values": {"temperature": 42, "door": "open"}},
        {"ts": 1_483_228_801_000, "values": {"temperature": 43}},
    ],
    "B": [{"humidity": 80}],
}


def test_one_message_speaks_for_many_devices():
    found = dict(parts(TOPIC, MESSAGE))
    a, b = f"{TOPIC}/Device%20A", f"{TOPIC}/B"
    assert set(found) == {a, b}
    assert topics.parse(a).device_key == "Device%20A"
    decoded = decode(a, found[a])
    assert [(s.value, s.time) for s in decoded.sent] == [
        (42, 1_483_228_800_000_000),
        (43, 1_483_228_801_000_000),
    ]
    assert kept(decoded) == {"door": "open"}
    assert [(s.channel, s.value, s.time) for s in decode(b, found[b]).sent] == [
        ("humidity", 80, None)
    ]


def test_one_entry_may_stand_without_a_list():
    [(topic, payload)] = parts(TOPIC, {"a": {"ts": 1_483_228_800_000, "values": {"t": 1}}})
    assert values(decode(topic, payload)) == {"t": 1}


@pytest.mark.parametrize("payload", [*GARBAGE, b"[]", b'{"a":7}', b'{"":[]}'])
def test_what_cannot_be_parted_is_refused(payload):
    assert parts(TOPIC, payload) == ()
    assert refused_for(TOPIC, payload) in (Reason.UNREADABLE, Reason.WRONG_SHAPE)


@pytest.mark.parametrize(
    "entries",
    [[7], [None], "x", [{"ts": 1}], [{"values": 7}], [{"ts": "soon", "values": {"t": 1}}]],
)
def test_entries_of_another_shape_are_refused(entries):
    assert refused_for(f"{TOPIC}/a", entries) is Reason.WRONG_SHAPE
