"""The verb edge: a village station that keeps messages until the province has them."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from deploy.settings import EdgeSettings, Settings
from deploy.verbs import verb
from models.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from deploy.verbs import Verbs
    from ingest.edge.station import Plan, State

_EDGE = """\
Runs a village station on any old PC: devices publish to it (MQTT 3.1.1 or 5), a message is
acknowledged once it is on disk (HEITU_DATA/edge/spool.db), and forwarded to the province's
broker (HEITU_MQTT_HOST ...): live messages first, then what waited, in order, at most
HEITU_EDGE_RATE a second. Days without a connection are waited out; a full spool
(HEITU_EDGE_SPOOL_MB) turns devices away and says so. Safe to kill at any time.
With HEITU_EDGE_BROKER it reads from a broker of the village instead of listening itself."""
_LINE_S = 30.0  # between two lines where nobody watches


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb(verbs, "edge", edge, "run a village station: keep and forward messages", _EDGE)


def edge(asked: argparse.Namespace, settings: Settings) -> None:
    """Run the station."""
    from ingest.edge import station

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    made = plan(settings)
    if sys.stdout.isatty():
        _watched(made, stopping)
    else:
        print(f"station {made.name}: {_whence(settings.edge)}, spool {made.spool}", flush=True)
        station.run(made, stopping, _lines())


def plan(settings: Settings) -> Plan:
    """Put a station together from the settings.

    Raises
    ------
    BadSetting
        The station has no name, or no province to send to.
    """
    from ingest.edge.forwarder import Pace
    from ingest.edge.listener import Door
    from ingest.edge.station import Plan
    from ingest.mqtt.link import Link

    own, mqtt = settings.edge, settings.mqtt
    if not own.station:
        raise BadSetting(name="HEITU_EDGE_STATION", why="the province knows the station by it")
    if not mqtt.host:
        raise BadSetting(name="HEITU_MQTT_HOST", why="it is the broker of the province")
    province = Link(
        mqtt.host,
        mqtt.port,
        own.station,
        mqtt.username,
        mqtt.password.get_secret_value(),
        mqtt.tls,
        mqtt.ca,
        own.version,
    )
    word = own.password.get_secret_value()
    ear = (
        Link(own.broker, own.port, f"heitu-edge-{own.station}", own.username, word)
        if own.broker
        else Door(own.host, own.port, own.username, word)
    )
    spool = settings.folder / "edge" / "spool.db"
    return Plan(own.station, province, ear, spool, own.spool_mb << 20, Pace(own.rate))


def _whence(own: EdgeSettings) -> str:
    if own.broker:
        return f"reads from {own.broker}:{own.port}"
    return f"listens on {own.host}:{own.port}"


def _watched(made: Plan, stopping: threading.Event) -> None:
    from rich.live import Live

    from ingest.edge import station

    with Live(refresh_per_second=1) as live:
        station.run(made, stopping, lambda state: live.update(_table(made, state)))


def _table(made: Plan, state: State) -> Table:
    from rich.table import Table

    table = Table(title=f"station {made.name}", show_header=False)
    oldest = "-" if state.oldest is None else f"{state.oldest / 3600:.1f} h"
    share = f"{state.used / 2**20:,.0f} of {state.limit >> 20:,} MB"
    rows = (
        ("province", state.why or "connected"),
        ("devices", state.full or f"{state.visitors} connected"),
        ("spool", f"{state.waiting:,} messages, {share}"),
        ("oldest", oldest),
        ("in", f"{state.in_rate:,.1f}/s, {state.received:,} in all, {state.refused:,} turned away"),
        ("out", f"{state.out_rate:,.1f}/s, {state.sent:,} in all"),
    )
    for name, told in rows:
        table.add_row(name, told)
    return table


def _lines() -> Callable[[State], None]:
    """Return what prints a line now and then, and at once when something changes."""
    said, since = ("", ""), float("-inf")

    def show(state: State) -> None:
        nonlocal said, since
        what = state.why, state.full
        if what == said and time.monotonic() - since < _LINE_S:
            return
        said, since = what, time.monotonic()
        told = state.full or state.why or "connected"
        rates = f"in {state.in_rate:,.1f}/s, out {state.out_rate:,.1f}/s"
        print(f"{time.strftime('%H:%M:%S')} {state.waiting:,} waiting, {rates}: {told}", flush=True)

    return show
