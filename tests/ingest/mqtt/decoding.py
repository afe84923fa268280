"""Decoding as the intake does it, and the samples of tests/data/mqtt."""

import json

import pytest

from ingest.mqtt import topics
from ingest.mqtt.format import Memory, NotMine, Undecodable
from tests.conftest import DATA


def sample(name):
    return json.loads((DATA / "mqtt" / f"{name}.json").read_text("utf-8"))


def encode(payload):
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def decode(topic, payload, **more):
    """Decode with the first format that takes the message as its own."""
    for address in topics.addresses(topic):
        told = address._replace(**({"memory": Memory()} | more))
        try:
            return told.format.decode(told, encode(payload))
        except NotMine:
            continue
    raise AssertionError("no format has it")


def parts(topic, payload):
    """Part a gateway's message as the writer does it."""
    address = topics.parse(topic)
    return address.format.parts(address.levels, encode(payload))


def refused_for(topic, payload, **more):
    with pytest.raises(Undecodable) as caught:
        decode(topic, payload, **more)
    return caught.value.reason


def values(decoded):
    return {sent.channel: sent.value for sent in decoded.sent}


def kept(decoded):
    return {each.channel: each.text for each in decoded.kept}


# what no JSON format may take, crash or hang on
GARBAGE = [
    b"",
    b"{",
    b"\xff\xfe",
    b"7",
    b'"x"',
    b"null",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a":1,"a":2}',
    b'[{"a":1,"a":2}]',
]
