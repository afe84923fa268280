import math

import pytest

from ingest.mqtt import topics
from ingest.mqtt.format import NOTHING
from models.reading import Reason
from tests.ingest.mqtt.decoding import decode, kept, refused_for, sample, values

TOPIC = "greenhouse1/sensor/soil_temperature/state"


def test_a_bare_number_under_the_prefix_of_its_device():
    found = sample("esphome_sensor_state")
    assert topics.parse(found["topic"]).device_key == "greenhouse1"
    decoded = decode(found["topic"], found["payload"].encode())
    assert [(s.channel, s.value, s.time) for s in decoded.sent] == [
        ("soil_temperature", 23.4, None)
    ]


@pytest.mark.parametrize("text", [b"-4.50", b" 23.4\n", b"1e3", b"0"])
def test_numbers_as_esphome_writes_them(text):
    assert values(decode(TOPIC, text)) == {"soil_temperature": float(text)}


def test_an_unavailable_sensor_says_nan():
    assert math.isnan(values(decode(TOPIC, b"nan"))["soil_temperature"])


@pytest.mark.parametrize("text", [b"unknown", b"1_000", b"0x10", b'{"value":1}', b"12,5"])
def test_other_texts_are_kept_and_are_no_readings(text):
    decoded = decode(TOPIC, text)
    assert not decoded.sent
    assert kept(decoded) == {"soil_temperature": text.decode()}


@pytest.mark.parametrize("component", ["binary_sensor", "text_sensor"])
def test_states_are_kept(component):
    decoded = decode(f"greenhouse1/{component}/door/state", b"12")
    assert not decoded.sent
    assert kept(decoded) == {"door": "12"}


def test_an_empty_state_says_nothing():
    assert decode(TOPIC, b"") == NOTHING


def test_garbage_is_refused():
    assert refused_for(TOPIC, b"\xff\xfe") is Reason.UNREADABLE
    assert refused_for(TOPIC, b"9" * 501) is Reason.WRONG_SHAPE
    assert kept(decode(TOPIC, b"a\0b")) == {"soil_temperature": "a\ufffdb"}
