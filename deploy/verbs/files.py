"""The verb import: CSV and Parquet files into the store, by a mapping."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy import wiring
from deploy.settings import Settings
from deploy.verbs import verb
from models import calendar
from models.errors import HeituError, Invalid

if TYPE_CHECKING:
    from deploy.verbs import Verbs
    from ingest.files.run import Report, Task
    from models.store.database import Database

BAD_ROWS = 3  # exit status: everything usable is stored, some rows were not usable

_IMPORT = """\
Stores the readings of CSV or Parquet files. The mapping (TOML, see ingest/mappings/ and
ingest/files/README.md) declares the zone of the clock, the unit of every column and the device.
A row that cannot be used is reported with its line number and passed over. Every piece is
committed with its place in the file: after a kill, --resume goes on there. A row that is stored
already counts as a duplicate. Exit status 0: every row was used; 3: all but some rows; 1: it
could not be done."""


def add(verbs: Verbs) -> None:
    """Add the verb."""
    own = verb(verbs, "import", take_in, "store the readings of CSV or Parquet files", _IMPORT)
    own.add_argument("file", type=Path, nargs="+", metavar="FILE")
    own.add_argument("--mapping", type=Path, required=True, metavar="TOML")
    own.add_argument("--dry-run", action="store_true", help="say what it would do; change nothing")
    own.add_argument(
        "--resume", action="store_true", help="go on where a killed import of the file had come to"
    )
    own.add_argument("--errors", type=Path, metavar="CSV", help="write the unusable rows there")
    own.add_argument(
        "--register",
        type=int,
        metavar="FARM",
        help="first register devices the file names and the platform lacks, at that farm (its id)",
    )


def take_in(asked: argparse.Namespace, settings: Settings) -> int:
    """Import files one after the other; a bad row does not stop the others."""
    from ingest.files import mapping
    from ingest.files.run import Task

    if asked.errors is not None and len(asked.file) > 1:
        raise Invalid(why="--errors takes one file at a time")
    if asked.dry_run and asked.register is not None:
        raise Invalid(why="--register changes the store, --dry-run does not: give one of them")
    told = mapping.load(asked.mapping)
    bad = 0
    with wiring.open_database(settings) as database:
        for path in asked.file:
            task = Task(path, told, asked.resume, asked.errors)
            if asked.register is not None:
                _register(database, task, asked.register)
            report = _watched(database, task, dry=asked.dry_run)
            bad += report.bad_rows
    return BAD_ROWS if bad else 0


def _register(database: Database, task: Task, farm: int) -> None:
    from ingest.files.registering import register
    from ingest.files.run import open_file

    done = register(database, open_file(task), task.mapping, farm)
    print(f"{task.path.name}: {len(done.made)} devices registered, {done.known} were there")


def _watched(database: Database, task: Task, *, dry: bool) -> Report:
    """Run one import under a bar, and tell what became of it."""
    from ingest.files import run

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[told]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task(task.path.name, total=None, told="")
        work = run.rehearse if dry else run.take_in
        try:
            report = work(database, task, calendar.now, lambda *seen: _shown(bars, bar, *seen))
        except HeituError as problem:
            raise type(problem)(f"{task.path.name}: {problem.message}") from None
    _tell(task, report, dry=dry)
    return report


def _shown(bars: Progress, bar: TaskID, done: int, whole: int, report: Report) -> None:
    told = f"{report.rows:,} rows, {report.bad_rows:,} unusable"
    bars.update(bar, completed=done, total=whole, told=told)


def _tell(task: Task, report: Report, *, dry: bool) -> None:
    from models.store.readings import DUPLICATE, REVISED, STORED

    name = task.path.name
    if report.resumed is not None:
        print(f"{name}: went on at line {report.resumed.line:,}")
    _table(report, dry=dry)
    stored, known = report.total(STORED), report.total(DUPLICATE)
    revised, would = report.total(REVISED), "would be " if dry else ""
    print(
        f"{name}: {report.rows:,} rows; {stored:,} readings {would}stored, {known:,} there already,"
        f" {revised:,} {would}revised, {report.missing:,} missing values"
    )
    if report.unused:
        print(f"{name}: columns not read: {', '.join(report.unused)[:300]}")
    if report.bad_rows:
        why = ", ".join(f"{n:,} {reason}" for reason, n in report.refused.most_common())
        print(f"{name}: {report.bad_rows:,} rows with something unusable ({why})", file=sys.stderr)
        for fault in report.first:
            print(f"  line {fault.line} {fault.column}: {fault.detail}", file=sys.stderr)
        if task.errors is not None:
            print(f"  all of them are in {task.errors}", file=sys.stderr)


def _table(report: Report, *, dry: bool) -> None:
    """Print what became of each datastream."""
    table = Table("device", "channel", title="what would become of it" if dry else None)
    for heading in ("stored", "there already", "revised", "refused"):
        table.add_column(heading, justify="right")
    counts: dict[tuple[str, str], list[int]] = {}
    for (stream, outcome), n in report.outcomes.items():
        counts.setdefault(report.names[stream], [0, 0, 0, 0])[outcome] += n
    for whose, n in report.refused_of.items():
        counts.setdefault(whose, [0, 0, 0, 0])[3] += n
    for (device, channel), numbers in sorted(counts.items()):
        table.add_row(device or "?", channel or "(row)", *(f"{n:,}" for n in numbers))
    if table.row_count:
        Console().print(table)
