"""Filters that begin with $, on brokers that take them and on one that does not."""

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest.mqtt.client import Subscriber
from ingest.mqtt.inbox import Inbox
from ingest.mqtt.wishes import Wishes
from tests import brokers
from tests.probes import Publisher, reading, topic, until

HUAWEI = "$oc/devices/probe-0/sys/properties/report"
needs_mosquitto = pytest.mark.skipif(
    brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"
)


def heard(port, publish, connections):
    """What arrives of the messages published."""
    inbox = Inbox()
    filters = ["$oc/devices/+/sys/properties/report", "heitu/v1/+/readings"]
    link = brokers.link(port, "wishes", reserved=True)
    subscriber = Subscriber(link, filters, inbox, max_payload=10_000)
    subscriber.start()
    try:
        until(lambda: subscriber.connected)
        assert subscriber.generation == connections
        with Publisher(port) as publisher:
            for each in publish:
                publisher.send(each, reading(0))
        return {message.topic for message in inbox.take(10, wait=5, linger=1, quiet=0.3)}
    finally:
        subscriber.stop()


def test_a_broker_that_cuts_the_connection_off_still_delivers_the_others(tmp_path):
    with brokers.embedded(tmp_path) as port:
        assert heard(port, [topic()], connections=2) == {topic()}


@needs_mosquitto
def test_mosquitto_delivers_what_begins_with_a_dollar(tmp_path):
    with brokers.mosquitto(tmp_path / "mosquitto") as port:
        assert heard(port, [topic(), HUAWEI], connections=1) == {topic(), HUAWEI}


def test_a_connection_lost_after_the_answer_asks_for_no_less():
    wishes = Wishes(["$a/+", "b/+"])
    everything = [("$a/+", 1), ("b/+", 1)]
    assert wishes.ask() == everything
    assert wishes.refused([granted(), granted()]) == []
    wishes.cut_off()
    assert wishes.ask() == everything
    wishes.cut_off()
    assert wishes.ask() == [("b/+", 1)]


def test_only_a_filter_that_is_needed_is_missed():
    wishes = Wishes(["$a/+", "b/+"])
    wishes.ask()
    assert wishes.refused([denied(), denied()]) == ["b/+"]
    assert Wishes(["$a/+", "b/+"], reserved=False).ask() == [("b/+", 1)]


def granted():
    return ReasonCode(PacketTypes.SUBACK, "Granted QoS 1")


def denied():
    return ReasonCode(PacketTypes.SUBACK, "Unspecified error")
