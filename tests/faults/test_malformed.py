"""10,000 malformed payloads between good readings: each counted with its reason."""

import json
from collections import Counter

import pytest

from models.reading import Reason
from tests import brokers, probes
from tests.faults import parts
from tests.probes import Publisher, encode, reading, topic, until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(180),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
N = 10_000
MEGABYTE = 1_048_576


def with_value(literal):
    return f'{{"time":"2026-05-01T00:00:00Z","channel":"soil_temperature_10","value":{literal}}}'


GOOD = encode(reading(0))
BAD = [
    (GOOD[: len(GOOD) // 2], Reason.UNREADABLE),
    (GOOD + b"\0", Reason.UNREADABLE),
    (b"", Reason.UNREADABLE),
    (b"\0" * 64, Reason.UNREADABLE),
    (b"\xc3\x28" * 20, Reason.UNREADABLE),
    (b"[" * 10_000, Reason.UNREADABLE),
    (b"[" * 10_000 + b"]" * 10_000, Reason.UNREADABLE),
    (b'{"values":' * 10_000, Reason.UNREADABLE),
    (with_value("NaN").encode(), Reason.NOT_A_NUMBER),
    (with_value("-Infinity").encode(), Reason.NOT_A_NUMBER),
    (with_value("1e400").encode(), Reason.NOT_A_NUMBER),
    (with_value("9" * 5_000).encode(), Reason.NOT_A_NUMBER),
    (with_value('"23.1"').encode(), Reason.WRONG_SHAPE),
    (with_value("true").encode(), Reason.WRONG_SHAPE),
    (with_value("null").encode(), Reason.WRONG_SHAPE),
    (with_value("[[1]]").encode(), Reason.WRONG_SHAPE),
    (b"null", Reason.WRONG_SHAPE),
    (b"{}", Reason.WRONG_SHAPE),
    (b'{"channel":"soil_temperature_10","value":1}', Reason.MISSING_TIME),
    (encode(reading(0) | {"time": "2026-05-01T08:00:00"}), Reason.WRONG_SHAPE),
    (encode(reading(0) | {"time": "1970-01-01T00:00:00Z"}), Reason.IMPOSSIBLE_TIME),
    (encode(reading(0) | {"time": 0}), Reason.IMPOSSIBLE_TIME),
    (encode(reading(0) | {"time": "2036-02-07T06:28:16Z"}), Reason.IMPOSSIBLE_TIME),
    (encode(reading(0) | {"time": 1e300}), Reason.IMPOSSIBLE_TIME),
    (encode(reading(0) | {"channel": "\0"}), Reason.UNKNOWN_QUANTITY),
    (json.dumps(reading(0) | {"channel": "\ud800"}).encode(), Reason.UNKNOWN_QUANTITY),
    (json.dumps(reading(0) | {"unit": "\udfff\0"}).encode(), Reason.UNKNOWN_UNIT),
    (encode(reading(0) | {"unit": "mm"}), Reason.UNKNOWN_UNIT),
    (encode(reading(0) | {"quantity": "soil_moisture"}), Reason.UNKNOWN_QUANTITY),
]
LARGE = [(GOOD + b" " * MEGABYTE, Reason.TOO_LARGE), (b"[" * MEGABYTE, Reason.TOO_LARGE)]


def test_malformed_payloads_do_no_harm(province, fresh_url, tmp_path):
    probes.plant(province)
    expected = Counter()
    with (
        brokers.mosquitto(tmp_path / "mqtt") as port,
        parts.running(fresh_url, port) as process,
    ):
        with Publisher(port) as publisher:
            for i in range(N):
                # a megabyte now and then: 40 of them
                payload, reason = LARGE[i // 250 % 2] if i % 250 == 0 else BAD[i % len(BAD)]
                expected[reason] += 1
                publisher.send(topic(), payload)
                publisher.send(topic(), reading(i))
        received = 2 * N
        until(lambda: parts.totals(province).received >= received, patience=90, pause=0.2)
        assert process.alive
        assert process.ready()
    totals, aside = parts.account(province)
    assert (totals.received, totals.stored, totals.duplicate) == (received, N, 0)
    assert aside == expected
