"""The station's ear: real MQTT clients, acknowledged once their messages are on disk."""

import socket
import threading
import time

import paho.mqtt.client as paho
import pytest

from ingest.edge.listener import Door, Listener
from models.errors import SpoolFull, StartFailed
from tests import brokers
from tests.probes import until


class Shelf:
    """Stands for the spool: may be slow or full."""

    def __init__(self):
        self.kept, self.delay, self.full = [], 0.0, False

    def put(self, messages):
        time.sleep(self.delay)
        if self.full:
            raise SpoolFull(why="test")
        self.kept += messages


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def listener(shelf):
    made = Listener(Door("127.0.0.1", brokers.free_port()), shelf.put)
    made.start()
    yield made
    made.stop()


def client(listener, version=paho.MQTTv311, **account):
    made = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=version)
    made.codes = []
    made.on_publish = lambda _c, _d, _m, code, _p: made.codes.append(str(code))
    if account:
        made.username_pw_set(**account)
    made.connect("127.0.0.1", listener._door.port, keepalive=5)
    made.loop_start()
    return made


def leave(made):
    made.disconnect()
    made.loop_stop()


@pytest.mark.parametrize("version", [paho.MQTTv31, paho.MQTTv311, paho.MQTTv5])
@pytest.mark.parametrize("qos", [0, 1])
def test_messages_of_every_version_are_kept_in_order(listener, shelf, version, qos):
    made = client(listener, version)
    sent = [made.publish(f"a/{i}", bytes([i]) * 300, qos) for i in range(200)]
    for one in sent:
        one.wait_for_publish(5)
    until(lambda: len(shelf.kept) == 200)
    assert [(m.topic, m.payload) for m in shelf.kept] == [
        (f"a/{i}", bytes([i]) * 300) for i in range(200)
    ]
    assert all(abs(m.arrived / 1e6 - time.time()) < 60 for m in shelf.kept)
    leave(made)


def test_quality_of_service_2(listener, shelf):
    made = client(listener)
    made.publish("a", b"1", 2).wait_for_publish(5)
    assert [m.payload for m in shelf.kept] == [b"1"]
    leave(made)


def test_no_acknowledgement_before_the_message_is_on_disk(listener, shelf):
    shelf.delay = 0.4
    made = client(listener)
    began = time.monotonic()
    made.publish("a", b"1", 1).wait_for_publish(5)
    assert time.monotonic() - began >= 0.4
    assert len(shelf.kept) == 1
    leave(made)


@pytest.mark.parametrize(
    ("version", "said"), [(paho.MQTTv5, ["Quota exceeded"]), (paho.MQTTv311, [])]
)
def test_a_full_spool_turns_messages_away(listener, shelf, version, said):
    shelf.full = True
    made = client(listener, version)
    gone = threading.Event()
    made.on_disconnect = lambda *_: gone.set()
    made.publish("a", b"1", 1)
    if said:
        until(lambda: made.codes == said)
    else:  # it can only hang up, and the device keeps its message
        assert gone.wait(5)
        assert made.codes == []
    assert shelf.kept == []
    assert listener.refused > 0
    shelf.full = False
    if not said:
        until(lambda: len(shelf.kept) == 1)  # sent again by itself
    leave(made)


def test_subscriptions_are_refused_and_pings_answered(listener):
    made = client(listener)
    granted = []
    made.on_subscribe = lambda _c, _d, _m, codes, _p: granted.append(str(codes[0]))
    until(made.is_connected)
    made.subscribe("a/#", 1)
    until(lambda: granted)
    assert granted == ["Unspecified error"]
    time.sleep(6)  # longer than its keep-alive
    assert made.is_connected()
    leave(made)


def test_who_may_connect(shelf):
    door = Door("127.0.0.1", brokers.free_port(), "village", "secret")
    made = Listener(door, shelf.put)
    made.start()
    right = client(made, username="village", password="secret")
    until(right.is_connected)
    wrong = client(made, username="village", password="guess")
    time.sleep(0.3)
    assert not wrong.is_connected()
    leave(right)
    leave(wrong)
    made.stop()


@pytest.mark.parametrize(
    "junk",
    [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff\x01", b"\x10\x02\x00\x09", b"\x30\x00",
     b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00" + b"\x32\x05\x00\x01#\x00\x01",
     b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00" + b"\x32\xff\xff\xff\x7f"],
)  # fmt: skip
def test_what_is_no_mqtt_is_cut_off_and_does_no_harm(listener, shelf, junk):
    with socket.create_connection(("127.0.0.1", listener._door.port), timeout=12) as wire:
        wire.sendall(junk)
        wire.shutdown(socket.SHUT_WR)
        while wire.recv(100):
            pass
    made = client(listener)
    made.publish("a", b"1", 1).wait_for_publish(5)
    assert len(shelf.kept) == 1
    leave(made)


def test_a_port_that_is_taken_is_said(listener, shelf):
    with pytest.raises(StartFailed):
        Listener(listener._door, shelf.put).start()
