"""Verbs on data: migrate, scene, replay, reset."""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import wiring
from deploy.embedded.lock import FolderLock
from deploy.settings import Settings
from deploy.verbs import verb
from models import calendar
from models.errors import Invalid, SceneRejected
from models.reading import Reason

if TYPE_CHECKING:
    from deploy.verbs import Verbs
    from ingest.satellite.pipeline import Report

_SCENE = """\
PATH is a folder of bands, a SAFE folder or a multi-band GeoTIFF. It is opened, checked,
masked, turned into NDVI, written to the archive with its lineage, and averaged over every
field it covers.
A scene that cannot be used changes nothing and says why."""
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
    own = verb(verbs, "scene", scene, "take satellite scenes in", _SCENE)
    own.add_argument("path", type=Path, nargs="+", metavar="PATH")
    own.add_argument(
        "--relocate",
        type=_point,
        metavar="LON,LAT",
        help="move the centre of the scene there, for demonstrations (recorded and labelled)",
    )
    own.add_argument("--time", type=_instant, help="acquisition time where the files lack it")
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


def scene(asked: argparse.Namespace, settings: Settings) -> int:
    """Take scenes in; one that is rejected does not stop the others."""
    from ingest.satellite import pipeline

    if asked.relocate and len(asked.path) > 1:
        raise Invalid(why="--relocate moves one scene at a time")
    rejected = 0
    with wiring.open_platform(settings) as platform:
        for path in asked.path:
            try:
                report = pipeline.take_in(
                    path,
                    platform.database,
                    platform.archive,
                    progress=partial(_step, path),
                    relocate=asked.relocate,
                    time=asked.time,
                )
            except SceneRejected as problem:
                rejected += 1
                print(f"{path.name}: {problem.message}", file=sys.stderr)
            else:
                print(_told(report))
    return 1 if rejected else 0


def _step(path: Path, step: str) -> None:
    print(f"{path.name}: {step}", flush=True)


def _told(report: Report) -> str:
    dated = report.scene.lineage["time_from"] != "unknown"
    known = f"{report.scene.id} of {report.scene.time:%Y-%m-%d}" if dated else report.scene.id
    if report.unchanged:
        return f"{known} was taken in before; nothing changed"
    share = f"{report.scene.valid_share:.0%} of its pixels valid"
    fields = f"{report.fields} fields judged, {report.without_value} of them without a value"
    return "\n".join((f"{known}: {share}; {fields}", *report.notes))


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


def _point(text: str) -> tuple[float, float]:
    try:
        lon, lat = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not LON,LAT") from None
    return lon, lat


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time like 2026-05-01T10:30:00+08:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=calendar.SHANGHAI)
