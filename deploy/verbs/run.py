"""Verbs that run: demo, stack, serve, ingest (and what the supervisor calls)."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
import time
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.embedded import stack
from deploy.settings import Settings
from deploy.verbs import hidden, verb

if TYPE_CHECKING:
    from deploy.verbs import Verbs

_DEMO = """\
Starts the embedded database and broker, the ingestor and the API, fills them with the
demonstration province on the first run, and keeps demonstration devices publishing.
Data stay in HEITU_DATA (.heitu); `make reset-demo` clears them. Stop with Ctrl-C."""
_STACK = """\
As `demo`, but empty: no demonstration data, devices or logins. Create a login with
`people add`. HEITU_DATABASE_URL and HEITU_MQTT_HOST replace the embedded parts."""
_SERVE = "Needs a database; production runs several behind a TLS proxy (deploy/compose)."
_INGEST = "Acknowledges a message after its readings are committed; safe to kill at any time."


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    verb(verbs, "demo", demo, "run the whole platform with the demonstration province", _DEMO)
    verb(verbs, "stack", whole, "run the whole platform without demonstration data", _STACK)
    own = verb(verbs, "serve", serve, "run the API and the one-map page only", _SERVE)
    own.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)
    verb(verbs, "ingest", ingest, "run the ingestor only: MQTT to store", _INGEST)
    hidden(verbs, "demo-devices", devices)
    hidden(verbs, "seed", seed)


def demo(asked: argparse.Namespace, settings: Settings) -> None:
    """Run everything, seeded."""
    from deploy.demo import welcome

    began = time.monotonic()
    with stack.running(settings, say, demo=True) as parts:
        _start(parts)
        parts.run("seed")
        parts.start_devices()
        print(welcome.text(settings, parts.addresses, time.monotonic() - began), flush=True)
        parts.watch()


def whole(asked: argparse.Namespace, settings: Settings) -> None:
    """Run everything, empty."""
    with stack.running(settings, say) as parts:
        _start(parts)
        say(f"the one-map page is at {parts.addresses.api}/ ; stop with Ctrl-C")
        parts.watch()


def serve(asked: argparse.Namespace, settings: Settings) -> None:
    """Run the API."""
    import uvicorn

    from api.app import create_app
    from deploy.demo.people import ACCOUNTS

    with wiring.open_platform(settings, ACCOUNTS if asked.demo else ()) as platform:
        uvicorn.run(
            create_app(platform),
            host=settings.api.host,
            port=settings.api.port,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=5,
        )


def ingest(asked: argparse.Namespace, settings: Settings) -> None:
    """Run the ingestor."""
    from ingest import service

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    own = settings.ingest
    with wiring.open_database(settings) as database:
        options = service.Options(
            metrics_port=own.metrics_port,
            allowance=service.Allowance(own.flood_rate, own.flood_burst),
            share=service.share_of(database, own.partitions, own.name),
        )
        service.run(database, wiring.link(settings), stopping, options)


def devices(asked: argparse.Namespace, settings: Settings) -> None:
    """Publish as the demonstration's devices."""
    from deploy.demo import live

    live.publish(settings)


def seed(asked: argparse.Namespace, settings: Settings) -> None:
    """Fill the store with the demonstration province."""
    from deploy.demo import seeding

    seeding.run(settings)


def say(line: str) -> None:
    """Tell the person who watches, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def _start(parts: stack.Stack) -> None:
    say("starting the database and the broker")
    parts.start_stores()
    say("starting the ingestor and the API")
    parts.start_services()
    parts.describe()
