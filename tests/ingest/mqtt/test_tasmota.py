from zoneinfo import ZoneInfo

import pytest

from ingest.mqtt.format import Signs
from models.reading import Reason
from tests.ingest.mqtt.decoding import GARBAGE, decode, kept, refused_for, sample, values

TOPIC = "tele/tasmota/SENSOR"


def test_a_local_time_without_zone_is_that_of_the_site():
    payload = sample("tasmota_dht22")["payload"]
    decoded = decode(TOPIC, payload)
    assert values(decoded) == {"DHT22.Temperature": 23.9, "DHT22.Humidity": 34.1}
    # 16:11:12 in Shanghai is 08:11:12 UTC
    assert {s.time for s in decoded.sent} == {1_486_887_072_000_000}
    berlin = decode(TOPIC, payload, zone=ZoneInfo("Europe/Berlin"))
    assert {s.time for s in berlin.sent} == {1_486_912_272_000_000}
    assert decoded.selective


def test_the_unit_beside_the_sensors_is_that_of_their_temperatures():
    payload = sample("tasmota_scd40_co2")["payload"]
    units = {s.channel: s.unit for s in decode(TOPIC, payload).sent}
    assert units == {
        "SCD40.CarbonDioxide": None,
        "SCD40.eCO2": None,
        "SCD40.Temperature": "Cel",
        "SCD40.Humidity": None,
        "SCD40.DewPoint": "Cel",
    }
    payload["TempUnit"] = "F"
    payload["BMP280"] = {"Pressure": 760, "Temperature": 70}
    payload["PressureUnit"] = "mmHg"
    units = {s.channel: s.unit for s in decode(TOPIC, payload).sent}
    assert units["SCD40.Temperature"] == units["BMP280.Temperature"] == "[degF]"
    assert units["BMP280.Pressure"] == "mm[Hg]"


def test_the_epoch_is_preferred_to_the_local_time():
    decoded = decode(TOPIC, sample("tasmota_analog_epoch")["payload"])
    assert [(s.channel, s.value, s.time) for s in decoded.sent] == [
        ("ANALOG.A0", 8, 1_567_595_328_000_000)
    ]


def test_without_any_time_it_is_that_of_arrival():
    assert [s.time for s in decode(TOPIC, {"DHT22": {"Temperature": 1}}).sent] == [None]


def test_a_clock_never_set_is_told_as_it_is():
    decoded = decode(TOPIC, {"Time": "1970-01-01T00:00:12", "A": {"T": 1}})
    assert decoded.sent[0].time < 0  # the intake refuses it as impossible


@pytest.mark.parametrize("time", ["now", "", 7, None, True, [], "2017-02-30T00:00:00"])
def test_a_time_that_is_none_is_refused(time):
    message = {"Time": time, "DHT22": {"Temperature": 1}}
    if time is None:
        assert decode(TOPIC, message).sent[0].time is None
    else:
        assert refused_for(TOPIC, message) is Reason.WRONG_SHAPE


def test_texts_lists_and_gaps_are_no_readings():
    decoded = decode(
        TOPIC,
        {"DS18B20-1": {"Id": "01", "Temperature": None}, "E": {"Power": [1, 2]}, "Switch1": "ON"},
    )
    assert not decoded.sent
    assert not decoded.refused
    assert kept(decoded) == {"DS18B20-1.Id": "01", "E.Power": "[1.0, 2.0]", "Switch1": "ON"}


def test_the_state_tells_the_signal():
    message = {"Time": "2024-01-01T00:00:00", "Wifi": {"RSSI": 100, "Signal": -48}}
    decoded = decode("tele/tasmota/STATE", message)
    assert decoded.signs == Signs(rssi_dbm=-48)
    assert not decoded.sent
    for wifi in ({"RSSI": 100}, {"Signal": "x"}, None, 7):
        assert decode("tele/tasmota/STATE", {"Wifi": wifi}).signs == Signs()


@pytest.mark.parametrize(("will", "online"), [(b"Online", True), (b"Offline", False)])
def test_the_will_tells_whether_it_is_online(will, online):
    assert decode("tele/tasmota/LWT", will).signs == Signs(online=online)


def test_other_wills_are_refused_and_a_cleared_one_says_nothing():
    assert refused_for("tele/tasmota/LWT", b"gone") is Reason.WRONG_SHAPE
    assert decode("tele/tasmota/LWT", b"").signs is None


@pytest.mark.parametrize("payload", [*GARBAGE, b"[]"])
@pytest.mark.parametrize("kind", ["SENSOR", "STATE"])
def test_garbage_is_refused(payload, kind):
    reason = refused_for(f"tele/tasmota/{kind}", payload)
    assert reason in (Reason.UNREADABLE, Reason.WRONG_SHAPE)


def test_objects_nested_too_deep_are_refused_alone():
    deep = 1
    for _ in range(20):
        deep = {"a": deep}
    decoded = decode(TOPIC, {"X": deep, "Y": {"T": 2}})
    assert [r.reason for r in decoded.refused] == [Reason.WRONG_SHAPE]
    assert values(decoded) == {"Y.T": 2}
