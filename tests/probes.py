"""Registered probes of a test farm, and messages as they would send them."""

import json
import time
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as paho

from models.device import NewStream
from tests.models.store.seeds import plant_device, plant_farm

START = datetime(2026, 5, 1, tzinfo=UTC)


def plant(database, n=1, streams=None):
    """Register a farm with ``n`` probes of two channels each; gives their datastream ids."""
    ids = {}
    with database.writing() as tx:
        farm = plant_farm(tx)
        for i in range(n):
            device = plant_device(tx, farm, key=f"probe-{i}", streams=streams)
            ids[device.key] = device.id
    return ids


SOIL = [
    NewStream("soil_temperature_10", "soil_temperature", "Cel", 10),
    NewStream("soil_moisture_10", "soil_moisture", "%", 10),
]


def topic(key="probe-0"):
    return f"heitu/v1/{key}/readings"


def reading(i, channel="soil_temperature_10", value=None, step=timedelta(seconds=60)):
    """The i-th reading of a probe, one a minute."""
    at = (START + i * step).isoformat()
    return {"time": at, "channel": channel, "value": (i % 400) / 10 if value is None else value}


def encode(document):
    return json.dumps(document, separators=(",", ":")).encode()


class Publisher:
    """Publishes at QoS 1 and knows what the broker has acknowledged."""

    def __init__(self, port, window=500):
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.max_inflight_messages_set(window)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self._sent = []

    def send(self, topic, payload):
        payload = payload if isinstance(payload, bytes) else encode(payload)
        self._sent.append(self.client.publish(topic, payload, qos=1))
        while len(self._sent) > 1_000:  # a slow broker slows the sender
            self._sent.pop(0).wait_for_publish(30)

    def flush(self):
        for sent in self._sent:
            sent.wait_for_publish(30)
            assert sent.is_published()
        self._sent = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.flush()
        self.client.disconnect()
        self.client.loop_stop()


def until(true, patience=20.0, pause=0.02):
    """Wait until a condition holds and return what it gave; fail after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {patience:g} s"
        time.sleep(pause)
    return found
