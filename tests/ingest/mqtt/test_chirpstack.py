import copy
import json
import math
from datetime import UTC, datetime

import pytest

from ingest.mqtt import topics
from ingest.mqtt.format import NOTHING, Undecodable
from ingest.mqtt.wire import micros
from models.reading import Reason
from tests.conftest import DATA


def sample(name):
    found = json.loads((DATA / "mqtt" / f"chirpstack_v4_{name}.json").read_text("utf-8"))
    return found["topic"], found["payload"]


def decode(topic, payload):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    address = topics.parse(topic)
    return address.format.decode(address, payload)


def refused_for(topic, payload):
    with pytest.raises(Undecodable) as caught:
        decode(topic, payload)
    return caught.value.reason


@pytest.fixture
def soil():
    return sample("up_dragino_lse01")


def test_a_real_soil_sensor_whose_numbers_arrive_as_text(soil):
    topic, payload = soil
    assert topics.parse(topic).device_key == "a8404187d187106e"
    decoded = decode(topic, payload)
    assert decoded.selective
    assert not decoded.refused
    assert {sent.channel: sent.value for sent in decoded.sent} == {
        "BatV": 3.301,
        "temp_DS18B20": 0.0,
        "temp_SOIL": 13.25,
        "water_SOIL_f": 13.74,
        "conduct_SOIL": 35.0,
    }
    at = micros(datetime(2024, 6, 20, 8, 48, 38, 863512, tzinfo=UTC))
    assert {sent.time for sent in decoded.sent} == {at}


def test_raw_bytes_without_a_codec_are_kept_for_later():
    assert refused_for(*sample("up_raw")) is Reason.UNDECODED


@pytest.mark.parametrize("event", ["status", "join"])
def test_device_events_measure_nothing(event):
    assert decode(*sample(event)) == NOTHING


def test_an_empty_uplink_measures_nothing():
    topic, payload = sample("up_raw")
    del payload["data"]
    assert decode(topic, payload) == NOTHING


def test_nested_codec_output_is_named_by_its_path(soil):
    topic, payload = soil
    payload["object"] = {"soil": {"t": 1, "deep": {"vwc": "2"}}}
    assert [(s.channel, s.value) for s in decode(topic, payload).sent] == [
        ("soil.t", 1.0),
        ("soil.deep.vwc", 2.0),
    ]


@pytest.mark.parametrize(
    "text", ["1_000", "\u0663", "\uff11", "0x10", "", " ", "12,5", "on", "infinity"]
)
def test_text_that_only_resembles_a_number_is_refused(soil, text):
    topic, payload = soil
    payload["object"] = {"BatV": text}
    decoded = decode(topic, payload)
    assert [(r.channel, r.reason) for r in decoded.refused] == [("BatV", Reason.WRONG_SHAPE)]


@pytest.mark.parametrize("value", [True, None, [1], "nan"])
def test_states_and_gaps_are_no_numbers(soil, value):
    topic, payload = soil
    payload["object"] = {"BatV": value}
    decoded = decode(topic, payload)
    assert decoded.refused or math.isnan(decoded.sent[0].value)


def test_a_codec_that_writes_nan_spoils_its_own_value_only(soil):
    topic, payload = soil
    text = json.dumps(payload).replace("3.301", "NaN").encode()
    values = {sent.channel: sent.value for sent in decode(topic, text).sent}
    assert math.isnan(values["BatV"])
    assert values["temp_SOIL"] == 13.25


def test_a_payload_of_another_device_is_refused(soil):
    topic, payload = soil
    other = copy.deepcopy(payload)
    other["deviceInfo"]["devEui"] = "0101010101010101"
    assert refused_for(topic, other) is Reason.WRONG_SHAPE
    same = copy.deepcopy(payload)
    same["deviceInfo"]["devEui"] = payload["deviceInfo"]["devEui"].upper()
    assert decode(topic, same).sent


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time": None}, Reason.MISSING_TIME),
        ({"time": "2024-06-20T08:48:38"}, Reason.WRONG_SHAPE),
        ({"time": 12}, Reason.WRONG_SHAPE),
        ({"deviceInfo": None}, Reason.WRONG_SHAPE),
        ({"deviceInfo": []}, Reason.WRONG_SHAPE),
        ({"object": [1]}, Reason.WRONG_SHAPE),
        ({"object": {}, "data": "qg=="}, Reason.UNDECODED),
    ],
)
def test_an_uplink_of_another_shape_is_refused(soil, change, reason):
    topic, payload = soil
    assert refused_for(topic, payload | change) is reason


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[" * 10_000, b'{"object":' + b'{"a":' * 10_000, b"\xff", b'"x"', b"7"]
)
def test_what_is_no_json_object_is_refused(soil, payload):
    assert refused_for(soil[0], payload) in (Reason.UNREADABLE, Reason.WRONG_SHAPE)
