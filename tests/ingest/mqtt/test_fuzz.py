"""No payload breaks a decoder, holds it up, or makes it say what the store cannot hold.

The same payloads go through a whole ingestor in tests/faults/test_fuzzed.py.
"""

import json
import math
import time
import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.mqtt import topics
from ingest.mqtt.format import Decoded, Memory, NotMine, Undecodable
from ingest.mqtt.payloads import formats
from models.reading import Reason
from tests.ingest.mqtt.fuzzing import BOMBS, WORDS, Fuzzer, samples

N = 20_000
SLOWEST_S = 2.0  # of processor time, for 256 KiB: a decoder that takes more is quadratic
_I64 = 1 << 63


def attempt(topic, payload, profile="", memory=None):
    """Decode as the intake does; gives what came out of each format that has the message."""
    out = []
    refused = None
    for address in topics.addresses(topic):
        format_ = address.format
        if format_.other_name is not None:
            name = format_.other_name(payload)
            assert name is None or isinstance(name, str)
        if format_.parts is not None:
            for part, content in format_.parts(address.levels, payload):
                assert topics.addresses(part)
                assert isinstance(content, bytes)
        full = address._replace(profile=profile, memory=memory or Memory())
        try:
            decoded = format_.decode(full, payload)
        except NotMine:
            continue
        except Undecodable as fault:
            refused = fault
            continue
        storable(decoded)
        out.append(decoded)
    assert refused is None or (refused.reason in Reason and isinstance(refused.detail, str))
    return out


def storable(decoded):
    """See that the store can hold what a decoder says."""
    assert isinstance(decoded, Decoded)
    items = [s.item for s in decoded.sent] + [r.item for r in decoded.refused]
    assert len(set(items)) == len(items)
    for sent in decoded.sent:
        assert sent.time is None or (type(sent.time) is int and -_I64 <= sent.time < _I64)
        assert type(sent.value) is float
        assert type(sent.seq) is int
        assert type(sent.ago) is int
        assert sent.channel is not None or sent.quantity is not None
    for refused in decoded.refused:
        assert isinstance(refused.reason, Reason)
    for kept in decoded.kept:
        kept.text.encode()
        assert "\0" not in kept.text + kept.channel
        assert len(kept.text) <= 1000
    if decoded.uplink is not None:
        assert 0 <= decoded.uplink.counter < 1 << 63
        assert -_I64 <= decoded.uplink.time < _I64
        decoded.uplink.session.encode()
        assert "\0" not in decoded.uplink.session
    if decoded.signs is not None:
        numbers = (decoded.signs.battery_pct, decoded.signs.battery_v)
        numbers += (decoded.signs.rssi_dbm, decoded.signs.snr_db)
        assert all(n is None or math.isfinite(n) for n in numbers)
        (decoded.signs.gateway or "").encode()
        assert "\0" not in (decoded.signs.gateway or "")
    for topic, payload in decoded.replies:
        assert not set("+#\0") & set(topic)
        assert isinstance(payload, bytes)


def test_damaged_samples():
    fuzzer = Fuzzer(seed=3)
    memory = Memory()
    read, slowest = 0, (0.0, "", b"")
    for _ in range(N):
        topic, payload = fuzzer.message()
        started = time.thread_time()
        try:
            read += bool(attempt(topic, payload, fuzzer.random.choice(fuzzer.profiles), memory))
        except Exception:
            pytest.fail(f"topic {topic!r} payload {payload!r}\n{traceback.format_exc()}")
        slowest = max(slowest, (time.thread_time() - started, topic, payload))
    assert slowest[0] < SLOWEST_S, slowest
    assert read > N // 20  # else the damage is too heavy to reach what lies behind the parser


@pytest.mark.parametrize("format_", formats(), ids=lambda format_: format_.name)
def test_every_sample_at_every_format(format_):
    fuzzer = Fuzzer(seed=1)
    fuzzer.filters = [f.split("/") for f in format_.subscriptions]
    for _, payload in samples():
        for profile in fuzzer.profiles:
            attempt(fuzzer.topic(), payload, profile)


@pytest.mark.parametrize("format_", formats(), ids=lambda format_: format_.name)
def test_large_payloads_take_bounded_time(format_):
    fuzzer = Fuzzer(seed=2)
    fuzzer.filters = [f.split("/") for f in format_.subscriptions]
    for bomb in BOMBS:
        topic = fuzzer.topic()
        started = time.thread_time()
        attempt(topic, bomb)
        assert time.thread_time() - started < SLOWEST_S, (topic, bomb[:40])


NAMES = st.sampled_from(
    [
        *("time", "ts", "timestamp", "Time", "Epoch", "t", "bt", "bn", "n", "u", "v", "vs", "vb"),
        *("value", "values", "readings", "channel", "quantity", "unit", "params", "services"),
        *("object", "data", "deviceInfo", "devEui", "fCnt", "rxInfo", "history", "properties"),
        *("uplink_message", "end_device_ids", "device_id", "decoded_payload", "last_seen"),
        *("normalized_payload", "event_time", "metrics", "seq", "Temperature", "soil_moisture"),
    ]
) | st.text(max_size=5)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2026-05-01T08:00:00Z", "20260501T080000Z", "13.25", "qg==", 1777622400])
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)
PAYLOADS = DOCUMENTS.map(lambda d: json.dumps(d).encode()) | st.binary(max_size=200)


@given(st.integers(0, 10**6), PAYLOADS, st.sampled_from(["", "dragino-lse01", "milesight-wts506"]))
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_invented_documents(seed, payload, profile):
    fuzzer = Fuzzer(seed)
    attempt(fuzzer.topic(), payload, profile)


@given(
    st.lists(st.sampled_from(["", "v3", "tele", "$oc", *WORDS]) | st.text(max_size=4), max_size=9)
)
@settings(max_examples=1000, deadline=None)
def test_invented_topics(levels):
    try:
        found = topics.addresses("/".join(levels))
    except Undecodable as fault:
        found = ()
        reason = fault.reason
    assert found or reason is Reason.UNKNOWN_TOPIC
    assert all(isinstance(address.device_key, str) for address in found)
