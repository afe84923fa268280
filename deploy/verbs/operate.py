"""Verbs of operation: deliver advisories, write the broker's passwords, register divisions."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import MqttSettings, Settings
from deploy.verbs import verb
from models.errors import BadSetting, Unavailable

if TYPE_CHECKING:
    from deploy.verbs import Verbs
    from models.store.database import Database

_PASSWORDS = """\
Writes the accounts of the MQTT broker in Mosquitto's format, as hashes: the ingestor's own
(HEITU_MQTT_USERNAME, HEITU_MQTT_PASSWORD) and every registered device that was given a secret.
The file is replaced at once and only when something changed."""
_DELIVER = """\
Hands every advisory that is due to the channels (HEITU_DELIVERY_SPOOL: a folder), tries again
later when one fails, and gives up after two days. The inbox of the API needs none of this."""
_REGIONS = "Registers the shipped divisions of Jilin and their retired codes, once."


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    own = verb(verbs, "broker-passwords", passwords, "write Mosquitto's password file", _PASSWORDS)
    own.add_argument("--out", type=Path, required=True, metavar="FILE")
    own.add_argument("--every", type=float, metavar="SECONDS", help="go on, looking this often")
    own = verb(verbs, "deliver", deliver, "send advisories from the outbox", _DELIVER)
    own.add_argument("--every", type=float, metavar="SECONDS", help="go on, looking this often")
    verb(verbs, "regions", regions, "register the divisions of Jilin", _REGIONS)


def passwords(asked: argparse.Namespace, settings: Settings) -> None:
    """Write the password file, once or for ever."""
    if not settings.mqtt.username or not settings.mqtt.password.get_secret_value():
        why = "the ingestor's account needs it and HEITU_MQTT_USERNAME"
        raise BadSetting(name="HEITU_MQTT_PASSWORD", why=why)
    with wiring.open_database(settings) as database:
        while True:
            try:
                if _written(asked.out, database, settings.mqtt):
                    print(f"wrote {asked.out}", flush=True)
            except Unavailable as problem:
                if asked.every is None:
                    raise
                print(problem.message, flush=True)
            if asked.every is None:
                return
            time.sleep(asked.every)


def _written(path: Path, database: Database, mqtt: MqttSettings) -> bool:
    from models.store import devices

    before = path.read_text("utf-8") if path.exists() else ""
    with database.reading() as tx:
        lines = [_own_line(before, mqtt), *devices.broker_passwords(tx)]
    now = "\n".join(lines) + "\n"
    if now != before:
        _replace(path, now)
    return now != before


def _own_line(before: str, mqtt: MqttSettings) -> str:
    """Return the ingestor's line; the one that is there if it still fits, for hashes differ."""
    from models.store.credentials import broker_hash, broker_matches

    secret = mqtt.password.get_secret_value()
    name, _, stored = before.split("\n", 1)[0].partition(":")
    if name == mqtt.username and broker_matches(secret, stored):
        return f"{name}:{stored}"
    return f"{mqtt.username}:{broker_hash(secret)}"


def _replace(path: Path, text: str) -> None:
    """Write beside the file (mode 600) and rename: the broker never reads a half."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    Path(new.name).replace(path)


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
