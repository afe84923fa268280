"""An edge station: ear, spool and forwarder together, and what they say of themselves."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ingest.edge.collector import Collector
from ingest.edge.forwarder import Forwarder, Pace
from ingest.edge.listener import Door, Listener
from ingest.edge.spool import Arrived, Spool
from ingest.mqtt.link import Link

_LOOK_S = 2.0
_BEAT_S = 30.0  # between two messages about the station


@dataclass(frozen=True, slots=True)
class Plan:
    """What a station is made of.

    Attributes
    ----------
    name : str
        The station's key, by which the province knows it.
    province : Link
        Its broker.
    ear : Door or Link
        Where devices connect to us; or the broker of the village, which we subscribe to.
    spool : Path
        File of messages that wait.
    limit : int
        Bytes of it.
    """

    name: str
    province: Link
    ear: Door | Link
    spool: Path
    limit: int
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class State:
    """How a station fares.

    Attributes
    ----------
    waiting, used, limit : int
        Messages in the spool, what they take and may take.
    oldest : float or None
        Age of the oldest of them, seconds.
    received, sent, refused : int
        Messages since the start: from devices, acknowledged by the province, turned away.
    in_rate, out_rate : float
        Messages a second since the last look.
    why : str
        Why nothing is forwarded; empty when it is.
    full : str
        Why nothing is taken; empty when it is.
    """

    waiting: int
    used: int
    limit: int
    oldest: float | None
    received: int
    sent: int
    refused: int
    visitors: int
    in_rate: float
    out_rate: float
    why: str
    full: str

    def message(self, now: float) -> bytes:
        """Word it for the province."""
        return json.dumps(
            {
                "online": True,
                "time": round(now, 3),
                "spool_messages": self.waiting,
                "spool_bytes": self.used,
                "spool_limit": self.limit,
                "oldest_s": None if self.oldest is None else round(self.oldest, 1),
                "received": self.received,
                "sent": self.sent,
                "refused": self.refused,
                "in_per_s": round(self.in_rate, 2),
                "out_per_s": round(self.out_rate, 2),
                "full": self.full,
            },
            separators=(",", ":"),
        ).encode()


class Station:
    """Takes messages in and forwards them until stopped."""

    def __init__(self, plan: Plan) -> None:
        self._spool = Spool(plan.spool, plan.limit)
        self._forwarder = Forwarder(self._spool, plan.province, plan.name, plan.pace)
        ear = plan.ear
        self._ear: Listener | Collector = (
            Listener(ear, self._put) if isinstance(ear, Door) else Collector(ear, self._put)
        )
        self._looked = time.monotonic()
        self._counts = 0, 0

    def _put(self, messages: list[Arrived]) -> None:
        self._spool.put(messages)
        self._forwarder.arrived()

    def start(self) -> None:
        """Begin; the province may be away.

        Raises
        ------
        StartFailed
            The port for devices is taken.
        """
        self._ear.start()
        self._forwarder.start()

    def stop(self) -> None:
        """End in good order: first the ear, then the forwarder."""
        self._ear.stop()
        self._forwarder.stop()
        self._spool.close()

    def state(self) -> State:
        """Return how it fares; rates are since the last time this was asked."""
        standing = self._spool.standing()
        now, counts = time.monotonic(), (self._ear.received, self._forwarder.sent)
        span = max(now - self._looked, 1e-3)
        arriving, leaving = (
            (new - old) / span for new, old in zip(counts, self._counts, strict=True)
        )
        self._looked, self._counts = now, counts
        oldest = None if standing.oldest is None else time.time() - standing.oldest / 1e6
        return State(
            standing.messages,
            standing.used,
            standing.limit,
            oldest,
            counts[0],
            counts[1],
            self._ear.refused,
            self._ear.visitors,
            arriving,
            leaving,
            self._forwarder.why,
            standing.why,
        )

    def tell(self, state: State) -> None:
        """Send the state to the province."""
        self._forwarder.tell(state.message(time.time()))


def run(plan: Plan, stopping: threading.Event, show: Callable[[State], None]) -> None:
    """Run a station until ``stopping`` is set, showing its state every two seconds."""
    station = Station(plan)
    station.start()
    told = float("-inf")
    try:
        while not stopping.wait(_LOOK_S):
            state = station.state()
            show(state)
            if time.monotonic() - told > _BEAT_S:
                told = time.monotonic()
                station.tell(state)
    finally:
        station.stop()
