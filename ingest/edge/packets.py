"""The few packets of MQTT 3.1.1 and 5 that a listener which only takes messages needs.

Source: OASIS MQTT 3.1.1 and 5.0, chapters 2 and 3.
"""

import asyncio
from dataclasses import dataclass

CONNECT, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 6, 8, 10, 12, 14
_MOST_LENGTH = 4  # bytes of a remaining length


class Malformed(Exception):  # noqa: N818
    """What came is no MQTT, or asks for what the protocol forbids: the connection ends."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Who connects; level 4 is MQTT 3.1.1, 5 is MQTT 5."""

    level: int
    keepalive: int
    client_id: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Publish:
    """A published message."""

    topic: str
    payload: bytes
    qos: int
    mid: int


class Cursor:
    """Reads the fields of a packet."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, n: int) -> bytes:
        """Return the next bytes."""
        end = self._at + n
        if end > len(self._data):
            raise Malformed("a packet is cut")
        found = self._data[self._at : end]
        self._at = end
        return found

    def number(self, n: int = 2) -> int:
        """Return a big-endian number."""
        return int.from_bytes(self.take(n), "big")

    def binary(self) -> bytes:
        """Return bytes with their length before them."""
        return self.take(self.number())

    def text(self) -> str:
        """Return UTF-8 text without NUL."""
        try:
            found = self.binary().decode()
        except UnicodeDecodeError:
            raise Malformed("text is not UTF-8") from None
        if "\0" in found:
            raise Malformed("text holds NUL")
        return found

    def properties(self) -> None:
        """Pass over the properties of MQTT 5."""
        length = shift = 0
        for _ in range(_MOST_LENGTH):
            byte = self.number(1)
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        self.take(length)

    def rest(self) -> bytes:
        """Return what is left."""
        return self.take(len(self._data) - self._at)

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._data)


async def read(reader: asyncio.StreamReader, most: int) -> tuple[int, int, bytes]:
    """Read one packet: kind, flags and what follows the fixed header."""
    (first,) = await reader.readexactly(1)
    length = shift = 0
    for count in range(_MOST_LENGTH):
        (byte,) = await reader.readexactly(1)
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
        if count == _MOST_LENGTH - 1:
            raise Malformed("the length of a packet has no end")
    if length > most:
        raise Malformed(f"a packet of {length} bytes; {most} are allowed")
    return first >> 4, first & 15, await reader.readexactly(length)


def connect(body: bytes) -> Connect:
    """Read a CONNECT."""
    at = Cursor(body)
    name, level, flags, keepalive = at.text(), at.number(1), at.number(1), at.number()
    if (name, level) not in (("MQTT", 4), ("MQTT", 5), ("MQIsdp", 3)):
        raise Malformed(f"protocol {name[:20]!r} level {level}")
    if level == 5:
        at.properties()
    client_id = at.text()
    if flags & 4:  # the will is not kept: nobody here waits for it
        if level == 5:
            at.properties()
        at.text()
        at.binary()
    username = at.text() if flags & 128 else ""
    password = at.binary().decode("utf-8", "replace") if flags & 64 else ""
    return Connect(level, keepalive, client_id, username, password)


def publish(flags: int, body: bytes, level: int) -> Publish:
    """Read a PUBLISH; its topic must be one that may be published under."""
    at = Cursor(body)
    topic, qos = at.text(), flags >> 1 & 3
    if not topic or len(topic) > 1_000 or "+" in topic or "#" in topic or qos == 3:
        raise Malformed(f"topic {topic[:80]!r}, quality of service {qos}")
    mid = at.number() if qos else 0
    if level == 5:
        at.properties()
    return Publish(topic, at.rest(), qos, mid)


def filters(body: bytes, level: int, *, options: bool) -> tuple[int, int]:
    """Read a SUBSCRIBE or UNSUBSCRIBE: packet id and number of filters."""
    at = Cursor(body)
    mid, n = at.number(), 0
    if level == 5:
        at.properties()
    while not at.ended:
        at.text()
        if options:
            at.number(1)
        n += 1
    return mid, n


def connack(level: int, code: int = 0) -> bytes:
    """Answer a CONNECT; of MQTT 5 say that there is no quality of service above 1."""
    if level < 5:
        return bytes((0x20, 2, 0, code))
    return bytes((0x20, 5, 0, code, 2, 0x24, 1))


def short(kind: int, mid: int, level: int = 4, code: int = 0) -> bytes:
    """Return an answer that consists of a packet id (PUBACK, PUBREC, PUBCOMP, UNSUBACK)."""
    if level < 5 or not code:
        return bytes((kind, 2)) + mid.to_bytes(2, "big")
    return bytes((kind, 3)) + mid.to_bytes(2, "big") + bytes((code,))


def suback(mid: int, n: int, level: int) -> bytes:
    """Refuse filters: nothing is sent to devices from here."""
    codes = bytes((0x87 if level == 5 else 0x80,)) * n
    more = b"\0" if level == 5 else b""
    return _framed(0x90, mid.to_bytes(2, "big") + more + codes)


def unsuback(mid: int, n: int, level: int) -> bytes:
    """Confirm that filters are gone."""
    more = b"\0" + bytes(n) if level == 5 else b""
    return _framed(0xB0, mid.to_bytes(2, "big") + more)


def _framed(first: int, body: bytes) -> bytes:
    length, size = b"", len(body)
    while True:
        size, low = divmod(size, 128)
        length += bytes((low | (128 if size else 0),))
        if not size:
            return bytes((first,)) + length + body
