"""Damaged payloads at a steady rate: ``python -m tests.faults.fuzz_sender PORT SEED N RATE``."""

import sys
import time

from tests.benchmarks.blaster import Line, packet
from tests.ingest.mqtt.fuzzing import BOMBS, Fuzzer

_EVERY = 500  # of the messages one is large: a quarter of a megabyte


def messages(seed, n):
    """Draw messages whose topic a broker takes: MQTT allows it to refuse control characters."""
    fuzzer = Fuzzer(seed)
    made = []
    while len(made) < n:
        topic, payload = fuzzer.message()
        if topic.isprintable():
            large = len(made) % _EVERY == _EVERY - 1
            made.append((topic, fuzzer.random.choice(BOMBS) if large else payload))
    return made


def main(port, seed, n, rate):
    made = messages(seed, n)
    line = Line(port)
    print("READY", flush=True)  # noqa: T201
    sys.stdin.readline()
    began, sent = time.perf_counter(), 0
    while sent < n:
        due = min(n, int((time.perf_counter() - began) * rate) + 1)
        some = made[sent:due]
        data = b"".join(packet(*m, (sent + k) % 65_535 + 1) for k, m in enumerate(some))
        sent = due
        line.send(data, 5_000, sent)
        time.sleep(0.002)
    line.send(b"", 0, n)
    line.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
