import math
import time

import pytest

from models.reading import Reason
from tests.ingest.mqtt.decoding import GARBAGE, decode, kept, refused_for, sample, values

KEY = "10e2073a01080063"
TOPIC = f"senml/{KEY}"


def test_base_fields_carry_forward_and_a_metric_may_be_told_by_its_unit():
    decoded = decode(TOPIC, sample("senml_multi_measurement")["payload"])
    assert decoded.selective
    assert not decoded.refused
    assert [s.channel for s in decoded.sent[:3]] == ["%RH", "lon", "lat"]
    humidity = [(s.time, s.value, s.unit) for s in decoded.sent if s.channel == "%RH"]
    at = 1_320_067_464_000_000
    assert humidity == [
        (at, 20.0, "%RH"),
        (at + 60_000_000, 20.3, "%RH"),
        (at + 120_000_000, 20.7, "%RH"),
        (at + 180_000_000, 21.2, "%RH"),
    ]
    assert [(s.channel, s.unit) for s in decoded.sent if s.value == 98] == [("%EL", "%")]


def test_times_count_from_the_base_time_and_units_from_the_base_unit():
    decoded = decode(TOPIC, sample("senml_relative_time")["payload"])
    first, *rest = decoded.sent
    assert (first.channel, first.unit, first.value) == ("voltage", "V", 120.1)
    assert {s.unit for s in rest} == {"A"}
    base = 1_276_020_076_001_000
    assert [s.time - base for s in rest] == [-5_000_000 + i * 1_000_000 for i in range(6)]


def test_small_times_count_back_from_the_arrival():
    pack = [{"n": "t", "u": "Cel", "v": 1, "t": -90}, {"n": "t", "u": "Cel", "v": 2}]
    assert [(s.time, s.ago) for s in decode(TOPIC, pack).sent] == [(None, 90_000_000), (None, 0)]
    edge = [{"n": "t", "v": 1, "t": 2**28 - 1}, {"n": "t", "v": 1, "t": 2**28}]
    assert [s.time for s in decode(TOPIC, edge).sent] == [None, 2**28 * 1_000_000]


@pytest.mark.parametrize(
    ("pack", "channels"),
    [
        ([{"n": f"urn:dev:ow:{KEY}", "u": "Cel", "v": 1}], ["Cel"]),
        ([{"bn": f"urn:dev:ow:{KEY}:", "n": "soil/t", "v": 1}], ["soil/t"]),
        ([{"bn": f"urn:dev:ow:{KEY}_soil", "v": 1}], ["soil"]),
        ([{"bn": f"{KEY}/", "n": "t", "v": 1}], ["t"]),
        ([{"bn": "urn:dev:mac:0024befffe804ff1/", "n": "t", "v": 1}], ["t"]),
        ([{"bn": f"urn:dev:ow:{KEY.upper()}:t", "v": 1}], ["t"]),
    ],
)
def test_the_name_of_the_device_is_no_part_of_the_channel(pack, channels):
    assert [s.channel for s in decode(TOPIC, pack).sent] == channels


def test_things_behind_one_device_are_not_mixed():
    """RFC 8428, section 5.1.6: one pack, several base names."""
    pack = [
        {"bn": "2001:db8::2/", "bt": 1.320078429e9, "n": "temperature", "u": "Cel", "v": 25.2},
        {"n": "humidity", "u": "%RH", "v": 30},
        {"bn": "2001:db8::1/", "n": "temperature", "u": "Cel", "v": 12.3},
        {"bn": f"urn:dev:ow:{KEY}:", "n": "temperature", "u": "Cel", "v": 7},
        {"bn": "2001:db8::3", "u": "Cel", "v": 8},
    ]
    assert values(decode(TOPIC, pack)) == {
        "2001:db8::2/temperature": 25.2,
        "2001:db8::2/humidity": 30,
        "2001:db8::1/temperature": 12.3,
        "temperature": 7,
        "2001:db8::3:Cel": 8,
    }


def test_base_value_and_sum_are_added():
    pack = [{"bn": "x/", "bv": 100, "bs": 10}, {"n": "w", "u": "W", "v": 5, "s": 2}]
    assert values(decode(TOPIC, pack)) == {"w": 105, "w.sum": 12}


def test_texts_and_states_are_kept():
    pack = [{"n": "door", "vb": True}, {"n": "id", "vs": "a\0b"}, {"n": "raw", "vd": "qg"}]
    decoded = decode(TOPIC, pack)
    kept = [(kept.channel, kept.text) for kept in decoded.kept]
    assert kept == [("door", "true"), ("id", "a\ufffdb"), ("raw", "qg")]
    assert not decoded.sent


def test_coulomb_and_farad_are_not_taken_for_temperatures():
    pack = [{"n": "a", "u": "C", "v": 1}, {"n": "b", "u": "F", "v": 1}]
    assert [s.unit for s in decode(TOPIC, pack).sent] == ["coulomb", "farad"]


def test_it_is_also_taken_under_our_own_topics():
    decoded = decode("heitu/v1/probe-0/senml", [{"n": "t", "u": "Cel", "v": 1}])
    assert values(decoded) == {"t": 1}


@pytest.mark.parametrize(
    "record",
    [
        {"bver": 11, "n": "t", "v": 1},
        {"n": "t", "v": 1, "must_": 1},
        {"n": "t", "v": "1"},
        {"n": "t", "v": True},
        {"n": "t", "vb": 1},
        {"n": "t", "vs": 1},
        {"n": 7, "v": 1},
        {"bn": "x" * 201, "n": "t", "v": 1},
        {"n": "t", "v": 1, "t": float("inf")},
        {"n": "t", "v": 1, "bt": "now"},
        7,
    ],
)
def test_what_is_no_senml_is_refused(record):
    assert refused_for(TOPIC, [{"n": "a", "v": 1}, record]) is Reason.WRONG_SHAPE


@pytest.mark.parametrize("payload", [*GARBAGE, b"{}"])
def test_garbage_is_refused(payload):
    assert refused_for(TOPIC, payload) in (Reason.UNREADABLE, Reason.WRONG_SHAPE)


def test_a_value_that_is_no_number_spoils_itself_only():
    decoded = decode(TOPIC, b'[{"n":"a","v":NaN},{"n":"b","v":1e400},{"n":"c","v":2}]')
    assert math.isnan(values(decoded)["a"])
    assert values(decoded)["b"] == math.inf
    assert values(decoded)["c"] == 2


def test_a_record_without_name_and_unit_is_refused_alone():
    decoded = decode(TOPIC, [{"v": 1}, {"n": "t", "v": 2}])
    assert [r.reason for r in decoded.refused] == [Reason.WRONG_SHAPE]
    assert values(decoded) == {"t": 2}
    assert kept(decoded) == {}


def test_a_pack_of_thousands_of_records_takes_no_time():
    pack = [{"bn": "urn:" + ":" * 150, "bt": 1.6e9}] + [{"n": ":" * 40, "v": 1}] * 4_000
    started = time.perf_counter()
    decode(TOPIC, pack)
    assert time.perf_counter() - started < 5
