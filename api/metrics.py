"""Figures for Prometheus: requests by route template, and what the ledger of today says."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.calendar import day_of
from models.errors import Unavailable
from models.platform import Platform
from models.store import freshness, ledger, quarantine
from models.store.ledger import Selection

# s; a tile takes 1 ms, a long export a few seconds
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
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
