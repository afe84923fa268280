import json
import math
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mqtt import topics
from ingest.mqtt.format import Decoded, Sent, Undecodable
from ingest.mqtt.wire import micros
from models.reading import Reason

TOPIC = "heitu/v1/probe-7/readings"
AT = "2026-05-01T08:00:00+08:00"
AT_US = micros(datetime(2026, 5, 1, tzinfo=UTC))


def decode(payload):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    address = topics.parse(TOPIC)
    return address.format.decode(address, payload)


def refusals(payload):
    return [(refused.item, refused.reason) for refused in decode(payload).refused]


def fault(payload):
    with pytest.raises(Undecodable) as caught:
        decode(payload)
    return caught.value.reason


def test_the_topic_names_the_device():
    assert topics.parse(TOPIC).device_key == "probe-7"
    assert topics.parse(TOPIC).format.name == "heitu"
    by_county = topics.parse("heitu/v1/220182/probe-7/readings")
    assert (by_county.device_key, by_county.format.name) == ("probe-7", "heitu")


@pytest.mark.parametrize(
    "topic", ["", "/", "heitu/v1/x", "heitu/v2/x/readings", "heitu/v1/x/y/z/readings", "\0/\ud800"]
)
def test_other_topics_are_nobodys(topic):
    with pytest.raises(Undecodable) as caught:
        topics.parse(topic)
    assert caught.value.reason is Reason.UNKNOWN_TOPIC


def test_one_reading():
    message = {"time": AT, "channel": "soil_moisture_10", "value": 23.1}
    assert decode(message).sent == [Sent(0, AT_US, 23.1, "soil_moisture_10")]


def test_one_reading_with_its_own_unit_by_quantity_and_depth():
    message = {"time": AT, "quantity": "soil_moisture", "depth_cm": 10, "value": 1, "unit": "%"}
    expected = Sent(0, AT_US, 1.0, None, "%", "soil_moisture", 10.0)
    assert decode(message).sent == [expected]


@pytest.mark.parametrize("wrap", [lambda r: {"readings": r}, lambda r: r])
def test_many_readings(wrap):
    message = wrap([{"time": AT, "channel": c, "value": i} for i, c in enumerate("abc")])
    assert [(s.item, s.channel, s.value) for s in decode(message).sent] == [
        (0, "a", 0),
        (1, "b", 1),
        (2, "c", 2),
    ]


def test_many_values_of_one_instant():
    message = {"time": AT, "values": {"a": 1, "b": 2.5}}
    assert decode(message).sent == [Sent(0, AT_US, 1.0, "a"), Sent(1, AT_US, 2.5, "b")]


@pytest.mark.parametrize(
    "time",
    [
        AT,
        "2026-05-01T00:00:00Z",
        "2026-05-01t00:00:00.000z",
        1777593600,
        1777593600000,
        1777593600.0,
    ],
)
def test_the_same_instant_in_every_spelling(time):
    assert decode({"time": time, "channel": "a", "value": 1}).sent[0].time == AT_US


def test_a_byte_order_mark_and_unknown_keys_are_no_reason_to_refuse():
    payload = (
        b"\xef\xbb\xbf"
        + json.dumps(
            {"time": AT, "channel": "a", "value": 1, "battery": "low", "seq": [1]}
        ).encode()
    )
    assert decode(payload).sent == [Sent(0, AT_US, 1.0, "a")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time": None}, Reason.MISSING_TIME),
        ({"time": "2026-05-01T08:00:00"}, Reason.WRONG_SHAPE),  # no zone: eight hours off or not
        ({"time": "yesterday"}, Reason.WRONG_SHAPE),
        ({"time": True}, Reason.WRONG_SHAPE),
        ({"time": [1]}, Reason.WRONG_SHAPE),
        ({"value": None}, Reason.WRONG_SHAPE),
        ({"value": "23.1"}, Reason.WRONG_SHAPE),
        ({"value": True}, Reason.WRONG_SHAPE),
        ({"value": {}}, Reason.WRONG_SHAPE),
        ({"channel": None}, Reason.WRONG_SHAPE),
        ({"channel": 7}, Reason.WRONG_SHAPE),
        ({"unit": 7}, Reason.WRONG_SHAPE),
        ({"depth_cm": "10"}, Reason.WRONG_SHAPE),
    ],
)
def test_a_bad_reading_is_refused_and_its_neighbours_are_kept(change, reason):
    good = {"time": AT, "channel": "a", "value": 1}
    message = [good, good | change, good]
    assert refusals(message) == [(1, reason)]
    assert [sent.item for sent in decode(message).sent] == [0, 2]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.UNREADABLE),
        (b'{"time":"2026-05-01T08:0', Reason.UNREADABLE),
        (b'{"time":1}\0', Reason.UNREADABLE),
        (b"\xff\xfe", Reason.UNREADABLE),
        (b"[" * 10_000, Reason.UNREADABLE),
        (b'{"values":' * 10_000, Reason.UNREADABLE),
        (b"[" * 10_000 + b"]" * 10_000, Reason.UNREADABLE),
        (b"null", Reason.WRONG_SHAPE),
        (b"3.5", Reason.WRONG_SHAPE),
        (b'"text"', Reason.WRONG_SHAPE),
        (b"[]", Reason.WRONG_SHAPE),
        (b'{"readings":[]}', Reason.WRONG_SHAPE),
        (b'{"readings":{}}', Reason.WRONG_SHAPE),
        (b'{"time":1777593600,"values":{}}', Reason.WRONG_SHAPE),
        (b'{"time":1777593600,"values":[1]}', Reason.WRONG_SHAPE),
        (b'{"time":1777593600,"value":1,"values":{"a":1}}', Reason.WRONG_SHAPE),
        (b'{"readings":[{}],"values":{"a":1}}', Reason.WRONG_SHAPE),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_as_a_whole(payload, reason):
    assert fault(payload) is reason


def test_elements_that_are_no_readings_are_refused_one_by_one():
    assert refusals(b"[1,null,[],{}]") == [
        (0, Reason.WRONG_SHAPE),
        (1, Reason.WRONG_SHAPE),
        (2, Reason.WRONG_SHAPE),
        (3, Reason.WRONG_SHAPE),
    ]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5_000])
def test_what_is_not_a_finite_number_spoils_its_own_reading_only(literal):
    payload = f'{{"time":"{AT}","values":{{"a":1,"b":{literal}}}}}'.encode()
    sent = decode(payload).sent
    assert sent[0].value == 1
    assert not math.isfinite(sent[1].value)


@pytest.mark.parametrize("time", ["1e400", "9" * 5_000, "-1e300", "1e18"])
def test_absurd_epochs_still_fit_64_bits(time):
    payload = f'{{"time":{time},"channel":"a","value":1}}'.encode()
    assert -(2**63) < decode(payload).sent[0].time < 2**63


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(payload):
    with suppress(Undecodable):
        assert isinstance(decode(payload), Decoded)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["time", "value", "values", "readings", "channel", "unit", "quantity"])
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_decoded_or_refused_and_every_position_is_told_once(document):
    payload = json.dumps(document).encode()
    try:
        decoded = decode(payload)
    except Undecodable:
        return
    items = [sent.item for sent in decoded.sent] + [refused.item for refused in decoded.refused]
    assert sorted(items) == list(range(len(items)))
    assert items


@given(
    st.lists(
        st.tuples(
            st.datetimes(
                min_value=datetime(2000, 1, 1),  # noqa: DTZ001
                max_value=datetime(2100, 1, 1),  # noqa: DTZ001
                timezones=st.just(UTC),
            ),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=10),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_was_written_is_what_is_read(readings):
    message = [
        {"time": time.isoformat(), "value": value, "channel": channel}
        for time, value, channel in readings
    ]
    payload = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    decoded = decode(payload)
    assert [(s.time, s.value, s.channel) for s in decoded.sent] == [
        (micros(time), value, channel) for time, value, channel in readings
    ]
