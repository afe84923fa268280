"""PUBLISH packets out of a block, however the stream is cut; the rest is left for paho."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mqtt.buffered import BufferedSocket


class Stream:
    """A socket whose bytes come in given pieces, then nothing, then the end."""

    def __init__(self, pieces):
        self.pieces = list(pieces)

    def recv(self, _size):
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)


def length(n):
    out = bytearray()
    while True:
        n, digit = divmod(n, 128)
        out.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(out)


def packet(topic, payload, mid, qos, retained, *, five=False, properties=b""):
    body = len(topic).to_bytes(2, "big") + topic
    body += mid.to_bytes(2, "big") if qos else b""
    body += length(len(properties)) + properties if five else b""
    body += payload
    return bytes([0x30 | qos << 1 | retained]) + length(len(body)) + body


publishes = st.tuples(
    st.binary(max_size=30),
    st.binary(max_size=400),
    st.integers(1, 65_535),
    st.sampled_from([0, 1, 1, 1, 2]),
    st.booleans(),
)
others = st.sampled_from([b"\xd0\x00", b"\x90\x03\x00\x01\x01", b"\xb0\x02\x00\x07"])


def by_paho(wire):
    """Read one packet byte by byte, as paho does; None when the bytes end."""
    head = bytearray(wire.recv(1))
    size, shift = 0, 0
    while True:
        head += wire.recv(1)
        size |= (head[-1] & 0x7F) << shift
        shift += 7
        if head[-1] < 0x80:
            break
    body = b""
    while len(body) < size:
        body += wire.recv(size - len(body))
    return bytes(head) + body


@given(
    st.lists(st.one_of(publishes, others), max_size=40),
    st.booleans(),
    st.lists(st.integers(1, 3_000), min_size=1, max_size=30),
)
def test_nothing_is_lost_or_changed_however_the_stream_is_cut(sent, five, cuts):
    packets = [
        s if isinstance(s, bytes) else packet(*s, five=five, properties=b"\x01\x00") for s in sent
    ]
    stream, pieces, k = b"".join(packets), [], 0
    while stream:
        cut = cuts[k % len(cuts)]
        pieces.append(stream[:cut])
        stream, k = stream[cut:], k + 1
    wire, read = BufferedSocket(Stream(pieces)), []
    while len(read) < len(sent):
        found = wire.arrivals(7, five=five)
        assert len(found) <= 7
        read += found or [by_paho(wire)]
    for s, raw, r in zip(sent, packets, read, strict=True):
        if isinstance(r, bytes):
            assert r == raw
        else:
            topic, payload, mid, qos, retained = s
            assert qos < 2
            assert r == (topic, payload, mid if qos else 0, retained)


@pytest.mark.parametrize(
    "malformed",
    [
        b"\x32\x00\x00\x00\x00",  # no room for a topic
        b"\x32\x05\x00\x09abc",  # the topic is longer than the packet
        b"\x32\x03\x00\x01a",  # no packet id
        b"\x32\xff\xff\xff\xff\x7f\x00\x01a",  # a length of five bytes
        b"\x34\x05\x00\x01a\x00\x01",  # QoS 2
        b"\x36\x05\x00\x01a\x00\x01",  # QoS 3
    ],
)
def test_what_is_malformed_is_left_for_paho(malformed):
    assert BufferedSocket(Stream([malformed + b"\0" * 10])).arrivals(9, five=False) == []


def test_the_end_of_the_stream_is_told_once_it_was_seen():
    wire = BufferedSocket(Stream([b""]))
    assert wire.arrivals(9, five=False) == []
    assert wire.recv(1) == b""
