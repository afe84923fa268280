"""Figures for Prometheus: requests by route template, and what the store tells of the rest.

What ingestors report comes from their heartbeats, so one scrape tells of all of them.
"""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.calendar import day_of
from models.errors import Unavailable
from models.platform import Platform
from models.store import freshness, heartbeats, ledger, quarantine
from models.store.heartbeats import Heartbeat
from models.store.ledger import Selection

# s; a tile takes 1 ms, a long export a few seconds
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
# name, meaning, and where a heartbeat of an ingestor has it
_TOLD = (
    ("lag_seconds", "Age of the oldest message not committed.", "lag_s"),
    ("waiting_messages", "Messages received and not committed.", "waiting"),
    ("connected", "Whether it is subscribed at the broker.", "connected"),
)
_INGESTOR = "ingestor"  # the heartbeat of each begins with it
_OUTCOMES = ("received", "stored", "duplicate", "quarantined")


class Figures:
    """Counters of one process and a registry that asks the store when it is scraped."""

    def __init__(self, platform: Platform) -> None:
        self.registry = CollectorRegistry()
        Info("heitu_build", "What is running.", registry=self.registry).info(
            {"version": platform.version}
        )
        self.requests = Counter(
            "heitu_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.durations = Histogram(
            "heitu_http_request_seconds",
            "Time to answer a request [s].",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_Stored(platform))

    def text(self) -> bytes:
        """Write every figure in the exposition format."""
        return generate_latest(self.registry)


class _Stored(Collector):
    """Figures that live in the store, so that every API process tells the same."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("heitu_database_up", "Whether the database answers.")
        try:
            found = list(self._figures())
        except Unavailable:
            found = []
        up.add_metric([], 1.0 if found else 0.0)
        return [up, *found]

    def _figures(self) -> Iterable[Metric]:
        now = self.platform.clock()
        today = day_of(now)
        with self.platform.database.reading() as tx:
            totals = ledger.totals(tx, Selection(start=today, end=today))
            waiting = quarantine.count(tx)
            newest = freshness.by_county(tx)
            queues = freshness.queues(tx)
            beats = heartbeats.beats(tx)
        yield from _parts(beats)
        yield from _ingested([beat for beat in beats if beat.part.startswith(_INGESTOR)])
        lengths = GaugeMetricFamily(
            "heitu_queue_length", "Entries that wait to be worked off.", labels=["queue"]
        )
        for name, n in queues.items():
            lengths.add_metric([name], n)
        yield lengths
        counted = CounterMetricFamily(
            "heitu_readings_today",
            "Readings received since 00:00 Asia/Shanghai by what became of them.",
            labels=["outcome"],
        )
        for outcome in _OUTCOMES:
            counted.add_metric([outcome], getattr(totals, outcome))
        yield counted
        held = GaugeMetricFamily(
            "heitu_quarantine_open", "Readings in quarantine by reason.", labels=["reason"]
        )
        for reason, n in waiting.items():
            held.add_metric([reason.value], n)
        yield held
        age = GaugeMetricFamily(
            "heitu_newest_reading_age_seconds",
            "Age of the newest reading by phenomenon time, by county.",
            labels=["county"],
        )
        for county, instant in newest.items():
            age.add_metric([county], (now - instant).total_seconds())
        yield age


def _parts(beats: Iterable[Heartbeat]) -> Iterable[Metric]:
    age = GaugeMetricFamily(
        "heitu_heartbeat_age_seconds", "Time since the last sign of life.", labels=["part"]
    )
    ready = GaugeMetricFamily(
        "heitu_part_ready", "Whether a part said that it was ready.", labels=["part"]
    )
    for beat in beats:
        age.add_metric([beat.part], beat.age_s)
        ready.add_metric([beat.part], 0.0 if beat.detail.get("ready") is False else 1.0)
    return [age, ready]


def _ingested(beats: Iterable[Heartbeat]) -> Iterable[Metric]:
    """Tell what ingestors said of themselves; their counters begin anew when they do."""
    gauges = [
        (GaugeMetricFamily(f"heitu_ingest_{name}", text, labels=["part"]), key)
        for name, text, key in _TOLD
    ]
    readings = CounterMetricFamily(
        "heitu_ingest_readings",
        "Readings by what became of them, since the start of the ingestor.",
        labels=["part", "outcome", "reason"],
    )
    for beat in beats:
        for gauge, key in gauges:
            gauge.add_metric([beat.part], float(beat.detail.get(key) or 0))
        for outcome in _OUTCOMES[:-1]:
            n = float(beat.detail.get(outcome) or 0)
            readings.add_metric([beat.part, outcome, ""], n)
        for reason, n in (beat.detail.get("quarantined") or {}).items():
            readings.add_metric([beat.part, "quarantined", reason], n)
    return [*(gauge for gauge, _ in gauges), readings]


class Measured:
    """ASGI middleware that counts and times requests by the template of their route."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self.app = app
        self.figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            # an unmatched path is one label: a scanner must not fill the registry
            route = getattr(scope.get("route"), "path", "(other)")
            self.figures.requests.labels(_method(scope), route, str(status)).inc()
            self.figures.durations.labels(route).observe(time.perf_counter() - began)


def _method(scope: Scope) -> str:
    known = ("GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS")
    return str(scope["method"]) if scope["method"] in known else "(other)"
