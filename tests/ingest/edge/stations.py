"""Stations for tests: in this process, or as a process that can be killed."""

import contextlib
import os
import signal
import subprocess
import sys

import paho.mqtt.client as paho

from deploy.embedded import broker
from ingest.edge.forwarder import Pace
from ingest.edge.listener import Door
from ingest.edge.station import Plan, Station
from ingest.mqtt.link import Link
from tests import brokers
from tests.probes import encode, until


def plan(folder, province, *, rate=0.0, limit=1 << 30, version="5", ear=None):
    """A station that listens on a free port."""
    link = Link("127.0.0.1", province, "station-1", version=version)
    ear = ear or Door("127.0.0.1", brokers.free_port())
    return Plan("station-1", link, ear, folder / "spool.db", limit, Pace(rate))


@contextlib.contextmanager
def running(made):
    station = Station(made)
    station.start()
    try:
        yield station
    finally:
        station.stop()


class Process:
    """``python -m deploy edge``, which can be killed."""

    def __init__(self, folder, province, **settings):
        self.port = brokers.free_port()
        given = {
            "data": folder,
            "mqtt_host": "127.0.0.1",
            "mqtt_port": province,
            "edge_station": "station-1",
            "edge_host": "127.0.0.1",
            "edge_port": self.port,
            "edge_rate": 0,
            **settings,
        }
        self._environment = dict(os.environ) | {
            f"HEITU_{name.upper()}": str(value) for name, value in given.items()
        }
        self._process = None

    def start(self):
        command = [sys.executable, "-m", "deploy", "edge"]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self

    def listening(self):
        return broker.answers("127.0.0.1", self.port, 0.2)

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(5)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(15) == 0

    @property
    def alive(self):
        return self._process.poll() is None


class Device:
    """A device that keeps what is not acknowledged and connects again by itself."""

    def __init__(self, port):
        self.acknowledged, self._published = 0, 0
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.1, 0.5)
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_publish(self, *_):
        self.acknowledged += 1

    def send(self, topic, document):
        self._client.publish(topic, encode(document), qos=1)
        self._published += 1
        until(lambda: self._published - self.acknowledged < 500, patience=60)

    def flush(self):
        until(lambda: self._published == self.acknowledged, patience=60)
        self._client.disconnect()
        self._client.loop_stop()
