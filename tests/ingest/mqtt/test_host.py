"""What edge nodes of Sparkplug see of us: online, offline, and gone."""

import json
import socket

import paho.mqtt.client as paho
import pytest

from ingest.mqtt.client import Subscriber
from ingest.mqtt.inbox import Inbox
from tests import brokers
from tests.probes import until

pytestmark = pytest.mark.skipif(
    brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"
)


class EdgeNode:
    """Sees the retained state of the host, as of now and as it changes."""

    def __init__(self, port):
        self.states = []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda *heard: self.states.append(json.loads(heard[2].payload))
        self.client.on_connect = lambda client, *_: client.subscribe("spBv1.0/STATE/heitu", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def sees(self, online):
        until(lambda: self.states and self.states[-1]["online"] is online)
        return self.states[-1]["timestamp"]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def port(tmp_path):
    with brokers.mosquitto(tmp_path / "mosquitto") as port:
        yield port


@pytest.fixture
def edge_node(port):
    node = EdgeNode(port)
    yield node
    node.close()


def subscriber(port, host_id):
    link = brokers.link(port, host_id=host_id)
    return Subscriber(link, ["spBv1.0/+/NDATA/+"], Inbox(), max_payload=1_000)


def test_the_host_is_online_while_it_is_subscribed(port, edge_node):
    host = subscriber(port, "heitu")
    host.start()
    born = edge_node.sees(online=True)
    host.stop()
    assert edge_node.sees(online=False) >= born


def test_a_host_that_vanishes_is_told_offline_and_comes_back(port, edge_node):
    host = subscriber(port, "heitu")
    host.start()
    born = edge_node.sees(online=True)
    edge_node.states.clear()
    host._client.socket().shutdown(socket.SHUT_RDWR)  # no DISCONNECT: the broker has the will
    until(lambda: len(edge_node.states) >= 2)
    assert edge_node.states[0] == {"online": False, "timestamp": born}
    assert edge_node.sees(online=True) > born
    host.stop()


def test_without_an_id_nothing_is_told(port, edge_node):
    host = subscriber(port, "")
    host.start()
    until(lambda: host.connected)
    host.stop()
    assert edge_node.states == []
