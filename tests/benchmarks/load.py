"""A small HTTP client for load: keep-alive connections on asyncio, no HTTP library.

It answers about 12,000 requests/s from one core on its own, ten times what any server under
test here does, so the server is what is measured. Run as a program it prints one JSON line:
``python -m tests.benchmarks.load PORT CONCURRENCY [HEADER: VALUE] < paths``.
"""

import asyncio
import json
import sys
import time
from collections import Counter


class Visitor(asyncio.Protocol):
    """One connection that asks for the next path as soon as the last answer is whole."""

    def __init__(self, paths, extra, told):
        self.paths, self.extra, self.told = paths, extra, told
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = bytearray()
        self.missing = -1  # bytes of the body still to come; -1: in the head

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        path = next(self.paths, None)
        if path is None:
            self.transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{self.extra}\r\n"
        self.transport.write(head.encode())

    def data_received(self, data):
        if self.missing >= 0:
            self.missing -= len(data)
        else:
            self.buffer += data
            self.read_head()
        if self.missing == 0:
            self.missing = -1
            self.ask()

    def read_head(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        status = int(head[9:12])
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        self.told["status"][status] += 1
        self.told["bytes"] += length
        self.missing = length - (len(self.buffer) - end - 4)
        self.buffer.clear()

    def connection_lost(self, why):
        if not self.done.done():
            self.done.set_exception(why or ConnectionError("closed by the server"))


async def visit(port, concurrency, extra, paths):
    """Ask for every path once over some connections; return what was told."""
    told = {"status": Counter(), "bytes": 0}
    loop, queue = asyncio.get_running_loop(), iter(paths)
    began = time.perf_counter()
    visitors = [
        (await loop.create_connection(lambda: Visitor(queue, extra, told), "127.0.0.1", port))[1]
        for _ in range(concurrency)
    ]
    await asyncio.gather(*(visitor.done for visitor in visitors))
    told["seconds"] = time.perf_counter() - began
    return told


def main():
    port, concurrency, *headers = sys.argv[1:]
    paths = sys.stdin.read().split("\n")
    extra = "".join(f"{header}\r\n" for header in headers)
    told = asyncio.run(visit(int(port), int(concurrency), extra, [p for p in paths if p]))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
