"""Verbs of operation: deliver advisories, register divisions."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models.errors import Unavailable

if TYPE_CHECKING:
    from deploy.verbs import Verbs

_DELIVER = """\
Hands every advisory that is due to the channels (HEITU_DELIVERY_SPOOL: a folder), tries again
later when one fails, and gives up after two days. The inbox of the API needs none of this."""
_REGIONS = "Registers the shipped divisions of Jilin and their retired codes, once."


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    own = verb(verbs, "deliver", deliver, "send advisories from the outbox", _DELIVER)
    own.add_argument("--every", type=float, metavar="SECONDS", help="go on, looking this often")
    verb(verbs, "regions", regions, "register the divisions of Jilin", _REGIONS)


def deliver(asked: argparse.Namespace, settings: Settings) -> None:
    """Send what is due, once or for ever."""
    from api.delivery.spool import Spool
    from api.delivery.worker import deliver_due

    channels = [Spool(settings.delivery.spool)] if settings.delivery.spool else []
    with wiring.open_database(settings) as database:
        while True:
            try:
                done = deliver_due(database, channels)
            except Unavailable as problem:
                if asked.every is None:
                    raise
                print(problem.message, flush=True)
            else:
                if asked.every is None or done.delivered or done.failed:
                    told = f"{done.delivered} delivered, {done.failed} failed"
                    print(f"{told}, {done.given_up} given up", flush=True)
            if asked.every is None:
                return
            time.sleep(asked.every)


def regions(asked: argparse.Namespace, settings: Settings) -> None:
    """Register the divisions, when there are none."""
    from deploy.demo import places as demo
    from models.store import places

    with wiring.open_database(settings) as database, database.writing() as tx:
        if places.regions(tx, prefix="220000"):
            print("the divisions are there already")
        else:
            print(f"registered {places.add_regions(tx, *demo.regions())} divisions")
