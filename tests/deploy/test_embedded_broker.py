"""The embedded broker: on the loopback only, large payloads, a backlog that is kept."""

import os
import threading
import time

import paho.mqtt.client as paho
import psutil
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy.embedded import broker, ports
from deploy.embedded.part import ProcessPart
from models.errors import StartFailed


@pytest.fixture
def running(tmp_path):
    port = ports.free(21883)
    part = ProcessPart(
        "broker",
        broker.configure(tmp_path / "broker.toml", port),
        tmp_path / "broker.log",
        ready=lambda: broker.answers(broker.HOST, port),
        environment=dict(os.environ),
    )
    part.start()
    yield part, port
    part.stop()
    assert not part.running


def client(port, name, got=None, *, clean=True):
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)
    connected, subscribed = threading.Event(), threading.Event()
    made.on_connect = lambda *_: connected.set()
    made.on_subscribe = lambda *_: subscribed.set()
    made.on_message = lambda _c, _d, m: got.append((m.topic, len(m.payload)))
    made.connect("127.0.0.1", port)
    made.loop_start()
    assert connected.wait(10)
    if got is not None:
        made.subscribe("heitu/v1/+/readings", 1)
        assert subscribed.wait(10)
    return made


def close(*clients):
    for one in clients:
        one.disconnect()
        one.loop_stop()


def soon(condition, patience=10):
    until = time.monotonic() + patience
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


def test_it_listens_on_the_loopback_only(running):
    part, port = running
    listening = psutil.Process(part.process.pid).net_connections("tcp")
    addresses = {c.laddr for c in listening if c.status == psutil.CONN_LISTEN}
    assert {(a.ip, a.port) for a in addresses} == {("127.0.0.1", port)}


def test_a_payload_of_more_than_one_mebibyte_passes(running):
    _, port = running
    got = []
    reader, writer = client(port, "reader", got), client(port, "writer")
    writer.publish("heitu/v1/a/readings", b"x" * 1_500_000, 1).wait_for_publish(10)
    assert soon(lambda: got == [("heitu/v1/a/readings", 1_500_000)])
    close(reader, writer)


def test_a_backlog_waits_for_the_ingestor(running):
    _, port = running
    got = []
    reader, writer = client(port, "ingestor", got, clean=False), client(port, "writer")
    close(reader)
    for _ in range(5_000):
        last = writer.publish("heitu/v1/a/readings", b"y" * 200, 1)
    last.wait_for_publish(20)
    again = client(port, "ingestor", got, clean=False)
    assert soon(lambda: len(got) >= 5_000, 20)
    assert len(got) == 5_000
    close(again, writer)


def test_a_machine_without_the_wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(broker.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StartFailed, match=r"pip install iotcore.*HEITU_MQTT_HOST"):
        broker.configure(tmp_path / "broker.toml", 1883)


def test_a_part_that_cannot_start_says_its_last_words(tmp_path):
    part = ProcessPart(
        "thing",
        ["/bin/sh", "-c", "echo out of cheese >&2; exit 3"],
        tmp_path / "logs" / "thing.log",
        ready=lambda: False,
        environment={},
    )
    with pytest.raises(StartFailed, match="the thing did not start: out of cheese"):
        part.start()
