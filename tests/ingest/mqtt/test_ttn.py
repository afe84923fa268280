import copy
import json
from datetime import UTC, datetime

import pytest

from ingest.mqtt import topics
from ingest.mqtt.format import NOTHING, Signs, Undecodable, Uplink
from ingest.mqtt.payloads import ttn
from ingest.mqtt.wire import micros
from models.reading import Reason
from tests.conftest import DATA

LSE01 = "zikA8QelCZtuKJA="  # CE2900F107A5099B6E2890, the published example
WANTED = {
    "BatV": 3.625,
    "temp_DS18B20": 24.1,
    "water_SOIL": 19.57,
    "temp_SOIL": 24.59,
    "conduct_SOIL": 28200,
}


def sample(name="up"):
    return json.loads((DATA / "mqtt" / f"tts_v3_{name}.json").read_text("utf-8"))


@pytest.fixture
def up():
    found = sample()
    return found["topic"], copy.deepcopy(found["payload"])


def decode(topic, payload, profile=""):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    address = topics.parse(topic)._replace(profile=profile)
    assert address.format.name == "ttn"
    return address.format.decode(address, payload)


def refusal(topic, payload, profile=""):
    with pytest.raises(Undecodable) as caught:
        decode(topic, payload, profile)
    return caught.value


def us(*when):
    return micros(datetime(*when, tzinfo=UTC))


def test_the_documented_uplink(up):
    decoded = decode(*up)
    at = us(2020, 2, 12, 15, 15, 45, 787000)
    assert [(s.channel, s.value, s.time) for s in decoded.sent] == [
        ("temperature", 1.0, at),
        ("luminosity", 0.64, at),
    ]
    assert decoded.selective
    assert decoded.uplink == Uplink("AXA50tHUGUucuzS/bCGMNw==", 1, at)
    assert decoded.signs == Signs(rssi_dbm=-35, snr_db=5, gateway="gtw1", online=True)


def test_the_device_has_two_names(up):
    topic, payload = up
    assert topics.parse(topic).device_key == "dev1"
    assert ttn.FORMAT.other_name(json.dumps(payload).encode()) == "0004a30b001c0530"
    for strange in (
        b"",
        b"{",
        b"[]",
        b'{"end_device_ids":{}}',
        b'{"end_device_ids":{"dev_eui":7}}',
    ):
        assert ttn.FORMAT.other_name(strange) is None


def test_the_network_s_clock_goes_before_the_gateway_s(up):
    topic, payload = up
    payload["uplink_message"]["received_at"] = "2020-02-12T15:15:45.789585559Z"
    assert decode(topic, payload).sent[0].time == us(2020, 2, 12, 15, 15, 45, 789586)
    del payload["uplink_message"]["received_at"]
    del payload["uplink_message"]["settings"]["time"]
    assert decode(topic, payload).sent[0].time == us(2020, 2, 12, 15, 15, 46, 14773)
    del payload["received_at"]
    assert decode(topic, payload).sent[0].time == us(2020, 2, 12, 15, 15, 45, 787000)
    del payload["uplink_message"]["rx_metadata"]
    assert decode(topic, payload).sent[0].time is None


def test_zero_is_left_out(up):
    topic, payload = up
    del payload["uplink_message"]["f_cnt"]
    del payload["uplink_message"]["rx_metadata"][0]["snr"]
    decoded = decode(topic, payload)
    assert decoded.uplink.counter == 0
    assert decoded.signs.snr_db == 0


def test_without_a_session_key_the_address_names_the_session(up):
    topic, payload = up
    del payload["uplink_message"]["session_key_id"]
    assert decode(topic, payload).uplink.session == "00BCB929"


@pytest.mark.parametrize(
    "left",
    [
        {},
        {"decoded_payload": {}},
        {"decoded_payload": sample("decoded_dragino_lse01_error")["payload"]},
        {"decoded_payload_warnings": ["too short"]},
    ],
)
def test_a_decoder_that_failed_leaves_the_bytes(up, left):
    topic, payload = up
    uplink = payload["uplink_message"]
    del uplink["decoded_payload"]
    uplink |= {"frm_payload": LSE01, "f_port": 2} | left
    found = decode(topic, payload, "dragino-lse01")
    assert {s.channel: s.value for s in found.sent} == WANTED
    assert found.signs.battery_v == 3.625
    fault = refusal(topic, payload)
    assert fault.reason is Reason.UNDECODED
    for words in left.get("decoded_payload", {}).get("errors", ()):
        assert words in fault.detail


def test_the_documented_failure_on_another_port_is_kept_with_its_reason(up):
    topic, payload = up
    uplink = payload["uplink_message"]
    uplink |= {"frm_payload": LSE01, "f_port": 42}
    uplink["decoded_payload"] = sample("decoded_dragino_lse01_error")["payload"]
    fault = refusal(topic, payload, "dragino-lse01")
    assert (fault.reason, "port 42" in fault.detail) == (Reason.UNDECODED, True)


def test_the_decoded_object_counts_before_the_bytes(up):
    topic, payload = up
    uplink = payload["uplink_message"]
    uplink |= {"frm_payload": LSE01, "f_port": 2}
    uplink["decoded_payload"] = sample("decoded_dragino_lse01")["payload"]
    found = decode(topic, payload, "dragino-lse01")
    assert {s.channel for s in found.sent} == set(uplink["decoded_payload"])
    assert sorted(s.value for s in found.sent) == sorted(WANTED.values())


def test_a_normalized_payload_brings_its_own_units_and_times(up):
    topic, payload = up
    uplink = payload["uplink_message"]
    del uplink["decoded_payload"]
    uplink["normalized_payload"] = [
        {"air": {"temperature": -21.3, "relativeHumidity": 80}, "battery": 3.6},
        {"time": "2020-02-12T15:00:00Z", "soil": {"ec": 0.24, "moisture": 11.5}},
    ]
    found = decode(topic, payload)
    at, before = us(2020, 2, 12, 15, 15, 45, 787000), us(2020, 2, 12, 15)
    assert [(s.channel, s.value, s.unit, s.time) for s in found.sent] == [
        ("air.temperature", -21.3, "Cel", at),
        ("air.relativeHumidity", 80, "%", at),
        ("battery", 3.6, None, at),
        ("soil.ec", 0.24, "dS/m", before),
        ("soil.moisture", 11.5, "%", before),
    ]


def test_the_network_server_knows_the_battery(up):
    topic, payload = up
    payload["uplink_message"]["last_battery_percentage"] = {"f_cnt": 14, "value": 90.118576}
    assert decode(topic, payload).signs.battery_pct == 90.118576


def test_a_join_tells_that_the_device_is_there(up):
    topic, payload = up
    del payload["uplink_message"]
    payload["join_accept"] = {"session_key_id": "AXBSH1Pk6Z0G166RlH16CQ=="}
    joined = decode(topic.replace("/up", "/join"), payload)
    assert joined == NOTHING._replace(signs=Signs(online=True))


@pytest.mark.parametrize(
    "change",
    [
        {"end_device_ids": None},
        {"end_device_ids": {"device_id": "dev2"}},
        {"uplink_message": None},
        {"uplink_message": []},
        {"simulated": True},
        {"received_at": 7},
    ],
)
def test_an_uplink_of_another_shape_is_refused(up, change):
    topic, payload = up
    assert refusal(topic, payload | change).reason is Reason.WRONG_SHAPE


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[" * 10_000, b'{"a":' * 10_000, b"\xff", b'"x"', b"7", b"{}"]
)
def test_what_is_no_message_is_refused(up, payload):
    assert refusal(up[0], payload).reason in (Reason.UNREADABLE, Reason.WRONG_SHAPE)


def test_a_decoder_that_writes_nan_spoils_its_own_value_only(up):
    topic, payload = up
    text = json.dumps(payload).replace("0.64", "NaN").encode()
    values = {s.channel: s.value for s in decode(topic, text).sent}
    assert values["temperature"] == 1.0
    assert values["luminosity"] != values["luminosity"]


def test_a_webhook_has_the_topic_of_its_message(up):
    topic, payload = up
    body = json.dumps(payload).encode()
    assert ttn.topic_of(body) == "v3/app1/devices/dev1/up"
    assert decode(ttn.topic_of(body), payload).sent == decode(topic, payload).sent
    for change in ({"end_device_ids": {"device_id": "a/b"}}, {"uplink_message": None}):
        with pytest.raises(Undecodable):
            ttn.topic_of(json.dumps(payload | change).encode())
