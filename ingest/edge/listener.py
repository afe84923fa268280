"""The station's own ear: an MQTT server that acknowledges a message once it is on disk.

A broker between device and spool would acknowledge first and keep it in memory. Devices can
only publish here; nothing is sent to them. When the spool is full they are turned away: no
acknowledgement, so that they keep what they have.
"""

import asyncio
import hmac
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from ingest.edge import packets
from ingest.edge.packets import Malformed
from ingest.edge.spool import Arrived
from models.errors import SpoolFull, StartFailed

_LOG = logging.getLogger(__name__)
LARGEST = 1 << 20  # bytes of a packet
_BATCH = 500  # messages a commit
_WAITING = 2_000  # messages read and not on disk; then reading pauses
_REFUSED_V3, _REFUSED_V5 = 3, 0x97  # server unavailable, quota exceeded


@dataclass(frozen=True, slots=True)
class Door:
    """Where devices connect, and the account they share; an empty one lets everyone in."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class _Visit:
    """One connection."""

    writer: asyncio.StreamWriter
    level: int = 4
    client_id: str = ""

    def send(self, data: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(data)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A message that waits for its commit."""

    visit: _Visit
    qos: int
    mid: int
    message: Arrived


class Listener:
    """The server, in a thread of its own.

    Parameters
    ----------
    put : callable
        Keeps messages; returns once they are on disk, or raises `SpoolFull`.

    Attributes
    ----------
    received, refused : int
        Messages since the start.
    visitors : int
        Devices connected now.
    """

    def __init__(self, door: Door, put: Callable[[list[Arrived]], None]) -> None:
        self.received = self.refused = self.visitors = 0
        self._door, self._put = door, put
        self._loop = asyncio.new_event_loop()
        self._started: threading.Event = threading.Event()
        self._failure: OSError | None = None
        self._visits: dict[str, _Visit] = {}
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Listen.

        Raises
        ------
        StartFailed
            The port is taken.
        """
        self._thread.start()
        self._started.wait(10)
        if self._failure is not None:
            raise StartFailed(part="the listener of the edge station", why=str(self._failure))

    def stop(self) -> None:
        """Close every connection; what is not acknowledged the devices send again."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._queue: asyncio.Queue[_Taken] = asyncio.Queue(_WAITING)
        self._ending = asyncio.Event()
        try:
            server = await asyncio.start_server(self._visited, self._door.host, self._door.port)
        except OSError as problem:
            self._failure = problem
            self._started.set()
            return
        self._started.set()
        keeping = asyncio.create_task(self._keep())
        async with server:
            await self._ending.wait()
        keeping.cancel()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = _Visit(writer)
        self.visitors += 1
        try:
            await self._talk(visit, reader)
        except Malformed as fault:
            _LOG.info("%s was cut off: %s", visit.client_id or "a device", fault)
        except (asyncio.IncompleteReadError, OSError, TimeoutError):
            pass  # it left, or fell silent
        except asyncio.CancelledError:
            pass  # the station ends, and the task with it
        finally:
            self.visitors -= 1
            if self._visits.get(visit.client_id) is visit:
                del self._visits[visit.client_id]
            writer.close()

    async def _talk(self, visit: _Visit, reader: asyncio.StreamReader) -> None:
        kind, _, body = await asyncio.wait_for(packets.read(reader, LARGEST), 10)
        if kind != packets.CONNECT:
            raise Malformed("the first packet is no CONNECT")
        who = packets.connect(body)
        visit.level, visit.client_id = who.level, who.client_id
        if not self._admitted(who):
            visit.send(packets.connack(who.level, 0x87 if who.level == 5 else 5))
            return
        if who.client_id and (other := self._visits.get(who.client_id)) is not None:
            other.writer.close()  # MQTT-3.1.4-2: the same client connects anew
        self._visits[who.client_id] = visit
        visit.send(packets.connack(who.level))
        patience = 1.5 * who.keepalive if who.keepalive else None
        while True:
            packet = await asyncio.wait_for(packets.read(reader, LARGEST), patience)
            if not await self._answered(visit, *packet):
                return

    def _admitted(self, who: packets.Connect) -> bool:
        door = self._door
        right = hmac.compare_digest(who.username.encode(), door.username.encode())
        word = hmac.compare_digest(who.password.encode(), door.password.encode())
        return not door.username or (right and word)

    async def _answered(self, visit: _Visit, kind: int, flags: int, body: bytes) -> bool:
        """Handle a packet; False ends the connection."""
        level = visit.level
        if kind == packets.PUBLISH:
            await self._take(visit, packets.publish(flags, body, level))
        elif kind == packets.PUBREL:  # second half of QoS 2: it is on disk since the first
            visit.send(packets.short(0x70, int.from_bytes(body[:2], "big")))
        elif kind == packets.PINGREQ:
            visit.send(b"\xd0\0")
        elif kind == packets.SUBSCRIBE:
            visit.send(packets.suback(*packets.filters(body, level, options=True), level))
        elif kind == packets.UNSUBSCRIBE:
            visit.send(packets.unsuback(*packets.filters(body, level, options=False), level))
        elif kind == packets.DISCONNECT:
            return False
        else:
            raise Malformed(f"packet of kind {kind}")
        return True

    async def _take(self, visit: _Visit, sent: packets.Publish) -> None:
        arrived = Arrived(sent.topic, sent.payload, time.time_ns() // 1_000)
        await self._queue.put(_Taken(visit, sent.qos, sent.mid, arrived))

    async def _keep(self) -> None:
        """Commit what has come, as much as is there at once, and acknowledge it."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await asyncio.to_thread(self._put, [taken.message for taken in batch])
            except SpoolFull:
                self._turn_away(batch)
                continue
            self.received += len(batch)
            for taken in batch:
                if taken.qos:
                    kind = 0x40 if taken.qos == 1 else 0x50
                    taken.visit.send(packets.short(kind, taken.mid))

    def _turn_away(self, batch: list[_Taken]) -> None:
        """Leave messages with their devices: MQTT 5 can say so, 3.1.1 only by hanging up."""
        self.refused += len(batch)
        for taken in batch:
            if taken.visit.level == 5 and taken.qos == 1:
                taken.visit.send(packets.short(0x40, taken.mid, 5, _REFUSED_V5))
            else:
                taken.visit.writer.close()
