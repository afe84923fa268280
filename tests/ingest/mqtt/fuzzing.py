"""Payloads that no device sends: real samples, damaged; topics of every format.

Everything is drawn from a seeded generator, so that a failure can be had again.
"""

import base64
import json
import random
import string
from contextlib import suppress
from functools import cache

from ingest.mqtt import topics
from ingest.mqtt.format import Undecodable
from ingest.mqtt.payloads import formats
from ingest.profiles import profiles
from tests.conftest import DATA

EUI = "a8404187d187106e"
# words that stand where a filter has "+": some mean something to a format
WORDS = [
    *("up", "status", "join", "event", "SENSOR", "STATE", "state", "sensor", "telemetry", "post"),
    *(
        "NBIRTH",
        "NDATA",
        "NDEATH",
        "DBIRTH",
        "DDATA",
        "DDEATH",
        "property",
        "thing",
        "availability",
    ),
    *("4097", "1", "me", "dev1", "probe-0", "node1", "set", "bridge", "吉林", "%2F", "🌾"),
]
ODD = [
    None, True, False, 0, -0.0, -1, 1.5, 1e308, 10**400, -(10**30), 2**53 + 1, 2**63, 4097,
    float("nan"), float("inf"), -float("inf"),
    "", " ", "nan", "on", "1e5", "13.25", "\0", "\ud800", "\u202e", "x" * 300,
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", "2026-05-01T08:00:00", "20260501T080000Z", "2026-02-30",
    "-1", "qg==", "AXVkA2cZAQRocwV/8AA=", "zikA8QelCZtuKJA=", "=" * 10,
    [], {}, [None], [[]], [{}], {"": ""}, {"value": None}, {"timestamp": -1},
    {"a": {"b": {"c": 1}}},
]  # fmt: skip
BOMBS = [
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"values":' + b"9" * 200_000 + b"}",
    b"[" + b"1," * 120_000 + b"1]",
    b'{"object":{' + b",".join(b'"k%d":%d' % (i, i) for i in range(12_000)) + b"}}",
    b'[{"bn":"' + b"x" * 200_000 + b'","v":1}]',
    b"\x12\xff\xff\xff\xff\x0f" * 20_000,  # protobuf lengths beyond the end
    b"\x0a\x80" * 100_000,  # a varint without an end
    b"\x12\x00" * 120_000,  # 120,000 empty submessages
    b"\0" * 250_000,
    b"\xff" * 250_000,
    ("\u3000" * 80_000).encode(),
    b"1" * 250_000,
    b" " * 250_000 + b"7",
    b"-" + b"0" * 200_000 + b".1",
    b'"' + b"\\u0000" * 40_000 + b'"',
]


HEITU = [
    {"time": "2026-05-01T08:00:00+08:00", "channel": "soil_temperature_10", "value": 9.5},
    [{"time": 1777593600, "channel": "soil_temperature_10", "value": 9.5, "unit": "K"}],
    {"readings": [{"time": 1777593600000, "quantity": "soil_moisture", "value": 23.1}]},
    {"time": "2026-05-01T00:00:00Z", "values": {"soil_moisture_10": 23.1, "x": 1}},
]


@cache
def samples():
    """Every sample as (topic or None where no format fits it, payload bytes)."""
    found = [("heitu/v1/probe-0/readings", json.dumps(document).encode()) for document in HEITU]
    for path in sorted((DATA / "mqtt").glob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        for message in document.get("messages", [document]):
            found += _messages(message["topic"], message["payload"])
    return [(topic if _taken(topic) else None, payload) for topic, payload in found]


def _taken(topic):
    with suppress(Undecodable):
        return topic is not None and bool(topics.addresses(topic))
    return False


def _messages(topic, payload):
    if isinstance(payload, str):
        return [(topic, payload.encode())]
    if isinstance(payload, dict) and payload.keys() == {"base64"}:
        return [(topic, base64.b64decode(payload["base64"]))]
    if isinstance(payload, dict) and "hex" in payload:
        return list(_frames(payload))
    return [(topic, json.dumps(payload).encode())]


def _frames(published):
    """Wrap a frame as both network servers do: as bytes, as an object, as both."""
    data = base64.b64encode(bytes.fromhex(published["hex"])).decode()
    at = "2026-05-01T08:00:00.123456789Z"
    for told in ({"data": data}, {"object": published["decoded"]}, {"data": "", "object": {}}):
        up = {"time": at, "deviceInfo": {"devEui": EUI}, "devAddr": "00189440", "fPort": 85}
        yield f"application/1/device/{EUI}/event/up", json.dumps(up | told).encode()
    uplink = {"received_at": at, "frm_payload": data, "decoded_payload": published["decoded"]}
    up = {"end_device_ids": {"device_id": "dev1", "dev_eui": EUI}, "uplink_message": uplink}
    yield "v3/app1@tenant1/devices/dev1/up", json.dumps(up).encode()


class Fuzzer:
    """Draws messages from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seeds = samples()
        self.filters = [f.split("/") for format_ in formats() for f in format_.subscriptions]
        self.profiles = ["", "gone", *profiles()]

    def message(self):
        """Draw a topic that some format takes, and a payload."""
        topic, payload = self.random.choice(self.seeds)
        if topic is None or self.random.random() < 0.3:
            topic = self.topic()
        return topic, self.damaged(payload)

    def topic(self):
        """Draw a topic that fits some filter."""
        pattern = self.random.choice(self.filters)
        levels = [self._word() if level == "+" else level for level in pattern]
        if levels[-1] == "#":
            levels[-1:] = [self._word() for _ in range(self.random.randint(0, 3))]
        return "/".join(levels)

    def _word(self):
        if self.random.random() < 0.9:
            return self.random.choice(WORDS)
        drawn = self.random.choices(string.ascii_letters + string.digits + " \t%$.:-", k=8)
        return "x" + "".join(drawn)

    def damaged(self, payload):
        """Damage a payload in its structure or in its bytes; one in ten stays whole."""
        kind = self.random.random()
        if kind < 0.1:
            return payload
        if kind < 0.6:
            try:
                document = json.loads(payload)
            except ValueError:
                return self._bytes(payload)
            for _ in range(self.random.randint(1, 4)):
                document = self._document(document)
            return json.dumps(document).encode("utf-8", "surrogatepass")
        return self._bytes(payload)

    def _document(self, document):
        draw = self.random
        if not isinstance(document, dict | list) or not document or draw.random() < 0.1:
            return draw.choice(ODD)
        document = document.copy()
        keys = list(document) if isinstance(document, dict) else range(len(document))
        key = draw.choice(list(keys))
        what = draw.random()
        if what < 0.15:
            del document[key]
        elif what < 0.3 and isinstance(document, dict):
            document[draw.choice([*ODD[16:27], *keys])] = document[key]
        elif what < 0.4 and isinstance(document, list):
            document.insert(draw.randrange(len(document) + 1), draw.choice(ODD))
        else:
            document[key] = self._document(document[key])
        return document

    def _bytes(self, payload):
        draw = self.random
        damaged = bytearray(payload)
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(damaged) + 1)
            match draw.randrange(6):
                case 0:
                    damaged[at : at + 1] = bytes([draw.randrange(256)])
                case 1:
                    del damaged[at : at + draw.randint(1, 20)]
                case 2:
                    damaged[at:at] = draw.randbytes(draw.randint(1, 8))
                case 3:
                    damaged = damaged[:at]
                case 4:
                    other = draw.choice(self.seeds)[1]
                    damaged[at:] = other[draw.randrange(len(other) + 1) :]
                case _:
                    damaged[at:at] = draw.choice(
                        [b"e400", b"\0", b"null", b"\xff\xff\xff\x7f", b"-"]
                    )
        return bytes(damaged)
