"""How the ingestor fares: a snapshot for readiness, and counters for Prometheus."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ingest.batch import Outcome

STALLED_S = 10.0  # messages wait this long without a commit: the pipeline does not move


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of the ingestor at one moment.

    Attributes
    ----------
    ready : bool
        Connected to the broker and committing what arrives.
    why : str
        What is wrong when not ready.
    lag_s : float
        Age of the oldest message that is not committed, seconds; 0 when there is none.
    waiting : int
        Messages received and not committed.
    last_commit : datetime or None
        UTC.
    partitions : tuple of int
        The partitions it reads, where several ingestors share the topics.
    flooding : dict of str to int
        Devices that sent too much in the last minute: messages set aside so far.
    """

    ready: bool
    why: str
    connected: bool
    database: bool
    lag_s: float
    waiting: int
    last_commit: datetime | None
    received: int
    stored: int
    duplicate: int
    quarantined: dict[str, int]
    partitions: tuple[int, ...] = ()
    flooding: dict[str, int] = field(default_factory=dict)

    def detail(self) -> dict[str, Any]:
        """Return the snapshot as JSON types, for the heartbeat."""
        at = self.last_commit.isoformat() if self.last_commit else None
        kept = {name: getattr(self, name) for name in self.__slots__}
        return kept | {"lag_s": round(self.lag_s, 3), "last_commit": at}


class Status:
    """What happened since the start; the writer notes, others read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.database_why = ""
        self.last_commit: datetime | None = None
        self.total = Outcome()
        self._changed = threading.Lock()
        readings = Counter(
            "heitu_ingest_readings",
            "Readings by what became of them",
            ["outcome", "reason"],
            registry=self.registry,
        )
        self._readings = readings
        self._messages = Counter(
            "heitu_ingest_messages", "Messages settled", registry=self.registry
        )
        self._batches = Histogram(
            "heitu_ingest_batch_seconds",
            "Time from taking a batch to its commit",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
            registry=self.registry,
        )
        self._undated = Counter(
            "heitu_ingest_undated",
            "Values of unknown age that a broker had retained, left out",
            registry=self.registry,
        )
        self._failures = Counter(
            "heitu_ingest_failures",
            "Failed attempts to store a batch",
            ["kind"],
            registry=self.registry,
        )

    def gauge(self, name: str, text: str) -> Gauge:
        """Register a gauge of the ingestor."""
        return Gauge(f"heitu_ingest_{name}", text, registry=self.registry)

    def committed(self, outcome: Outcome, messages: int, seconds: float) -> None:
        """Note a commit."""
        with self._changed:
            self.database_why, self.last_commit = "", datetime.now(UTC)
            self.total.received += outcome.received
            self.total.stored += outcome.stored
            self.total.duplicate += outcome.duplicate
            for reason, n in outcome.quarantined.items():
                self.total.quarantined[reason] = self.total.quarantined.get(reason, 0) + n
        self._readings.labels("stored", "").inc(outcome.stored)
        self._readings.labels("duplicate", "").inc(outcome.duplicate)
        for reason, n in outcome.quarantined.items():
            self._readings.labels("quarantined", reason.value).inc(n)
        self._messages.inc(messages)
        self._undated.inc(outcome.undated)
        self._batches.observe(seconds)

    def failed(self, kind: str, why: str) -> None:
        """Note a failed attempt; ``kind`` is "outage", "poison" or "writer"."""
        if kind == "outage":
            self.database_why = why
        self._failures.labels(kind).inc()
