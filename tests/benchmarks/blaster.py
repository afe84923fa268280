"""A publisher that costs little: a bare MQTT 3.1.1 connection at QoS 1, packets made beforehand.

It takes about 2 us of CPU a message where paho takes 25, so that on two cores the reader is
measured and not the writer. As a program it prints one JSON line when the broker has
acknowledged everything: ``python -m tests.benchmarks.blaster '{"port": ..., ...}'``.
"""

import json
import math
import select
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 5, 1, tzinfo=UTC)
_WINDOW = 5_000  # messages the broker has not acknowledged yet


@dataclass(frozen=True, slots=True)
class Load:
    """What is published.

    ``rate`` in messages/s, 0 for as fast as the broker takes them. With ``live`` the time of a
    reading is the time of sending, else those of a device are a second apart and begin
    ``since`` seconds after START.
    """

    port: int
    messages: int
    readings: int = 1
    devices: int = 200
    since: int = 0
    rate: float = 0.0
    live: bool = False
    channel: str = "soil_temperature_10"
    topic: str = "heitu/v1/{key}/readings"
    prefix: str = "probe-"
    counties: tuple[str, ...] = ()

    def topic_of(self, i):
        """County and key are settled by the device, so that a device has one topic."""
        device = i % self.devices
        county = self.counties[device % len(self.counties)] if self.counties else ""
        return self.topic.format(key=f"{self.prefix}{device}", county=county)

    def payload(self, i):
        """The i-th message: its readings are a second apart, and nobody else's."""
        turn = self.since + i // self.devices * self.readings
        rows = []
        for k in range(self.readings):
            if self.live:
                at = datetime.now(UTC) + timedelta(microseconds=k)
            else:
                at = START + timedelta(seconds=turn + k)
            value = (i + k) % 400 / 10
            rows.append(f'{{"time":"{at.isoformat()}","channel":"{self.channel}","value":{value}}}')
        return (rows[0] if self.readings == 1 else f"[{','.join(rows)}]").encode()


def _temperature(device, second):
    """A soil temperature as a probe sees it: the course of a day, and noise of 0.1 degrees."""
    noise = (device * 7919 + second * 104_729) % 1_009 / 5_000
    return 15 + device % 7 + 4 * math.sin(second / 13_750) + noise


def _length(n):
    out = bytearray()
    while True:
        n, digit = divmod(n, 128)
        out.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(out)


def packet(topic, payload, mid):
    """A PUBLISH at QoS 1."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + mid.to_bytes(2, "big") + payload
    return b"\x32" + _length(len(body)) + body


class Line:
    """A connection to the broker that only publishes."""

    def __init__(self, port, client_id="", version=4):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = client_id.encode()
        body = b"\x00\x04MQTT" + bytes([version, 2]) + b"\x00\x00"
        body += len(name).to_bytes(2, "big") + name
        self.socket.sendall(b"\x10" + _length(len(body)) + body)
        answer = self.socket.recv(4)
        assert answer == b"\x20\x02\x00\x00", answer
        self.socket.setblocking(False)
        self.acknowledged = 0
        self._part = 0  # bytes of an acknowledgement that has not come whole

    def read(self):
        """Count acknowledgements: four bytes each, and nothing else comes."""
        try:
            got = self.socket.recv(65_536)
        except BlockingIOError:
            return
        if not got:
            raise ConnectionError("the broker closed the connection")
        whole, self._part = divmod(self._part + len(got), 4)
        self.acknowledged += whole

    def send(self, data, most, sent):
        """Send while fewer than ``most`` of the ``sent`` messages are unacknowledged."""
        view = memoryview(data)
        while view or sent - self.acknowledged > most:
            wants = [self.socket] if view else []
            readable, writable, _ = select.select([self.socket], wants, [], 30)
            assert readable or writable, "the broker has not moved for 30 s"
            if readable:
                self.read()
            if writable:
                view = view[self.socket.send(view) :]

    def close(self):
        self.socket.setblocking(True)
        self.socket.sendall(b"\xe0\x00")
        self.socket.close()


def blast(load, line=None, told=None):
    """Publish a load; give the seconds from the first message to the last acknowledgement."""
    line = line or Line(load.port)
    numbers = range(load.messages)
    ready = None
    if not load.rate:  # made beforehand, in pieces of 100
        made = [packet(load.topic_of(i), load.payload(i), i % 65_535 + 1) for i in numbers]
        ready = [b"".join(made[at : at + 100]) for at in range(0, len(made), 100)]
    if told:
        told()
    began = time.perf_counter()
    if ready is not None:
        for at, piece in enumerate(ready):
            line.send(piece, _WINDOW, min((at + 1) * 100, load.messages))
    else:
        _steadily(load, line, numbers, began)
    line.send(b"", 0, load.messages)
    seconds = time.perf_counter() - began
    line.close()
    return seconds


def _steadily(load, line, numbers, began):
    sent = 0
    while sent < load.messages:
        due = min(load.messages, int((time.perf_counter() - began) * load.rate) + 1)
        some = numbers[sent:due]
        if some:
            data = b"".join(packet(load.topic_of(i), load.payload(i), i % 65_535 + 1) for i in some)
            sent = due
            line.send(data, _WINDOW, sent)
        time.sleep(0.002)


def main(asked):
    load = Load(**asked)

    def ready():
        print("READY", flush=True)
        sys.stdin.readline()

    print(json.dumps({"seconds": blast(load, told=ready)}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
