import copy
import json
import math
from datetime import UTC, datetime

import pytest

from ingest.mqtt import topics
from ingest.mqtt.format import NOTHING, Kept, Signs, Undecodable, Uplink
from ingest.mqtt.payloads import chirpstack
from ingest.mqtt.wire import micros
from models.reading import Reason
from tests.conftest import DATA


def sample(name):
    found = json.loads((DATA / "mqtt" / f"chirpstack_v4_{name}.json").read_text("utf-8"))
    return found["topic"], found["payload"]


def decode(topic, payload, profile=""):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    address = topics.parse(topic)._replace(profile=profile)
    return address.format.decode(address, payload)


def refused_for(topic, payload, profile=""):
    with pytest.raises(Undecodable) as caught:
        decode(topic, payload, profile)
    return caught.value.reason


def us(*when):
    return micros(datetime(*when, tzinfo=UTC))


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


def test_raw_bytes_go_through_the_codec_of_the_profile():
    topic, payload = sample("up_raw")
    payload |= {"fPort": 2, "data": "zikA8QelCZtuKJA="}  # CE2900F107A5099B6E2890, published
    decoded = decode(topic, payload, "dragino-lse01")
    assert {s.channel: s.value for s in decoded.sent} == {
        "BatV": 3.625,
        "temp_DS18B20": 24.1,
        "water_SOIL": 19.57,
        "temp_SOIL": 24.59,
        "conduct_SOIL": 28200,
    }
    assert {s.time for s in decoded.sent} == {us(2022, 7, 18, 9, 34, 15, 775023)}
    assert decoded.kept == [Kept("Sensor_flag", "probe found")]
    assert decoded.signs.battery_v == 3.625


@pytest.mark.parametrize(
    ("change", "profile"),
    [
        ({"fPort": 5, "data": "zikA8QelCZtuKJA="}, "dragino-lse01"),
        ({"fPort": 2, "data": "zikA8Q=="}, "dragino-lse01"),
        ({"fPort": 2, "data": "zik*"}, "dragino-lse01"),
        ({"fPort": 2, "data": "\u00e9"}, "dragino-lse01"),
        ({}, "zigbee-soil-meter"),
        ({}, "gone"),
    ],
)
def test_bytes_that_the_codec_does_not_fit_are_kept_for_later(change, profile):
    topic, payload = sample("up_raw")
    assert refused_for(topic, payload | change, profile) is Reason.UNDECODED


def test_a_frame_is_known_by_session_and_counter_where_zero_is_left_out():
    topic, payload = sample("up_raw")
    payload["object"] = {"t": 1}
    at = us(2022, 7, 18, 9, 34, 15, 775023)
    assert decode(topic, payload).uplink == Uplink("00189440", 0, at)
    for stated in (7, "7", 7.0):
        assert decode(topic, payload | {"fCnt": stated}).uplink == Uplink("00189440", 7, at)
    for strange in (-1, 1.5, "x", True, 2**32, [1]):
        assert decode(topic, payload | {"fCnt": strange}).uplink is None
    assert decode(topic, payload | {"devAddr": None}).uplink is None


def test_the_gateway_that_heard_it_best_gives_the_signal():
    topic, payload = sample("up_raw")
    payload["object"] = {"t": 1}
    payload["rxInfo"] = [
        {"gatewayId": "far", "rssi": "-110", "snr": "-7.5"},
        {"gatewayId": "near", "rssi": "-36"},
        "noise",
        {"gatewayId": "mute"},
    ]
    assert decode(topic, payload).signs == Signs(
        rssi_dbm=-36.0, snr_db=0.0, gateway="near", online=True
    )


def test_without_a_time_the_network_s_clock_at_the_gateway_counts_then_the_arrival():
    topic, payload = sample("up_raw")
    del payload["time"]
    payload["object"] = {"t": 1}
    payload["rxInfo"] = [
        {"time": "1970-01-01T00:00:10Z", "nsTime": "2022-07-18T09:34:15.9Z"},
        {"time": "2022-07-18T09:34:14Z", "nsTime": "2022-07-18T09:34:15.8Z"},
    ]
    assert decode(topic, payload).sent[0].time == us(2022, 7, 18, 9, 34, 15, 800000)
    payload["rxInfo"] = [{"time": "2022-07-18T09:34:14Z"}]
    assert decode(topic, payload).sent[0].time == us(2022, 7, 18, 9, 34, 14)
    del payload["rxInfo"]
    decoded = decode(topic, payload)
    assert decoded.sent[0].time is None
    assert decoded.uplink is None


def test_a_status_tells_battery_and_margin():
    topic, payload = sample("status")
    assert decode(topic, payload) == NOTHING._replace(
        signs=Signs(battery_pct=88.3, snr_db=10, online=True)
    )
    powered = decode(topic, payload | {"externalPowerSource": True, "margin": None}).signs
    assert powered == Signs(snr_db=0.0, online=True)


def test_a_join_tells_that_the_device_is_there():
    assert decode(*sample("join")) == NOTHING._replace(signs=Signs(online=True))


@pytest.mark.parametrize("event", ["ack", "txack", "log", "location", "integration", "else"])
def test_other_events_tell_nothing(event):
    topic, payload = sample("join")
    assert decode(topic.replace("/join", f"/{event}"), payload) == NOTHING


def test_an_empty_uplink_measures_nothing():
    topic, payload = sample("up_raw")
    del payload["data"]
    decoded = decode(topic, payload)
    assert (decoded.sent, decoded.refused) == ([], [])
    assert decoded.signs.rssi_dbm == -36


def test_a_decoder_that_failed_leaves_the_bytes_to_the_codec():
    topic, payload = sample("up_raw")
    payload |= {"fPort": 2, "data": "zikA8QelCZtuKJA=", "object": {"errors": ["unknown FPort"]}}
    assert decode(topic, payload, "dragino-lse01").sent
    assert refused_for(topic, payload) is Reason.UNDECODED


def test_earlier_records_keep_their_own_times():
    topic, payload = sample("up_raw")
    payload["object"] = {
        "temperature": 25.5,
        "history": [
            {"timestamp": 1665561758, "temperature": 27.2, "humidity": "46.5"},
            {"timestamp": "1665562358", "temperature": 27.3},
            {"time": "2022-10-12T08:22:38Z", "valve_1": "open", "temperature": 27.4},
            {"temperature": 99},
            "noise",
        ],
    }
    decoded = decode(topic, payload)
    assert [(s.item, s.channel, s.time, s.value) for s in decoded.sent] == [
        (0, "temperature", us(2022, 7, 18, 9, 34, 15, 775023), 25.5),
        (1, "temperature", 1665561758_000000, 27.2),
        (2, "humidity", 1665561758_000000, 46.5),
        (3, "temperature", 1665562358_000000, 27.3),
        (5, "temperature", us(2022, 10, 12, 8, 22, 38), 27.4),
    ]
    assert decoded.kept == [Kept("valve_1", "open")]
    assert [(r.item, r.channel) for r in decoded.refused] == [(6, "history"), (7, "history")]


def test_what_is_posted_over_http_has_the_topic_of_its_event():
    topic, payload = sample("up_dragino_lse01")
    assert chirpstack.topic_of("up", json.dumps(payload).encode()) == topic
    for event, change in [("", {}), ("a/b", {}), ("up", {"deviceInfo": None})]:
        with pytest.raises(Undecodable):
            chirpstack.topic_of(event, json.dumps(payload | change).encode())


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
def test_text_that_only_resembles_a_number_is_kept_as_text(soil, text):
    topic, payload = soil
    payload["object"] = {"BatV": text}
    decoded = decode(topic, payload)
    assert not decoded.sent
    assert decoded.kept == [Kept("BatV", text)]


def test_states_are_kept_and_gaps_are_none(soil):
    topic, payload = soil
    payload["object"] = {"valve": True, "list": ["a"], "gap": None, "text": "nan", "huge": 10**400}
    decoded = decode(topic, json.dumps(payload).encode())
    assert decoded.kept == [Kept("valve", "true"), Kept("list", '["a"]')]
    assert [s.channel for s in decoded.sent] == ["text", "huge"]
    assert math.isnan(decoded.sent[0].value)
    assert decoded.sent[1].value == math.inf


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
