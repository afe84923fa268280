"""The forwarder: from the spool to the province, live messages before the backlog.

At each connection what waits is the backlog; what comes later is live and goes first. Within
each of the two lanes messages go in the order of their arrival, so that one device's never
overtake each other there. A message leaves the spool when the province has acknowledged it:
after a kill it may go twice, and the province knows it again.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from ingest.edge.spool import Kept, Spool
from ingest.mqtt.envelope import wrapped
from ingest.mqtt.link import Link
from ingest.mqtt.outbound import Outbound

_LOG = logging.getLogger(__name__)
_BACK_OFF_S = (0.5, 30.0)
_IDLE_S = 0.2
_DROP_S = 0.25  # acknowledged messages leave the spool together, this often
_REFUSED_S = 30.0  # before what the province has refused is tried again


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast, messages a second over both lanes; 0 is without a limit."""

    rate: float = 200.0


@dataclass(slots=True)
class _Bucket:
    """Allowance of the next moments."""

    rate: float
    tokens: float = 0.0
    at: float = field(default_factory=time.monotonic)

    def allowed(self) -> int:
        if not self.rate:
            return 1_000
        now = time.monotonic()
        self.tokens = min(self.rate / 2 + 1, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return int(self.tokens)

    def spend(self, n: int) -> None:
        self.tokens -= n


class _Lanes:
    """Where each lane has come to, on one connection."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._boundary = spool.newest()
        self._live, self._backlog = self._boundary, 0

    def following(self, most: int) -> list[Kept]:
        """Return the messages to send next."""
        live = self._spool.between(self._live, None, most)
        if live:
            self._live = live[-1].id
        older: list[Kept] = []
        if len(live) < most and self._backlog < self._boundary:
            older = self._spool.between(self._backlog, self._boundary, most - len(live))
            self._backlog = older[-1].id if older else self._boundary
        return live + older


class Forwarder:
    """Hands messages on until stopped.

    Attributes
    ----------
    sent : int
        Messages acknowledged by the province since the start.
    why : str
        Why nothing can be handed on; empty when it can.
    """

    def __init__(self, spool: Spool, link: Link, station: str, pace: Pace | None = None) -> None:
        self.sent = 0
        self.why = "not connected yet"
        self._spool, self._link, self._station = spool, link, station
        self._pace = pace or Pace()
        self._status = f"heitu/v1/{station}/status"
        self._news: deque[bytes] = deque(maxlen=1)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)

    def start(self) -> None:
        """Begin; the province may come later."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not acknowledged stays in the spool."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=15)

    def arrived(self) -> None:
        """Say that there is something new in the spool."""
        self._wake.set()

    def tell(self, news: bytes) -> None:
        """Publish the state of the station; the newest one if the connection is away."""
        self._news.append(news)
        self._wake.set()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            link = Outbound(self._link, (self._status, b'{"online":false}'), self._wake.set)
            if link.open():
                failures, self.why = 0, ""
                self._forward(link)
                self.why = self.why or link.why or "connection closed"
            else:
                self.why = link.why
            link.close()
            failures += 1
            if not self._stopping.is_set():
                _LOG.info("%s", self.why)
                patience = _REFUSED_S if self.why.startswith("refused") else _BACK_OFF_S[1]
                self._stopping.wait(min(patience, _BACK_OFF_S[0] * 2**failures))

    def _forward(self, link: Outbound) -> None:
        """Hand messages on as long as the connection lasts."""
        lanes, bucket = _Lanes(self._spool), _Bucket(self._pace.rate)
        away: dict[int, int] = {}  # packet id -> message
        gone: list[int] = []
        dropped = time.monotonic()
        while link.connected and not self._stopping.is_set() and not self.why:
            self._wake.clear()
            self._settle(link, away, gone)
            if gone and time.monotonic() - dropped > _DROP_S:
                dropped = self._drop(gone)
            while self._news:
                link.publish(self._status, self._news.popleft(), qos=0)
            room = min(bucket.allowed(), link.window - len(away))
            messages = lanes.following(room) if room > 0 else []
            bucket.spend(len(messages))
            if not self._send(link, messages, away):
                break
            if not messages:
                self._wake.wait(_DROP_S if gone else _IDLE_S)
        self._settle(link, away, gone)
        self._drop(gone)

    def _send(self, link: Outbound, messages: list[Kept], away: dict[int, int]) -> bool:
        for one in messages:
            topic, payload = wrapped(
                self._station, one.topic, one.payload, arrived=one.arrived, retained=one.retained
            )
            mid = link.publish(topic, payload)
            if mid is None:
                return False
            away[mid] = one.id
        return True

    def _settle(self, link: Outbound, away: dict[int, int], gone: list[int]) -> None:
        while link.settled:
            mid, failure = link.settled.popleft()
            message = away.pop(mid, None)
            if failure and message is not None:
                self.why = f"refused by the province: {failure}"
            elif message is not None:
                gone.append(message)

    def _drop(self, gone: list[int]) -> float:
        self._spool.drop(gone)
        self.sent += len(gone)
        gone.clear()
        return time.monotonic()
