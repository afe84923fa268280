"""Filters that begin with $, on brokers that take them and on one that does not."""

import pytest

from ingest.mqtt.client import Subscriber
from ingest.mqtt.inbox import Inbox
from ingest.mqtt.wishes import Wishes
from tests import brokers
from tests.probes import Publisher, reading, topic, until

HUAWEI = "$oc/devices/probe-0/sys/properties/report"
needs_mosquitto = pytest.mark.skipif(
    brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"
)


def heard(port, publish):
    """What arrives of the messages published."""
    inbox = Inbox()
    filters = ["$oc/devices/+/sys/properties/report", "heitu/v1/+/readings"]
    subscriber = Subscriber(brokers.link(port, "wishes"), filters, inbox, max_payload=10_000)
    subscriber.start()
    try:
        until(lambda: subscriber.connected)
        assert subscriber.generation == 1  # it was never cut off
        with Publisher(port) as publisher:
            for each in publish:
                publisher.send(each, reading(0))
        return {message.topic for message in inbox.take(10, wait=5, linger=1, quiet=0.3)}
    finally:
        subscriber.stop()


def test_a_broker_that_cuts_the_connection_off_still_delivers_the_others(tmp_path):
    with brokers.embedded(tmp_path) as port:
        assert heard(port, [topic()]) == {topic()}


@needs_mosquitto
def test_mosquitto_delivers_what_begins_with_a_dollar(tmp_path):
    with brokers.mosquitto(tmp_path / "mosquitto") as port:
        assert heard(port, [topic(), HUAWEI]) == {topic(), HUAWEI}


def test_an_absent_broker_is_told_and_tried_again_later():
    wishes = Wishes(["$a/+", "b/+"])
    with pytest.raises(OSError, match="refused"):
        wishes.try_out(brokers.link(brokers.free_port()))
    assert wishes.ask() == [("$a/+", 1), ("b/+", 1)]
