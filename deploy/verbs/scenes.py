"""The verbs scene and scenes: satellite and drone scenes, one by one or from a drop folder."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models import calendar
from models.errors import Invalid, SceneRejected
from models.platform import Platform

if TYPE_CHECKING:
    from deploy.verbs import Verbs
    from ingest.satellite.drop import Outcome
    from ingest.satellite.pipeline import Report

_SCENE = """\
PATH is a folder of bands, a Sentinel-2 SAFE or Landsat product (folder, zip or tar), a STAC item
with its assets beside it, or one GeoTIFF. It is opened, checked, masked, turned into indices,
written to the archive with its lineage, and averaged over every field it covers.
A scene that cannot be used changes nothing and says why. Exit status 1 if any was refused."""
_WATCH = """\
Takes in what is put into FOLDER: a folder of a scene, an archive, or one GeoTIFF with its
companions (NAME.xml, NAME.scene.json). An entry is complete when it has not changed for --settle
seconds, or when a marker NAME.done lies beside it. It then moves to FOLDER/done, or to
FOLDER/rejected with a file NAME.reason.json. A kill loses nothing: start it again."""


def add(verbs: Verbs) -> None:
    """Add the verbs of this group."""
    own = verb(verbs, "scene", scene, "take satellite scenes in", _SCENE)
    own.add_argument("path", type=Path, nargs="+", metavar="PATH")
    own.add_argument(
        "--relocate",
        type=_point,
        metavar="LON,LAT",
        help="move the centre of the scene there, for demonstrations (recorded and labelled)",
    )
    own.add_argument("--time", type=_instant, help="acquisition time where the files lack it")
    own.add_argument(
        "--products",
        default="",
        metavar="KEY,KEY",
        help="where the scene has their bands; default ndvi,evi2,ndmi,ndwi; `all` for all twelve",
    )
    own = verb(verbs, "scenes", watch, "take in what is put into a folder", _WATCH)
    own.add_argument("act", choices=["watch"])
    own.add_argument("folder", type=Path, metavar="FOLDER")
    own.add_argument("--once", action="store_true", help="take in what is complete, and end")
    own.add_argument("--settle", type=float, default=30.0, metavar="S", help="default: 30")
    own.add_argument("--every", type=float, default=10.0, metavar="S", help="default: 10")


def scene(asked: argparse.Namespace, settings: Settings) -> int:
    """Take scenes in; one that is rejected does not stop the others."""
    if asked.relocate and len(asked.path) > 1:
        raise Invalid(why="--relocate moves one scene at a time")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
    refused: list[tuple[Path, SceneRejected]] = []
    with wiring.open_platform(settings) as platform, bars:
        bar = bars.add_task("", total=len(asked.path))
        for path in asked.path:
            try:
                told = _taken(path, platform, asked, bars)
            except SceneRejected as problem:
                refused.append((path, problem))
                told = ""
            if told:
                print(told, flush=True)
            bars.advance(bar)
    _report(asked.path, refused)
    return 1 if refused else 0


def _taken(path: Path, platform: Platform, asked: argparse.Namespace, bars: Progress) -> str:
    from ingest.satellite import pipeline

    def show(step: str) -> None:
        bars.update(bars.task_ids[0], description=f"{path.name}: {step}")

    report = pipeline.take_in(
        path,
        platform.database,
        platform.archive,
        progress=show,
        relocate=asked.relocate,
        time=asked.time,
        keys=_keys(asked.products),
    )
    return _told(report)


def _keys(asked: str) -> tuple[str, ...]:
    from ingest.satellite.products import DEFAULT, INDEX_KEYS

    named = {"": DEFAULT, "all": INDEX_KEYS}
    return named.get(asked) or tuple(asked.split(","))


def _report(paths: list[Path], refused: list[tuple[Path, SceneRejected]]) -> None:
    """Say what was skipped and why; a table when there was more than one."""
    for path, problem in refused:
        print(f"{path.name}: {problem.message}", file=sys.stderr)
    if len(paths) > 1:
        why = {path: str(problem.facts["reason"]) for path, problem in refused}
        table = Table("scene", "outcome", title=f"{len(paths) - len(refused)} of {len(paths)} in")
        for path in paths:
            table.add_row(path.name, why.get(path, "in the archive"))
        Console(stderr=True).print(table)


def _told(report: Report) -> str:
    dated = report.scene.lineage["time_from"] != "unknown"
    known = f"{report.scene.id} of {report.scene.time:%Y-%m-%d}" if dated else report.scene.id
    if report.unchanged:
        return f"{known} was taken in before; nothing changed"
    share = f"{report.scene.valid_share:.0%} of its pixels valid"
    fields = f"{report.fields} fields judged, {report.without_value} of them without a value"
    return "\n".join((f"{known}: {share}; {fields}", *report.notes))


def watch(asked: argparse.Namespace, settings: Settings) -> int:
    """Watch a drop folder until stopped."""
    from ingest.satellite import pipeline
    from ingest.satellite.drop import DropFolder

    if not asked.folder.is_dir():
        raise Invalid(why=f"there is no folder {asked.folder}")
    rejected = 0
    with wiring.open_platform(settings) as platform:

        def take(path: Path) -> tuple[bool, str]:
            report = pipeline.take_in(path, platform.database, platform.archive, keys=_keys(""))
            return not report.unchanged, _told(report)

        drop = DropFolder(asked.folder, take, 0.0 if asked.once else asked.settle)
        print(f"watching {asked.folder}", flush=True)
        while True:
            for outcome in drop.turn():
                rejected += outcome.status == "rejected"
                _say(outcome)
            if asked.once:
                return 1 if rejected else 0
            time.sleep(asked.every)


def _say(outcome: Outcome) -> None:
    where = sys.stdout if outcome.status in ("taken", "known") else sys.stderr
    print(f"{outcome.name}: {outcome.status}: {outcome.told}", file=where, flush=True)


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
