import pytest

from ingest.mqtt import topics
from ingest.mqtt.format import NOTHING, Format, Undecodable
from models.reading import Reason


def named(name, subscription, device_level=1):
    return Format(name, subscription, device_level, lambda address, payload: NOTHING)


GENERIC = named("generic", "+/sensor/+/state", lambda levels: f"{levels[0]}-{levels[2]}")
DEEP = named("deep", ("plant/#", "plant/sensor/+/state"))
EXACT = named("exact", ("spare/+", "plant/sensor/3/state"), 2)
SYSTEM = named("system", "$oc/devices/+/report", 2)


@pytest.fixture
def some_formats(monkeypatch):
    monkeypatch.setattr(topics, "formats", lambda: (GENERIC, DEEP, EXACT, SYSTEM))
    forget()
    yield
    monkeypatch.undo()
    forget()


def forget():
    for remembered in (topics._table, topics._of_length, topics.addresses):
        remembered.cache_clear()


@pytest.mark.usefixtures("some_formats")
@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("plant/sensor/3/state", ["exact 3", "deep sensor", "generic plant-3"]),
        ("plant/sensor/4/state", ["deep sensor", "generic plant-4"]),
        ("house/sensor/4/state", ["generic house-4"]),
        ("plant/a/b/c/d", ["deep a"]),
        ("$oc/devices/7/report", ["system 7"]),
        ("plant", ["deep "]),
    ],
)
def test_the_most_specific_filter_is_asked_first_and_each_format_once(topic, found):
    assert [f"{a.format.name} {a.device_key}" for a in topics.addresses(topic)] == found
    assert topics.parse(topic) == topics.addresses(topic)[0]


@pytest.mark.usefixtures("some_formats")
@pytest.mark.parametrize("topic", ["", "/", "x", "$sys/sensor/1/state", "house/sensor/4", "spare"])
def test_a_topic_that_no_filter_fits_is_refused_by_name(topic):
    with pytest.raises(Undecodable) as caught:
        topics.addresses(topic)
    assert caught.value.reason is Reason.UNKNOWN_TOPIC


def test_every_filter_is_subscribed_to_once():
    wanted = topics.subscriptions()
    assert "heitu/v1/+/readings" in wanted
    assert len(set(wanted)) == len(wanted)
