import json

import pytest

from ingest.mqtt import topics
from models.reading import Reason
from tests.ingest.mqtt.decoding import (
    GARBAGE,
    decode,
    kept,
    parts,
    refused_for,
    sample,
    values,
)

TOPIC = "/sys/a1b2/probe-7/thing/event/property/post"
HISTORY = "/sys/a1b2/gateway/thing/event/property/history/post"
PACK = "/sys/a1b2/gateway/thing/event/property/pack/post"
AT = 1_524_448_722_000


def test_the_long_form_has_a_time_for_each_property():
    decoded = decode(TOPIC, sample("aliyun_alink_property_post")["payload"])
    assert topics.parse(TOPIC).device_key == "probe-7"
    assert [(s.channel, s.value, s.time) for s in decoded.sent] == [("WF", 23.6, AT * 1_000)]
    assert kept(decoded) == {"Power": "on"}
    assert decoded.selective


def test_the_short_form_has_the_time_of_arrival():
    decoded = decode(TOPIC, sample("aliyun_alink_short")["payload"])
    assert [(s.channel, s.value, s.time) for s in decoded.sent] == [("WF", 23.6, None)]


def test_the_clone_without_a_leading_slash():
    topic = "sys/product/probe-7/thing/properties/up"
    assert topics.parse(topic).device_key == "probe-7"
    payload = {"params": {"test:WF": {"value": 2, "time": AT}}}
    assert values(decode(topic, payload)) == {"test:WF": 2}


def test_structures_are_named_by_their_path():
    payload = {
        "params": {"soil": {"value": {"t": 9, "vwc": {"10": 0.2}}, "time": AT}, "a": {"b": 1}}
    }
    decoded = decode(TOPIC, payload)
    assert values(decoded) == {"soil.t": 9, "soil.vwc.10": 0.2, "a.b": 1}
    assert [s.time for s in decoded.sent] == [AT * 1_000] * 2 + [None]


def test_a_batch_has_a_list_of_values():
    topic = "/sys/a1b2/probe-7/thing/event/property/batch/post"
    series = [{"value": 3, "time": AT}, {"value": 4, "time": AT + 9}]
    payload = {"params": {"properties": {"WF": series}, "events": {}}}
    decoded = decode(topic, payload)
    assert [(s.value, s.time) for s in decoded.sent] == [(3, AT * 1_000), (4, (AT + 9) * 1_000)]
    assert [s.item for s in decoded.sent] == [0, 1]


@pytest.mark.parametrize("tail", ["post", "batch/post"])
def test_a_plain_device_speaks_for_itself_whatever_it_names(tail):
    topic = f"/sys/a1b2/probe-7/thing/event/property/{tail}"
    params = {"identity": {"productKey": "p", "deviceName": "other"}, "properties": {"WF": 1}}
    assert parts(topic, {"params": params}) == ()
    assert topics.parse(topic).device_key == "probe-7"


def entry(device, *properties):
    return {"identity": {"productKey": "p", "deviceName": device}, "properties": list(properties)}


def test_a_history_is_parted_among_the_devices_it_names():
    first = {"WF": {"value": "3", "time": AT}, "Power": {"value": "on", "time": AT}}
    second = {"WF": {"value": "4", "time": AT + 1}}
    payload = {
        "id": "9",
        "sys": {"ack": 1},
        "params": [entry("a", first, second), entry("b", first)],
    }
    found = dict(parts(HISTORY, payload))
    a, b = (f"/sys/p/{n}/thing/event/property/history/post" for n in "ab")
    assert set(found) == {HISTORY, a, b}
    decoded = decode(a, found[a])
    assert [(s.channel, s.value, s.time) for s in decoded.sent] == [
        ("WF", 3.0, AT * 1_000),
        ("WF", 4.0, (AT + 1) * 1_000),
    ]
    assert not decoded.replies
    assert values(decode(b, found[b])) == {"WF": 3.0}
    answered = decode(HISTORY, found[HISTORY])
    assert not answered.sent
    assert [topic for topic, _ in answered.replies] == [f"{HISTORY}_reply"]


def test_a_history_of_the_sender_alone_needs_no_parting():
    own = {"identity": {"productKey": "a1b2", "deviceName": "gateway"}, "properties": [{"WF": 1}]}
    unnamed = {"identity": {"productKey": "", "deviceName": ""}, "properties": {"WF": 2}}
    payload = {"params": [own, unnamed]}
    assert parts(HISTORY, payload) == ()
    assert [s.value for s in decode(HISTORY, payload).sent] == [1, 2]


def test_a_pack_is_parted_among_the_devices_behind_the_gateway():
    behind = {"identity": {"productKey": "p", "deviceName": "a"}, "properties": {"WF": 5}}
    payload = {"params": {"properties": {"Power": 1}, "subDevices": [behind]}}
    found = dict(parts(PACK, payload))
    assert values(decode(PACK, found[PACK])) == {"Power": 1}
    sub = "/sys/p/a/thing/event/property/pack/post"
    assert topics.parse(sub).device_key == "a"
    assert values(decode(sub, found[sub])) == {"WF": 5}
    clone = "sys/x/gateway/thing/properties/gateway/up"
    behind["identity"] = {"productId": "p", "deviceId": "a"}
    assert dict(parts(clone, payload)).keys() == {clone, "sys/p/a/thing/properties/gateway/up"}


def test_a_device_that_waits_for_an_answer_gets_it():
    decoded = decode(TOPIC, {"id": "123", "sys": {"ack": 1}, "params": {"WF": 1}})
    [(topic, answer)] = decoded.replies
    assert topic == f"{TOPIC}_reply"
    assert json.loads(answer) == {"id": "123", "code": 200, "data": {}}
    assert not decode(TOPIC, {"id": "123", "sys": {"ack": 0}, "params": {"WF": 1}}).replies


@pytest.mark.parametrize("params", [None, 7, "x", True, [7], [None], [{}], [{"properties": 7}]])
@pytest.mark.parametrize("topic", [TOPIC, HISTORY, PACK])
def test_reports_of_another_shape_are_refused(topic, params):
    assert refused_for(topic, {"params": params}) is Reason.WRONG_SHAPE
    assert not parts(topic, {"params": params})


def test_a_report_for_others_that_was_not_parted_is_refused():
    payload = {"params": [entry("a", {"WF": 1}), entry("b", 7)]}
    assert parts(HISTORY, payload) == ()
    assert refused_for(HISTORY, payload) is Reason.WRONG_SHAPE


@pytest.mark.parametrize("time", ["soon", True, [], {}])
def test_a_time_that_is_none_spoils_its_own_property_only(time):
    params = {"WF": {"value": 1, "time": time}, "T": {"value": 2, "time": AT}}
    decoded = decode(TOPIC, {"params": params})
    assert [(r.channel, r.reason) for r in decoded.refused] == [("WF", Reason.WRONG_SHAPE)]
    assert values(decoded) == {"T": 2}


@pytest.mark.parametrize("payload", [*GARBAGE, b"[]", b"{}"])
@pytest.mark.parametrize("topic", [TOPIC, HISTORY])
def test_garbage_is_refused(payload, topic):
    assert refused_for(topic, payload) in (Reason.UNREADABLE, Reason.WRONG_SHAPE)
    assert parts(topic, payload) == ()
