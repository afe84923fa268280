import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.codecs import decode, names
from ingest.mqtt.format import Undecodable
from models.errors import UnknownCodec
from models.reading import Reason
from tests.conftest import DATA


def published(name):
    found = json.loads((DATA / "mqtt" / f"{name}.json").read_text("utf-8"))["payload"]
    return bytes.fromhex(found["hex"]), found["decoded"]


def read(codec, data, port=None):
    if isinstance(data, str):
        data = bytes.fromhex(data)
    return {(v.name, v.time): v.value for v in decode(codec, data, port)}


def now(codec, data, port=None):
    return {name: value for (name, _), value in read(codec, data, port).items()}


def refusal(codec, data, port=None):
    with pytest.raises(Undecodable) as caught:
        read(codec, data, port)
    assert caught.value.reason is Reason.UNDECODED
    return caught.value.detail


@pytest.mark.parametrize(
    ("sample", "codec"),
    [
        ("milesight_em500_smtc", "milesight-em500-smtc"),
        ("milesight_em500_co2", "milesight-em500-co2"),
        ("milesight_wts506_weather", "milesight-wts506"),
        ("milesight_uc511_valve", "milesight-uc511"),
        ("milesight_em300_th_history", "milesight-em300-th"),
    ],
)
def test_published_bytes_give_the_published_values(sample, codec):
    data, wanted = published(sample)
    flat = {(name, None): v for name, v in wanted.items() if name != "history"}
    for entry in wanted.get("history", ()):
        at = entry.pop("timestamp") * 1_000_000
        flat |= {(name, at): v for name, v in entry.items()}
    assert read(codec, data) == flat


def test_the_published_soil_probe():
    found = json.loads((DATA / "mqtt/tts_v3_decoded_dragino_lse01.json").read_text("utf-8"))
    wanted = found["payload"]
    assert now("dragino-lse01", "CE2900F107A5099B6E2890", 2) == {
        "BatV": wanted["Bat"],
        "temp_DS18B20": float(wanted["TempC_DS18B20"]),
        "water_SOIL": float(wanted["water_SOIL"]),
        "temp_SOIL": float(wanted["temp_SOIL"]),
        "conduct_SOIL": wanted["conduct_SOIL"],
        "Sensor_flag": "probe found",
    }


@pytest.mark.parametrize(
    ("codec", "data", "wanted"),
    [
        # the maker's READMEs, beyond the samples
        (
            "milesight-wts506",
            "0175640367FF00046879",
            {"battery": 100, "temperature": 25.5, "humidity": 60.5},
        ),
        (
            "milesight-wts506",
            "8367FF0001",
            {"temperature": 25.5, "temperature_alarm": "threshold alarm"},
        ),
        (
            "milesight-wts506",
            "88EC8D1300000201",
            {"rainfall_total": 50.05, "rainfall_counter": 2, "rainfall_alarm": "threshold alarm"},
        ),
        (
            "milesight-em300-th",
            "01755C03673401046865",
            {"battery": 92, "temperature": 30.8, "humidity": 50.5},
        ),
        (
            "milesight-em500-smtc",
            "0175640367190104CA7300057FF000",
            {"battery": 100, "temperature": 28.1, "moisture": 1.15, "ec": 240},
        ),
        # below zero
        ("milesight-em300-th", "03676BFF", {"temperature": -14.9}),
        (
            "milesight-em500-smtc",
            "83D76BFF9CFF02",
            {
                "temperature": -14.9,
                "temperature_mutation": -10.0,
                "temperature_alarm": "mutation alarm",
            },
        ),
    ],
)
def test_further_published_bytes(codec, data, wanted):
    assert now(codec, data) == wanted


@pytest.mark.parametrize(
    ("raw", "celsius"),
    # LSE01 manual 2.3.3: 0x0105 is 2.61, 0xFF7E is (0xFF7E - 0xFFFF) / 100
    [("0105", 2.61), ("FF7E", -1.29), ("0000", 0.0), ("F060", -39.99), ("1F40", 80.0)],
)
def test_soil_temperature_as_the_manual_computes_it(raw, celsius):
    assert now("dragino-lse01", f"0CE50000 0000 {raw} 0000 10")["temp_SOIL"] == celsius


@pytest.mark.parametrize(
    ("raw", "celsius"), [("00F1", 24.1), ("FFFF", -0.1), ("FF7E", -13.0), ("0CCC", 327.6)]
)
def test_the_outer_probe_has_ordinary_negatives(raw, celsius):
    assert now("dragino-lse01", f"0CE5 {raw} 0000 0000 0000 10")["temp_DS18B20"] == celsius


def test_the_battery_of_a_soil_probe_has_14_bits():
    assert now("dragino-lse01", "FFFF 0000 0000 0000 0000 00")["BatV"] == 16.383


def test_newer_firmware_may_send_raw_figures_which_are_not_soil_moisture():
    data = "0CE5 00F1 0123 0456 0789 90"
    raw = now("dragino-lse01-121", data)
    assert raw["Soil_dielectric_constant"] == 29.1
    assert raw["Raw_water_SOIL"] == 0x456
    assert not {"water_SOIL", "temp_SOIL", "conduct_SOIL"} & raw.keys()
    assert now("dragino-lse01-121", data[:-2] + "10")["water_SOIL"] == 2.91


def test_history_keeps_the_time_of_each_record():
    data = "20CE9E74466310015D00 20CEF676466311015E00 0367FF00"
    assert read("milesight-em300-th", data) == {
        ("temperature", 1665561758_000000): 27.2,
        ("humidity", 1665561758_000000): 46.5,
        ("temperature", 1665562358_000000): 27.3,
        ("humidity", 1665562358_000000): 47.0,
        ("temperature", None): 25.5,
    }


def test_soil_history_of_two_layouts_of_the_weather_station():
    wanted = {"temperature": 25.5, "humidity": 60.5, "pressure": 1006.3, "wind_direction": 121.0}
    for data, rain in [
        ("20CEE59BE164FF00794F27BA0432008D13", 50.05),
        ("21CEE59BE164FF00794F27BA043200EA840100", 995.62),
    ]:
        found = read("milesight-wts506", data)
        assert {time for _, time in found} == {1692507109_000000}
        assert now("milesight-wts506", data) == wanted | {"wind_speed": 5.0, "rainfall_total": rain}


def test_a_failed_probe_reads_far_outside_its_scale():
    assert now("milesight-em500-smtc", "0367FFFF 04CAFFFF 057FFFFF") == {
        "temperature": 6553.5,
        "moisture": 655.35,
        "ec": 65535,
    }


def test_a_tenth_of_a_degree_below_zero_is_no_failure_when_the_rest_is_well():
    """0xFFFF is -0.1, where freezing soil stands for weeks."""
    assert now("milesight-em500-smtc", "0367FFFF 04CA7300 057FF000")["temperature"] == -0.1


def test_identity_and_answers_to_commands_are_passed_over():
    joined = "FF0BFF FF0101 FF166136B50012345678 FF090310 FF0A0101 FF0F00 017564"
    assert now("milesight-em300-th", joined) == {"battery": 100}


@pytest.mark.parametrize(
    ("codec", "data", "why"),
    [
        ("dragino-lse01", "", "0 bytes, a frame has 11"),
        ("dragino-lse01", "CE2900F107A5099B6E28", "10 bytes, a frame has 11"),
        ("dragino-lse01", "CE2900F107A5099B6E289000", "12 bytes, a frame has 11"),
        ("milesight-em300-th", "017564 0367FF", "entry 0367 at byte 3 is cut: 1 of 2 bytes"),
        ("milesight-em300-th", "20CE9E74466310015D", "entry 20CE at byte 0 is cut: 7 of 8 bytes"),
        ("milesight-em300-th", "017564 77", "unknown entry 77 at byte 3"),
        ("milesight-em300-th", "017564 7701 00", "unknown entry 7701 at byte 3"),
        ("milesight-em300-th", "00" * 256, "256 bytes are no LoRaWAN frame"),
    ],
)
def test_bytes_that_are_no_whole_frame_are_refused_with_the_reason(codec, data, why):
    assert why in refusal(codec, data)


def test_another_port_is_another_message():
    data = "CE2900F107A5099B6E2890"
    assert "port 42" in refusal("dragino-lse01", data, 42)
    assert read("dragino-lse01", data, 2) == read("dragino-lse01", data, None)


@pytest.mark.parametrize("name", ["nope", "", "../profiles/dragino-lse01", "dragino-lse01.toml"])
def test_an_unknown_codec_is_named(name):
    with pytest.raises(UnknownCodec, match="dragino-lse01"):
        decode(name, b"")


@given(st.sampled_from(names()), st.binary(max_size=300), st.none() | st.integers(0, 255))
@settings(max_examples=2000, deadline=None)
def test_no_bytes_break_a_codec(codec, data, port):
    started = time.process_time()
    try:
        values = decode(codec, data, port)
    except Undecodable:
        values = []
    assert time.process_time() - started < 0.5
    assert len({(v.name, v.time) for v in values}) == len(values)
    assert all(type(v.value) in (float, str) for v in values)
