"""Verbs on data: migrate, replay, reset; those on scenes are among them in the list."""

from __future__ import annotations

import argparse
import shutil
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.embedded.lock import FolderLock
from deploy.settings import Settings
from deploy.verbs import scenes, verb
from models import calendar
from models.reading import Reason

if TYPE_CHECKING:
    from deploy.verbs import Verbs

_REPLAY = """\
Put messages that were set aside through the intake again, after the cause is fixed (a
device registered, a unit corrected). Readings stored already count as duplicates."""
_RESET = "Refuses while a stack runs on the folder; files that are not Heitu's stay."
# everything that Heitu writes into its data folder
_KEPT = (
    "postgres",
    "postgres.new",
    "postgres.new.password",
    "archive",
    "logs",
    "broker.toml",
    "demo.json",
    "stack.json",
    "lock",
)


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    verb(verbs, "migrate", migrate, "bring the database's schema up to date", "Safe to repeat.")
    scenes.add(verbs)
    own = verb(verbs, "replay", replay, "put quarantined messages through again", _REPLAY)
    reasons = [reason.value for reason in Reason]
    own.add_argument("--reason", choices=reasons, help="only those set aside for this reason")
    own.add_argument("--device", metavar="KEY", help="only those of this device key")
    verb(verbs, "reset", reset, "remove all data of the data folder", _RESET)


def migrate(asked: argparse.Namespace, settings: Settings) -> None:
    """Bring the schema to head."""
    from models.store import migrations

    with wiring.database_url(settings) as url:
        migrations.migrate(url)


def replay(asked: argparse.Namespace, settings: Settings) -> None:
    """Put quarantined messages through again."""
    from ingest import rejects

    reason = Reason(asked.reason) if asked.reason else None
    with wiring.open_database(settings) as database:
        report = rejects.replay(database, calendar.now, reason=reason, device_key=asked.device)
    left = ", ".join(f"{n} {why}" for why, n in report.remaining.items()) or "nothing"
    print(f"{report.entries} entries: {report.stored} readings stored, {report.duplicate} known")
    print(f"left in quarantine: {left}")


def reset(asked: argparse.Namespace, settings: Settings) -> None:
    """Remove what Heitu keeps in the data folder, and nothing else."""
    folder = settings.folder
    if not folder.exists():
        print(f"{folder} is not there: nothing to remove")
        return
    with FolderLock(folder):
        for name in _KEPT:
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    rest = sorted(path.name for path in folder.iterdir())
    if not rest:
        folder.rmdir()
    print(f"removed the data in {folder}" + (f"; left alone: {', '.join(rest)}" if rest else ""))
