"""The verb check: whether every part works here."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.embedded import broker, ports
from deploy.embedded.part import ProcessPart
from deploy.embedded.stack import described
from deploy.settings import Settings, for_child
from deploy.verbs import verb
from models.errors import HeituError, Unavailable

if TYPE_CHECKING:
    from deploy.verbs import Verbs

_CHECK = "Tests settings, data folder, database, broker and archive; exit status 1 if one fails."


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb(verbs, "check", check, "test the settings and every part they name", _CHECK)


def check(asked: argparse.Namespace, settings: Settings) -> int:
    """Test every part and print one line for each."""
    tests: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("data folder", _folder),
        ("database", _database),
        ("broker", _broker),
        ("archive", _archive),
    )
    print("ok    settings     read without complaint")
    good = [_try(name, test, settings) for name, test in tests]  # all of them, also after a failure
    return 0 if all(good) else 1


def _try(name: str, test: Callable[[Settings], str], settings: Settings) -> bool:
    try:
        told, good = test(settings), True
    except (HeituError, OSError) as problem:
        told, good = str(problem), False
    print(f"{'ok   ' if good else 'FAIL '} {name:12} {told}")
    return good


def _folder(settings: Settings) -> str:
    settings.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.folder):
        free = shutil.disk_usage(settings.folder).free / 1e9
    return f"{settings.folder} is writable, {free:.1f} GB free"


def _database(settings: Settings) -> str:
    with wiring.open_database(settings) as database:
        with database.reading() as tx:
            version = tx.driver.info.server_version // 10_000
        kind = "TimescaleDB" if database.timescale else "plain tables"
    return f"PostgreSQL {version} answers, {kind}"


def _broker(settings: Settings) -> str:
    host, port = settings.mqtt.host, settings.mqtt.port
    if host:
        if not broker.answers(host, port, patience=3):
            raise Unavailable(part="broker", why=f"{host}:{port} does not answer")
        return f"{host}:{port} answers"
    known = described(settings)
    if known and broker.answers(broker.HOST, known["mqtt_port"]):
        return f"the embedded one answers on {broker.HOST}:{known['mqtt_port']}"
    return _trial_broker()


def _trial_broker() -> str:
    port = ports.free(0)
    with tempfile.TemporaryDirectory() as folder:
        command = broker.configure(Path(folder) / "broker.toml", port)
        trial = ProcessPart(
            "broker",
            command,
            Path(folder) / "broker.log",
            ready=lambda: broker.answers(broker.HOST, port),
            environment=for_child(),
        )
        trial.start()
        trial.stop()
    return "the embedded one starts (nothing runs at the moment)"


def _archive(settings: Settings) -> str:
    settings.archive.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.archive):
        count = sum(1 for _ in settings.archive.rglob("*.tif"))
    return f"{settings.archive} is writable, {count} rasters"
