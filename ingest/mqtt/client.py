"""The subscriber: a persistent session whose messages are acknowledged only when settled.

One thread owns the connection: it reads into the inbox, pauses when the inbox is full, and
sends the acknowledgements that the writer hands back. Every connection has a generation;
packet ids mean something on their own connection only, so an acknowledgement of an older
generation is dropped: the broker sends that message again and the store recognises it.
"""

import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from paho.mqtt.client import ConnectFlags, MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from ingest.mqtt.buffered import Arrival, BufferedClient
from ingest.mqtt.host import HostState
from ingest.mqtt.inbox import KEPT, Inbox, Message
from ingest.mqtt.link import Link as Link
from ingest.mqtt.link import unconnected
from ingest.mqtt.wishes import Wishes

_LOG = logging.getLogger(__name__)
_BACK_OFF_S = (0.2, 5.0)
_TURN_S = 1.0
_NAMES = 65_536  # topics remembered: the same object each time is compared the fastest


class Subscriber:
    """Reads messages from the broker into an inbox until stopped.

    Parameters
    ----------
    link : Link
        The broker.
    subscriptions : sequence of str
        Topic filters, taken at QoS 1.
    inbox : Inbox
        Where messages go.
    max_payload : int
        Bytes; of a larger payload only the head is kept, for the quarantine.
    session : int
        Stamped on every message, so that its acknowledgement finds the way back.

    Attributes
    ----------
    why : str
        Why no message can arrive; empty when they can.
    paused : bool
        Set it to read nothing more, while what was read is still acknowledged.
    dropped : set of str
        Filters that the broker has taken out of the session since it was asked to.
    last_arrival : float
        `time.monotonic` of the last message, or of the start.
    """

    def __init__(
        self,
        link: Link,
        subscriptions: Sequence[str],
        inbox: Inbox,
        *,
        max_payload: int,
        session: int = 0,
    ) -> None:
        self.why = "not connected yet"
        self.generation = 0
        self.paused = False
        self.dropped: set[str] = set()
        self.last_arrival = time.monotonic()
        self._link, self._inbox, self._max_payload = link, inbox, max_payload
        self._session = session
        self._received = self._acknowledged = 0  # each is written by one thread only
        self._wishes = Wishes(subscriptions, reserved=link.reserved)
        self._unwanted: deque[list[str]] = deque()
        self._leaving: dict[int | None, list[str]] = {}  # by packet id
        self._burst: list[Message] = []
        self._names: dict[bytes, str] = {}
        self._settled: deque[Message] = deque()
        self._replies: deque[tuple[str, bytes]] = deque(maxlen=1_000)
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._stopping = False
        self._state = HostState(link.host_id)
        self._client = self._made()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def _made(self) -> BufferedClient:
        client = unconnected(self._link)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_message = self._on_message
        client.on_arrivals = self._on_arrivals
        return client

    @property
    def connected(self) -> bool:
        """Whether messages can arrive."""
        return self.why == ""

    def start(self) -> None:
        """Begin; the connection is made, and made again, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; the session stays with the broker, and so does what is not settled."""
        self._stopping = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._wake_in.close()
        self._wake_out.close()

    def settle(self, messages: list[Message]) -> None:
        """Acknowledge messages, in their order of arrival; call it after the commit."""
        self._settled.extend(messages)
        self._acknowledged += len(messages)
        self._wake()

    @property
    def unsettled(self) -> int:
        """Messages received and not settled."""
        return max(0, self._received - self._acknowledged)

    def drop(self, filters: Sequence[str]) -> None:
        """Take filters out of the session; `dropped` tells when the broker has done it."""
        self._unwanted.append(list(filters))
        self._wake()

    def resend(self) -> None:
        """Cut the connection, so that the broker sends again what is not acknowledged."""
        wire: Any = self._client.socket()
        with suppress(OSError, AttributeError):
            wire.shutdown(socket.SHUT_RDWR)

    def _wake(self) -> None:
        # refused when wake-ups are pending already, or when the thread is gone
        with suppress(BlockingIOError, OSError):
            self._wake_out.send(b"\0")

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            if self._client.socket() is not None:
                failures = 0 if self.connected else failures
                self._turn_safely()
            elif self._reconnect():
                continue
            else:
                failures += 1
                self._rest(min(_BACK_OFF_S[1], _BACK_OFF_S[0] * 2**failures))
        self._acknowledge()
        self._state.leave(self._client)
        self._client.disconnect()

    def _reconnect(self) -> bool:
        self.generation += 1  # from here on older acknowledgements are void
        self._received = self._acknowledged  # and what was not settled comes again
        try:
            self._state.promise(self._client)
            self._client.reconnect()
        except (OSError, ValueError) as error:
            self.why = f"{self._link.host}:{self._link.port}: {error}"
            return False
        return True

    def _rest(self, seconds: float) -> None:
        select.select([self._wake_in], [], [], seconds)
        self._drain()

    def _turn_safely(self) -> None:
        """Take a turn; what should not happen costs a connection, not the thread."""
        try:
            self._turn()
        except Exception as error:
            _LOG.exception("the connection failed; a new one is made")
            self.why = f"the connection failed: {error!r}"
            self._part_with(self._client)
            self._client = self._made()

    def _part_with(self, client: BufferedClient) -> None:
        wire: Any = client.socket()
        with suppress(OSError, AttributeError):
            wire.close()

    def _turn(self) -> None:
        """Wait for traffic once and handle it."""
        client = self._client
        wire: Any = client.socket()
        paused = self._inbox.full or self.paused
        pending = client.buffered and not paused
        readable, writable, _ = select.select(
            [self._wake_in] if paused else [self._wake_in, wire],
            [wire] if client.want_write() else [],
            [],
            0 if pending else _TURN_S,
        )
        if self._wake_in in readable:
            self._drain()
        self._acknowledge()
        while self._unwanted and self.connected:
            filters = self._unwanted.popleft()
            _, packet = client.unsubscribe(filters)
            self._leaving[packet] = filters
        if writable:
            client.loop_write()
        if pending or (wire in readable and client.socket() is wire):
            self._read()
        if paused:
            client.hold()
        client.loop_misc()

    def _read(self) -> None:
        try:
            self._client.loop_read()
        finally:
            if self._burst:
                self._received += len(self._burst)
                self.last_arrival = time.monotonic()
                self._inbox.put(self._burst)
                self._burst = []

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while self._wake_in.recv(4096):
                pass

    def _acknowledge(self) -> None:
        mids = []
        while self._settled:
            message = self._settled.popleft()
            if message.mid and message.generation == self.generation:
                mids.append(message.mid)
        if mids and self._client.socket() is not None:
            self._client.acknowledge(mids)
        while self._replies:
            topic, payload = self._replies.popleft()
            self._client.publish(topic, payload)

    def reply(self, replies: Sequence[tuple[str, bytes]]) -> None:
        """Publish at QoS 0: who asked will ask again when it is lost."""
        self._replies.extend(replies)
        self._wake()

    def _on_message(self, _client: object, _data: object, message: MQTTMessage) -> None:
        # an exception here would end the client (paho #867): nothing below can raise
        name = bytes(message._topic)
        self._on_arrivals([(name, bytes(message.payload), message.mid, bool(message.retain))])

    def _on_arrivals(self, arrivals: list[Arrival]) -> None:
        now = time.time_ns() // 1_000
        if len(self._names) > _NAMES:
            self._names.clear()
        for topic, payload, mid, retained in arrivals:
            name = self._names.get(topic)
            if name is None:
                name = self._names[topic] = _decoded(topic)
            size = len(payload)
            kept = payload[:KEPT] if size > self._max_payload else payload
            held = mid, self._session, False, retained
            self._burst.append(Message(name, kept, now, size, self.generation, *held))

    def _on_connect(
        self,
        client: Any,  # noqa: ANN401
        _data: object,
        flags: ConnectFlags,
        code: ReasonCode,
        _properties: object,
    ) -> None:
        if code.is_failure:
            self.why = f"the broker refused the connection: {code}"
            _LOG.error("%s", self.why)
            return
        _LOG.info("connected, session %s", "resumed" if flags.session_present else "new")
        filters = self._wishes.ask()
        if filters:
            client.subscribe(filters)
        else:  # a session that is only to be emptied
            self.why = ""

    def _on_subscribe(
        self,
        _client: object,
        _data: object,
        _mid: int,
        codes: list[ReasonCode],
        _properties: object,
    ) -> None:
        refused = self._wishes.refused(codes)
        self._state.announce(self._client)
        self.why = f"the broker refused the subscription to {', '.join(refused)}" if refused else ""
        if refused:
            _LOG.error("%s", self.why)

    def _on_unsubscribe(
        self, _client: object, _data: object, mid: int, _codes: object, _properties: object
    ) -> None:
        self.dropped.update(self._leaving.pop(mid, ()))

    def _on_disconnect(
        self,
        _client: object,
        _data: object,
        _flags: object,
        code: ReasonCode,
        _properties: object,
    ) -> None:
        self._wishes.cut_off()
        # a refusal by the broker closes the connection: keep that reason
        if not self.why and not self._stopping:
            self.why = f"connection lost: {code}"
            _LOG.warning("%s", self.why)


def _decoded(topic: bytes) -> str:
    try:
        return topic.decode()
    except UnicodeDecodeError:
        return "(not UTF-8)"
