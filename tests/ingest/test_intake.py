from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ingest.intake import MAX_PAYLOAD, digest, unknown
from ingest.mqtt.inbox import Message
from ingest.mqtt.wire import micros
from ingest.placement import Placement
from models import units
from models.device import Datastream, DeviceCatalogue
from models.reading import UNKNOWN, Quality, Reason

NOW = datetime(2026, 5, 1, 0, 0, tzinfo=UTC)
NOW_US = micros(NOW)
TOPIC = "heitu/v1/probe/readings"

STREAMS = [
    Datastream(11, 1, None, "t10", "soil_temperature", "Cel", 10),
    Datastream(12, 1, None, "t30", "soil_temperature", "[degF]", 30),
    Datastream(13, 1, None, "m10", "soil_moisture", "%", 10),
    Datastream(14, 1, None, "odd", "no_longer_registered", "Cel", None),
]
CATALOGUE = DeviceCatalogue(
    {"probe": 1, "A84041FFFF1F4B70": 2}, {1: {s.channel: s for s in STREAMS}}, 1
)


@pytest.fixture
def placement():
    return Placement(CATALOGUE)


def message(payload, topic=TOPIC, received=NOW_US):
    return Message(topic, payload.encode(), received, len(payload))


def reading(channel="t10", value="20", time=None, **more):
    extra = "".join(f',"{k}":{v}' for k, v in more.items())
    at = (time or NOW).isoformat()
    return f'{{"time":"{at}","channel":"{channel}","value":{value}{extra}}}'


def one(placement, payload, **more):
    return digest([message(payload, **more)], placement)


def reasons(batch):
    return [(refused.reason, refused.items, refused.n) for refused in batch.refused]


def test_a_reading_becomes_a_canonical_row(placement):
    block = one(placement, reading("m10", "23.1")).block
    assert block["value"].tolist() == [pytest.approx(0.231)]
    block["value"] = 0
    assert block.tolist() == [(13, 0, NOW_US, 0, 23.1, NOW_US, 0, units.number("%"))]


@pytest.mark.parametrize(
    ("channel", "unit", "value", "canonical"),
    [
        ("t30", None, "50", 10.0),
        ("t30", '"Cel"', "50", 50.0),
        ("t10", '"K"', "273.15", 0.0),
        ("m10", '"m3/m3"', "0.31", 0.31),
        ("m10", '"%"', "31", 0.31),
    ],
)
def test_a_unit_in_the_message_overrides_the_registered_one(
    placement, channel, unit, value, canonical
):
    more = {"unit": unit} if unit else {}
    block = one(placement, reading(channel, value, **more)).block
    assert block["value"].tolist() == pytest.approx([canonical])


@pytest.mark.parametrize("unit", ['"g/g"', '"mm"', '""', '"\\u0000"', '"\\ud800"'])
def test_a_unit_that_does_not_measure_the_quantity_is_refused(placement, unit):
    batch = one(placement, reading("m10", "1", unit=unit))
    assert reasons(batch) == [(Reason.UNKNOWN_UNIT, [0], 1)]


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        ('"quantity":"soil_moisture"', 13),
        ('"quantity":"soil_temperature","depth_cm":30', 12),
        ('"channel":"t10","quantity":"soil_temperature"', 11),
    ],
)
def test_a_quantity_finds_its_datastream(placement, fields, row):
    payload = f'{{"time":"{NOW.isoformat()}","value":1,{fields}}}'
    assert one(placement, payload).block["datastream_id"].tolist() == [row]


@pytest.mark.parametrize(
    "fields",
    [
        '"quantity":"soil_temperature"',  # at two depths
        '"quantity":"soil_moisture","depth_cm":99',
        '"quantity":"phlogiston"',
        '"channel":"nope"',
        '"channel":"odd"',
        '"channel":"t10","quantity":"soil_moisture"',
        '"channel":"\\ud800\\u0000"',
    ],
)
def test_a_quantity_or_channel_that_does_not_fit_is_refused(placement, fields):
    payload = f'{{"time":"{NOW.isoformat()}","value":1,{fields}}}'
    batch = one(placement, payload)
    assert reasons(batch) == [(Reason.UNKNOWN_QUANTITY, [0], 1)]
    assert batch.accounts == ["probe"]


@pytest.mark.parametrize(
    ("time", "verdict"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), None),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), None),
        (datetime(2000, 1, 1, tzinfo=UTC), Quality.GOOD),
        (NOW, Quality.GOOD),
        (NOW + timedelta(microseconds=1), Quality.CLOCK),
        (NOW + timedelta(minutes=10), Quality.CLOCK),
        (NOW + timedelta(minutes=10, microseconds=1), None),
        (datetime(2036, 2, 7, tzinfo=UTC), None),
        (datetime(9999, 12, 31, tzinfo=UTC), None),
        (datetime(1, 1, 1, tzinfo=UTC), None),
    ],
)
def test_the_time_rule(placement, time, verdict):
    batch = one(placement, reading(time=time))
    if verdict is None:
        assert reasons(batch) == [(Reason.IMPOSSIBLE_TIME, [0], 1)]
        assert len(batch.block) == 0
    else:
        assert batch.block["quality"].tolist() == [verdict]


def test_a_late_reading_is_normal(placement):
    batch = one(placement, reading(time=NOW - timedelta(days=700)))
    assert batch.block["quality"].tolist() == [0]


def test_a_value_out_of_range_is_kept_and_flagged(placement):
    batch = one(placement, reading("m10", "85"))
    assert batch.block["value"].tolist() == pytest.approx([0.85])
    assert batch.block["quality"].tolist() == [Quality.RANGE]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1.7e308"])
def test_what_is_not_a_finite_number_is_refused(placement, value):
    # 1.7e308 degF is finite on the wire and infinite once converted
    batch = one(placement, reading("t30", value))
    if value == "1.7e308":
        assert len(batch.block) == 1
        return
    assert reasons(batch) == [(Reason.NOT_A_NUMBER, [0], 1)]


def test_a_conversion_that_overflows_is_refused():
    stream = Datastream(1, 1, None, "lux", "illuminance", "klx", None)
    placement = Placement(DeviceCatalogue({"probe": 1}, {1: {"lux": stream}}, 1))
    assert reasons(one(placement, reading("lux", "1e308"))) == [(Reason.NOT_A_NUMBER, [0], 1)]


def test_the_readings_of_an_unknown_device_are_counted_on_the_common_account(placement):
    payload = f"[{reading()},{reading(value='true')}]"
    batch = one(placement, payload, topic="heitu/v1/stranger/readings")
    assert reasons(batch) == [(Reason.UNKNOWN_DEVICE, None, 2)]
    assert batch.accounts == [UNKNOWN]
    assert unknown(batch)


def test_a_topic_of_no_format_is_refused(placement):
    batch = one(placement, "{}", topic="weather/today")
    assert reasons(batch) == [(Reason.UNKNOWN_TOPIC, None, 1)]


def test_a_payload_that_is_too_large_is_refused_unread(placement):
    big = Message(TOPIC, reading().encode(), NOW_US, MAX_PAYLOAD + 1)
    assert reasons(digest([big], placement)) == [(Reason.TOO_LARGE, None, 1)]


def test_good_and_bad_of_one_message_part_ways(placement):
    parts = [
        reading("t10", "1"),
        reading("x", "2"),
        reading("y", "3"),
        reading("t10", "NaN"),
        '{"channel":"t10","value":4}',
        reading("m10", "5"),
    ]
    batch = one(placement, f"[{','.join(parts)}]")
    assert batch.item.tolist() == [0, 5]
    assert reasons(batch) == [
        (Reason.UNKNOWN_QUANTITY, [1, 2], 2),
        (Reason.MISSING_TIME, [4], 1),
        (Reason.NOT_A_NUMBER, [3], 1),
    ]


def test_only_the_positions_asked_for_are_taken(placement):
    payload = f"[{reading('t10')},{reading('m10')},{reading('x')}]"
    batch = digest([message(payload)], placement, only=[{1}])
    assert batch.item.tolist() == [1]
    assert not batch.refused


def lorawan(measured, eui="a84041ffff1f4b70"):
    payload = f'{{"time":"{NOW.isoformat()}","deviceInfo":{{}},"object":{measured}}}'
    return {"payload": payload, "topic": f"application/x/device/{eui}/event/up"}


def test_keys_of_a_codec_without_a_datastream_are_nobodys_loss():
    stream = Datastream(5, 2, None, "temp", "soil_temperature", "Cel", None)
    placement = Placement(DeviceCatalogue({"A84041FFFF1F4B70": 2}, {2: {"temp": stream}}, 1))
    some = one(placement, **lorawan('{"temp":"1.5","BatV":3.3,"state":"on"}'))
    assert some.block["value"].tolist() == [1.5]
    assert not some.refused
    assert some.accounts == ["A84041FFFF1F4B70"]
    none = one(placement, **lorawan('{"BatV":3.3,"state":"on"}'))
    assert reasons(none) == [(Reason.UNKNOWN_QUANTITY, None, 1)]
    bad = one(placement, **lorawan('{"temp":"on","BatV":3.3}'))
    assert reasons(bad) == [(Reason.WRONG_SHAPE, [-1], 1)]
    assert [v[1:4] for v in some.unclaimed] == [("BatV", NOW_US, "3.3"), ("state", NOW_US, "on")]


@pytest.mark.parametrize("time", ["1e308", "-1e308", "0", '"2036-02-07T06:28:16Z"'])
def test_a_key_without_a_datastream_is_not_kept_at_an_impossible_time(time):
    stream = Datastream(5, 1, None, "temp", "soil_temperature", "Cel", None)
    placement = Placement(DeviceCatalogue({"soil-7": 1}, {1: {"temp": stream}}, 1))
    payload = f'{{"last_seen":{time},"temp":1,"humidity":50,"state":"on"}}'
    batch = one(placement, payload, topic="zigbee2mqtt/soil-7")
    assert reasons(batch) == [(Reason.IMPOSSIBLE_TIME, [0], 1)]
    assert batch.unclaimed == []


def test_device_events_leave_no_trace(placement):
    payload = '{"deviceInfo":{},"devAddr":"00189440"}'
    batch = one(placement, payload, topic="application/x/device/a84041ffff1f4b70/event/join")
    assert not batch.refused
    assert len(batch.block) == 0


def test_rows_keep_the_order_and_the_place_of_their_messages(placement):
    many = [message(f"[{reading('t10', i)},{reading('x')},{reading('m10', i)}]") for i in range(50)]
    batch = digest(many, placement)
    assert batch.message.tolist() == np.repeat(np.arange(50), 2).tolist()
    assert batch.item.tolist() == [0, 2] * 50
    assert [refused.message for refused in batch.refused] == list(range(50))


def test_two_devices_of_one_name_in_two_cases_are_not_confused(placement):
    assert placement.device("probe") is not None
    assert placement.device("PROBE") is None
