"""The supervisor: database, broker, ingestor, API (and the demonstration's devices).

Parts start in the order in which they need each other and stop in the reverse one. A part
that dies is started again; when the supervisor dies, even by kill -9, the kernel ends them.
"""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from deploy import settings as environment
from deploy.embedded import broker, child, ports
from deploy.embedded.database import EmbeddedPostgres
from deploy.embedded.lock import FolderLock
from deploy.embedded.part import DatabasePart, Guardian, Part, ProcessPart
from deploy.settings import Settings
from models.errors import StartFailed

LOOK_EVERY = 0.5  # seconds between two looks at the children
PROBE_EVERY = 10.0  # seconds between two questions to the API
SILENT_PROBES = 3  # unanswered ones before it is restarted

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of a running stack are reached."""

    database: str
    mqtt_host: str
    mqtt_port: int
    api_host: str
    api_port: int

    @property
    def api(self) -> str:
        """The address of the API and the page."""
        everywhere = self.api_host in {"0.0.0.0", "::"}  # noqa: S104  # compared, not bound
        return f"http://{'127.0.0.1' if everywhere else self.api_host}:{self.api_port}"


class Stopped(BaseException):
    """A signal asked us to stop; raised in the main thread, wherever it is."""


class Stack:
    """All parts of one data folder.

    Parameters
    ----------
    settings : Settings
        An external database or broker in them is used instead of the embedded one.
    say : callable
        Takes one line for the person who watches.
    demo : bool
        Serve the demonstration: its logins are shown openly.
    """

    def __init__(self, settings: Settings, say: Say, *, demo: bool = False) -> None:
        self.settings = settings
        self.say = say
        self.demo = demo
        self.addresses = _choose(settings)
        self._parts: list[Part] = []
        self._silent = 0
        self._next_probe = 0.0

    def start_stores(self) -> None:
        """Start what keeps data and takes messages: database, schema, broker."""
        if not self.settings.database.url.get_secret_value():
            self._start(DatabasePart(embedded_database(self.settings)))
        self.run("migrate")
        if not self.settings.mqtt.host:
            file = self.settings.folder / "broker.toml"
            command = broker.configure(file, self.addresses.mqtt_port)
            self._start(self._process("broker", command, self._broker_answers))

    def start_services(self) -> None:
        """Start what works on them: ingestor and API; ready when the API says so."""
        self._start(self._process("ingestor", _verb("ingest"), lambda: True))
        serve = _verb("serve", *(["--demo"] if self.demo else []))
        self._start(self._process("API", serve, lambda: self._api_answers("/health/ready")))
        if self.settings.delivery.spool:
            self._start(self._process("delivery", _verb("deliver", "--every", "30"), lambda: True))

    def start_devices(self) -> None:
        """Start the demonstration's devices, which publish through the broker."""
        self._start(self._process("devices", _verb("demo-devices"), lambda: True))

    def run(self, verb: str, *arguments: str) -> None:
        """Run a verb to its end in a process of its own, on our screen.

        Raises
        ------
        StartFailed
            It failed (and has said why).
        """
        command = child.wrapped([sys.executable, "-m", "deploy", verb, *arguments])
        done = subprocess.run(
            command, env=self._environment(), stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            raise StartFailed(part="Heitu", why=f"`python -m deploy {verb}` failed, see above")

    def describe(self) -> None:
        """Write where the parts are to ``stack.json``, for people and for other verbs."""
        text = json.dumps({"api": self.addresses.api, "mqtt_port": self.addresses.mqtt_port})
        (self.settings.folder / "stack.json").write_text(text)

    def watch(self) -> NoReturn:
        """Look after the parts until a signal says stop."""
        guardians = [Guardian(part, self.say) for part in self._parts]
        while True:
            for guardian in guardians:
                guardian.look()
            self._probe()
            time.sleep(LOOK_EVERY)

    def stop(self) -> None:
        """Stop every part, last started first."""
        while self._parts:
            self._parts.pop().stop()
        (self.settings.folder / "stack.json").unlink(missing_ok=True)

    def _start(self, part: Part) -> None:
        self._parts.append(part)  # before it starts: a stop in between must find it
        part.start()

    def _process(self, name: str, command: list[str], ready: Callable[[], bool]) -> ProcessPart:
        log = self.settings.logs / f"{name.lower()}.log"
        return ProcessPart(name, command, log, ready=ready, environment=self._environment())

    def _environment(self) -> dict[str, str]:
        here = self.addresses
        return environment.for_child(
            data=str(self.settings.folder),
            database_url=here.database,
            mqtt_host=here.mqtt_host,
            mqtt_port=str(here.mqtt_port),
            api_host=here.api_host,
            api_port=str(here.api_port),
        )

    def _broker_answers(self) -> bool:
        return broker.answers(self.addresses.mqtt_host, self.addresses.mqtt_port)

    def _api_answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.addresses.api + path, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _probe(self) -> None:
        """Restart an API that lives but does not answer (the guardian starts it again)."""
        now = time.monotonic()
        if now < self._next_probe:
            return
        self._next_probe = now + PROBE_EVERY
        api = next((part for part in self._parts if part.name == "API"), None)
        if api is None or not api.running or self._api_answers("/health/live"):
            self._silent = 0
            return
        self._silent += 1
        if self._silent >= SILENT_PROBES:
            self._silent = 0
            api.stop()


@contextmanager
def running(settings: Settings, say: Say, *, demo: bool = False) -> Iterator[Stack]:
    """Hold the data folder, give a stack to start, and stop all of it at the end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    with FolderLock(settings.folder):
        stack = Stack(settings, say, demo=demo)
        try:
            yield stack
        except Stopped:
            say("stopping")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not cut the stop
            stack.stop()


def embedded_database(settings: Settings) -> EmbeddedPostgres:
    """Return the embedded database of a data folder, not yet started."""
    return EmbeddedPostgres(settings.folder / "postgres", settings.database.port)


def described(settings: Settings) -> dict[str, Any] | None:
    """Return where the parts of a running stack are, or None when none runs here."""
    try:
        known: dict[str, Any] = json.loads((settings.folder / "stack.json").read_text())
    except (OSError, ValueError):
        return None
    return known


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped


def _verb(verb: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "deploy", "--attached", verb, *arguments]


def _choose(settings: Settings) -> Addresses:
    """Take the wanted ports; another free one unless the port was asked for by name."""
    mqtt_port = settings.mqtt.port
    if not settings.mqtt.host:
        mqtt_port = _port(mqtt_port, broker.HOST, settings.mqtt.model_fields_set, "MQTT")
    host = settings.api.host
    return Addresses(
        database=settings.database.url.get_secret_value() or embedded_database(settings).url,
        mqtt_host=settings.mqtt.host or broker.HOST,
        mqtt_port=mqtt_port,
        api_host=host,
        api_port=_port(settings.api.port, host, settings.api.model_fields_set, "API"),
    )


def _port(wanted: int, host: str, given: set[str], group: str) -> int:
    if "port" in given:
        return ports.exactly(wanted, host, f"HEITU_{group}_PORT")
    return ports.free(wanted, host)
