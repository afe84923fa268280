import pytest

from ingest.mqtt import topics
from ingest.mqtt.format import NOTHING, Signs
from models.reading import Reason
from tests.ingest.mqtt.decoding import GARBAGE, decode, kept, refused_for, sample, values

TOPIC = "zigbee2mqtt/soil-1"


@pytest.fixture
def soil():
    return sample("zigbee2mqtt_soil")["payload"]


def test_a_real_soil_meter(soil):
    decoded = decode(TOPIC, soil)
    assert decoded.selective
    assert not decoded.refused
    assert values(decoded)["soil_moisture"] == 42
    assert values(decoded)["temperature"] == 23.2
    assert kept(decoded)["soil_warning"] == "false"
    assert kept(decoded)["water_warning"] == "none"
    assert "last_seen" not in values(decoded) | kept(decoded)
    # 15:53:02 at UTC+11
    assert {s.time for s in decoded.sent} == {1_769_057_582_000_000}


def test_last_seen_may_be_an_epoch_or_missing(soil):
    soil["last_seen"] = 1_769_057_582_123
    assert {s.time for s in decode(TOPIC, soil).sent} == {1_769_057_582_123_000}
    del soil["last_seen"]
    assert {s.time for s in decode(TOPIC, soil).sent} == {None}


@pytest.mark.parametrize("seen", ["yesterday", "2026-01-22T15:53:02", {}, True])
def test_a_last_seen_that_is_no_time_is_refused(soil, seen):
    assert refused_for(TOPIC, soil | {"last_seen": seen}) is Reason.WRONG_SHAPE


def test_battery_and_voltage_are_signs_of_the_device(soil):
    assert decode(TOPIC, soil).signs is None
    assert decode(TOPIC, soil | {"battery": 87}).signs == Signs(battery_pct=87)
    signs = decode(TOPIC, soil | {"battery": 87, "voltage": 2900}).signs
    assert signs == Signs(battery_pct=87, battery_v=2.9)
    assert decode(TOPIC, soil | {"battery": "low", "voltage": None}).signs is None
    assert decode(TOPIC, soil | {"battery": 87, "voltage": "x"}).signs == Signs(battery_pct=87)


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", True),
        (b"offline", False),
        ({"state": "online"}, True),
        ({"state": "offline"}, False),
    ],
)
def test_availability(payload, online):
    assert decode(f"{TOPIC}/availability", payload).signs == Signs(online=online)


@pytest.mark.parametrize("payload", [b"maybe", b"{}", b"{", b"\xff", b'{"state":[]}'])
def test_another_availability_is_refused(payload):
    reason = refused_for(f"{TOPIC}/availability", payload)
    assert reason in (Reason.WRONG_SHAPE, Reason.UNREADABLE)


def test_a_removed_device_clears_its_state():
    assert decode(TOPIC, b"") == NOTHING


def test_a_friendly_name_with_spaces_is_a_key():
    assert topics.parse("zigbee2mqtt/Soil Sensor:1").device_key == "Soil%20Sensor%3A1"
    assert topics.parse("zigbee2mqtt/土壤-1").device_key == "土壤-1"


@pytest.mark.parametrize("payload", [*GARBAGE[1:], b"[]"])
def test_garbage_is_refused(payload):
    assert refused_for(TOPIC, payload) in (Reason.UNREADABLE, Reason.WRONG_SHAPE)
