import pytest

from ingest.mqtt import topics
from models.reading import Reason
from tests.ingest.mqtt.decoding import GARBAGE, decode, kept, refused_for, sample

MESSAGES = sample("sensecap_openstream")["messages"]
TOPIC = MESSAGES[0]["topic"]


def test_the_metric_and_its_unit_are_told_by_the_topic():
    sent = [s for m in MESSAGES for s in decode(m["topic"], m["payload"]).sent]
    assert [(s.channel, s.value, s.unit) for s in sent] == [
        ("1.4097", 23, "Cel"),
        ("1.4098", 71, "%RH"),
        ("1.4101", 101_629, "Pa"),
    ]
    assert sent[0].time == 1_544_151_900_992_000
    assert topics.parse(TOPIC).device_key == "2CF7F12XXXXXXXXX"


def test_an_unknown_measurement_is_kept_in_the_registered_unit():
    topic = TOPIC.replace("/4097", "/5999")
    assert [(s.channel, s.unit) for s in decode(topic, MESSAGES[0]["payload"]).sent] == [
        ("1.5999", None)
    ]


def test_states_are_kept_and_a_missing_time_is_that_of_arrival():
    assert kept(decode(TOPIC, {"value": True})) == {"1.4097": "true"}
    assert [s.time for s in decode(TOPIC, {"value": 1}).sent] == [None]
    assert not decode(TOPIC, {"timestamp": 1_544_151_900_992}).sent


@pytest.mark.parametrize("payload", [*GARBAGE, b"[]", b'{"value":1,"timestamp":"soon"}'])
def test_garbage_is_refused(payload):
    assert refused_for(TOPIC, payload) in (Reason.UNREADABLE, Reason.WRONG_SHAPE)
