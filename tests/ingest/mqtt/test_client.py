"""The subscriber against real brokers."""

import time

import pytest

from ingest.mqtt import topics
from ingest.mqtt.client import Link, Subscriber
from ingest.mqtt.inbox import KEPT, Inbox
from tests import brokers
from tests.probes import Publisher, encode, reading, topic, until

needs_mosquitto = pytest.mark.skipif(
    brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"
)


class Rig:
    def __init__(self, link, **bounds):
        self.inbox = Inbox(**bounds)
        self.subscriber = Subscriber(link, topics.subscriptions(), self.inbox, max_payload=100_000)

    def take(self, most=1_000):
        return self.inbox.take(most, wait=5, linger=0.05, quiet=0.02)

    def __enter__(self):
        self.subscriber.start()
        until(lambda: self.subscriber.connected)
        return self

    def __exit__(self, *_):
        self.subscriber.stop()


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with brokers.embedded(tmp_path_factory.mktemp("broker")) as port:
        yield port


def test_what_came_while_away_is_there_and_what_is_settled_does_not_come_again(port):
    link = brokers.link(port, "sleeper")
    with Rig(link), Publisher(port):
        pass  # the session exists now
    with Publisher(port) as publisher:
        for i in range(3):
            publisher.send(topic(), reading(i))
    with Rig(link) as rig:
        first = rig.take()
        assert len(first) == 3
        rig.subscriber.settle(first[:1])
        time.sleep(0.2)
    with Rig(link) as rig:
        again = rig.take()
        assert [message.payload for message in again] == [m.payload for m in first[1:]]
        rig.subscriber.settle(again)


@needs_mosquitto
@pytest.mark.mosquitto
def test_an_acknowledgement_of_a_lost_connection_is_dropped(tmp_path):
    with (
        brokers.mosquitto(tmp_path / "mqtt", window=1) as port,
        Rig(brokers.link(port, "stale")) as rig,
        Publisher(port) as publisher,
    ):
        for i in range(2):
            publisher.send(topic(), reading(i))
        (first,) = rig.take()
        generation = rig.subscriber.generation
        rig.subscriber._client.socket().shutdown(2)
        (same,) = rig.take()
        assert same.payload == first.payload
        assert (first.generation, same.generation) == (generation, generation + 1)
        rig.subscriber.settle([first])
        assert rig.inbox.take(1, wait=0.5, linger=0, quiet=0) == []
        rig.subscriber.settle([same])
        (second,) = rig.take()
        assert second.payload != first.payload
        rig.subscriber.settle([second])


@needs_mosquitto
@pytest.mark.mosquitto
def test_version_5_keeps_its_session_and_is_not_held_to_20_messages(tmp_path):
    with brokers.mosquitto(tmp_path / "mqtt", window=20) as port:
        link = Link("127.0.0.1", port, client_id="five", version="5")
        with Rig(link):
            pass
        with Publisher(port) as publisher:
            for i in range(100):
                publisher.send(topic(), reading(i))
        with Rig(link) as rig:
            until(lambda: len(rig.inbox) == 100)
            rig.subscriber.settle(rig.take()[:60])
            time.sleep(0.2)
        with Rig(link) as rig:
            until(lambda: len(rig.inbox) == 40)
            assert rig.take()[0].payload == encode(reading(60))


@needs_mosquitto
@pytest.mark.mosquitto
def test_reading_pauses_while_the_inbox_is_full_and_the_connection_lives_on(tmp_path):
    with brokers.mosquitto(tmp_path / "mqtt") as port:
        link = Link("127.0.0.1", port, client_id="slow", keepalive=2)
        with Rig(link, capacity=50) as rig:
            with Publisher(port) as publisher:
                for i in range(3_000):
                    publisher.send(topic(), reading(i))
            until(lambda: rig.inbox.full)
            time.sleep(4.5)  # beyond one and a half keep-alive periods the broker cuts the silent
            assert len(rig.inbox) <= 50 + 500
            assert rig.subscriber.connected
            assert rig.subscriber.generation == 1
            received = []
            while len(received) < 3_000:
                taken = rig.take(200)
                assert taken
                received += taken
                rig.subscriber.settle(taken)
            assert [m.payload for m in received] == sorted(
                (m.payload for m in received), key=lambda p: p[:40]
            )


def test_the_broker_may_come_later_and_go_and_come_back(tmp_path):
    port = brokers.free_port()
    rig = Rig(brokers.link(port, "early"))
    rig.subscriber.start()
    try:
        until(lambda: str(port) in rig.subscriber.why)
        for _ in range(2):
            with brokers.embedded(tmp_path, port):
                until(lambda: rig.subscriber.connected)
                with Publisher(port) as publisher:
                    publisher.send(topic(), reading(0))
                (message,) = rig.take()
                rig.subscriber.settle([message])
            until(lambda: not rig.subscriber.connected)
    finally:
        rig.subscriber.stop()


def test_of_a_huge_payload_only_the_head_is_kept(port):
    with Rig(brokers.link(port, "huge")) as rig, Publisher(port) as publisher:
        publisher.send(topic(), b"x" * 1_000_000)
        (message,) = rig.take()
        assert (message.size, message.payload) == (1_000_000, b"x" * KEPT)
        rig.subscriber.settle([message])


def test_messages_of_other_topics_and_qualities_pass_by(port):
    with Rig(brokers.link(port, "picky")) as rig, Publisher(port) as publisher:
        publisher.send("weather/today", b"{}")
        publisher.client.publish(topic("qos0"), b"{}", qos=0)
        publisher.client.publish(topic("qos2"), b"{}", qos=2).wait_for_publish(5)
        received = []
        while len(received) < 2:
            received += rig.take()
        assert sorted(message.topic for message in received) == [topic("qos0"), topic("qos2")]
        rig.subscriber.settle(received)
