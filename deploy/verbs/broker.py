"""Verbs on the broker's accounts: password and access files, and dynamic security."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models.device import Account, Login
from models.errors import BadSetting, Invalid, Unavailable

if TYPE_CHECKING:
    from deploy.verbs import Verbs
    from ingest.mqtt.dynsec import Control
    from models.store.database import Database

_LOOK_ANYWAY_S = 60.0  # a broker that lost its state is set right within this

_SYNC = """\
Writes who may log in to the MQTT broker, and which topics are whose, from the store: the
ingestors (HEITU_MQTT_USERNAME, HEITU_MQTT_PASSWORD; one account more for each further partition)
and every registered device that has a secret. Secrets are hashes everywhere.

Always: --passwords FILE, Mosquitto's password file. Beside it one of two ways:
  --acl FILE  Mosquitto's file of access control. Mosquitto reads both again at a SIGHUP (--pid,
              or broker.sh does it) and then cuts the connections of accounts that are gone.
  --dynsec    Mosquitto's dynamic security, over MQTT (HEITU_CONTROL_USERNAME, _PASSWORD): a
              revoked device is cut off at once, and the broker may be on another machine.
              --seed FILE writes the plugin's state before the broker's first start.
Nothing is written or sent while nothing changes. --every keeps looking, once a minute whatever
the store says."""
_PASSWORDS = "As broker-sync --passwords FILE (the older name)."


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    own = verb(verbs, "broker-sync", sync, "keep the broker's accounts equal to the store", _SYNC)
    own.add_argument("--passwords", type=Path, required=True, metavar="FILE")
    own.add_argument("--acl", type=Path, metavar="FILE")
    own.add_argument("--pid", type=Path, metavar="FILE", help="of mosquitto, to send it SIGHUP")
    own.add_argument("--dynsec", action="store_true", help="bring dynamic security up to date")
    own.add_argument("--seed", type=Path, metavar="FILE", help="of dynamic security, when missing")
    own.add_argument("--every", type=float, metavar="SECONDS", help="go on, looking this often")
    own = verb(verbs, "broker-passwords", passwords, "write the broker's password file", _PASSWORDS)
    own.add_argument("--out", type=Path, required=True, metavar="FILE")
    own.add_argument("--every", type=float, metavar="SECONDS", help="go on, looking this often")


@dataclass(slots=True)
class _Accounts:
    """Who may log in: devices, ingestors, and the account that changes the others."""

    devices: list[Account] = field(default_factory=list)
    ingestors: list[Account] = field(default_factory=list)
    control: Account | None = None

    @property
    def all(self) -> list[Account]:
        """Everyone, our own accounts first."""
        own = [*self.ingestors, *([self.control] if self.control else [])]
        return [*own, *self.devices]


class Syncer:
    """Keeps the accounts of a broker equal to the store.

    Parameters
    ----------
    passwords : Path
        Mosquitto's password file.
    acl, pid, seed : Path, optional
        Its file of access control, the file with its process id, and the state of dynamic
        security, written when it is missing.
    dynsec : bool
        Whether to bring dynamic security up to date, over MQTT.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        passwords: Path,
        acl: Path | None = None,
        pid: Path | None = None,
        seed: Path | None = None,
        dynsec: bool = False,
    ) -> None:
        self._database, self._settings = database, settings
        self._passwords, self._acl, self._pid, self._seed = passwords, acl, pid, seed
        self._dynsec = dynsec
        self._open = ExitStack()
        self._control: Control | None = None
        self._done = (-1, 0.0)  # version of the accounts, and when

    def turn(self) -> list[str]:
        """Look once, and say what was changed."""
        from models.store import logins

        with self._database.reading() as tx:
            version = logins.version(tx)
            if version == self._done[0] and time.monotonic() - self._done[1] < _LOOK_ANYWAY_S:
                return []
            wanted = self._wanted(logins.logins(tx))
        told = self._files(wanted)
        if self._dynsec:
            told += self._security(wanted)
        self._done = (version, time.monotonic())
        return told

    def look_again(self) -> None:
        """Let the next turn look at everything, whatever the store says."""
        self._done = (-1, 0.0)

    def close(self) -> None:
        """End the connection to the broker."""
        self._control = None
        self._open.close()

    def _wanted(self, found: list[Login]) -> _Accounts:
        from ingest.mqtt import accounts

        mqtt, control = self._settings.mqtt, self._settings.control
        hashes = _hashes(self._passwords)
        one = _own(mqtt.username, mqtt.password.get_secret_value(), hashes)
        names = [mqtt.username] + [
            f"{mqtt.username}-{n}" for n in range(1, self._settings.ingest.partitions)
        ]
        made = _Accounts(ingestors=[accounts.of_ingestor(n, one) for n in names])
        if control.password.get_secret_value():
            secret = control.password.get_secret_value()
            made.control = Account(control.username, _own(control.username, secret, hashes))
        # a device may not take one of our own names
        ours = {it.name for it in made.all} | {control.username}
        made.devices = [accounts.of_device(it) for it in found if it.key not in ours]
        return made

    def _files(self, wanted: _Accounts) -> list[str]:
        from ingest.mqtt import accounts

        texts = [(self._passwords, accounts.password_file(wanted.all))]
        if self._acl is not None:
            texts.append((self._acl, accounts.acl_file(wanted.all)))
        if self._seed is not None and not self._seed.exists() and wanted.control is not None:
            name = wanted.control.name
            state = accounts.dynamic_security(wanted.devices, wanted.ingestors, name)
            texts.append((self._seed, state))
        written = [path for path, text in texts if _changed(path, text)]
        if written and self._pid is not None:
            _hang_up(self._pid)
        return [f"wrote {path}" for path in written]

    def _security(self, wanted: _Accounts) -> list[str]:
        try:
            if self._control is None:
                self._control = self._connected()
            n = self._control.sync(wanted.devices, wanted.ingestors)
        except Exception:
            self.close()
            raise
        return [f"dynamic security: {n} commands"] if n else []

    def _connected(self) -> Control:
        from ingest.mqtt.dynsec import Control

        own = self._settings.control
        link = replace(
            wiring.link(self._settings, own.username),
            username=own.username,
            password=own.password.get_secret_value(),
        )
        return self._open.enter_context(Control(link))


def sync(asked: argparse.Namespace, settings: Settings) -> None:
    """Bring the broker up to date, once or for ever."""
    if (asked.dynsec or asked.seed) and not settings.control.password.get_secret_value():
        why = "dynamic security is changed by an account of its own"
        raise BadSetting(name="HEITU_CONTROL_PASSWORD", why=why)
    if asked.dynsec and asked.acl:
        raise Invalid(why="give --acl or --dynsec: an account has its rights in one place")
    if not settings.mqtt.username or not settings.mqtt.password.get_secret_value():
        why = "the ingestor's account needs it and HEITU_MQTT_USERNAME"
        raise BadSetting(name="HEITU_MQTT_PASSWORD", why=why)
    with wiring.open_database(settings) as database:
        syncer = Syncer(
            database,
            settings,
            passwords=asked.passwords,
            acl=asked.acl,
            pid=asked.pid,
            seed=asked.seed,
            dynsec=asked.dynsec,
        )
        try:
            _go_on(syncer, asked.every)
        finally:
            syncer.close()


def _go_on(syncer: Syncer, every: float | None) -> None:
    failing = ""
    while True:
        try:
            for line in syncer.turn():
                print(line, flush=True)
            failing = ""
        except Unavailable as problem:
            if every is None:
                raise
            if problem.message != failing:  # said once, not every second of an outage
                print(problem.message, flush=True)
            failing = problem.message
        if every is None:
            return
        time.sleep(every)


def passwords(asked: argparse.Namespace, settings: Settings) -> None:
    """Write the password file, once or for ever."""
    whole = {"passwords": asked.out, "acl": None, "pid": None, "seed": None, "dynsec": False}
    sync(argparse.Namespace(**whole, every=asked.every), settings)


def _hashes(path: Path) -> dict[str, str]:
    """Return the hashes of a password file, for two hashes of one secret differ."""
    text = path.read_text("utf-8") if path.exists() else ""
    return {name: it for name, _, it in (line.partition(":") for line in text.splitlines())}


def _own(name: str, secret: str, hashes: dict[str, str]) -> str:
    """Return the hash of one of our own secrets; the one that is there if it still fits."""
    from models.store.credentials import broker_hash, broker_matches

    there = hashes.get(name, "")
    return there if broker_matches(secret, there) else broker_hash(secret)


def _changed(path: Path, text: str) -> bool:
    """Replace a file unless it is so already (mode 600): the broker never reads a half."""
    if path.exists() and path.read_text("utf-8") == text:
        return False
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    Path(new.name).replace(path)
    return True


def _hang_up(path: Path) -> None:
    try:
        os.kill(int(path.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as problem:
        raise Unavailable(part="mosquitto", why=f"{path}: {problem}") from None
