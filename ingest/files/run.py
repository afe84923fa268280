"""An import: piece after piece into the store, its place in the file kept with the readings."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.batch import day_of
from ingest.files.clock import Twice
from ingest.files.delimited import Delimited
from ingest.files.errors import ErrorReport
from ingest.files.layout import Layout, Readings
from ingest.files.mapping import Mapping
from ingest.files.parquet import Parquet
from ingest.files.piece import Fault, File, Place
from ingest.files.rehearsal import Rehearsal
from ingest.files.settling import Settling
from ingest.mqtt.wire import micros
from models.device import DeviceCatalogue
from models.errors import Invalid
from models.reading import LedgerEntry
from models.store import catalogue, imports, ledger, readings, rollups
from models.store.database import Database, WriteTx

_MOST = 200_000  # readings copied at once: 16 MB on the wire
_SHOWN = 10  # faults kept to be shown
Progress = Callable[[int, int, "Report"], None]  # done and all of the file, and what became of it


@dataclass(slots=True)
class Report:
    """What became of the rows of a file.

    Attributes
    ----------
    rows, missing : int
        Rows read, cells with a missing-value mark.
    outcomes : dict
        (datastream, outcome of `readings.add`) -> readings.
    bad_rows : int
        Rows with at least one fault.
    refused, refused_of : Counter
        Faults by reason, and by device key and channel as far as they are known.
    first : list of Fault
        The first of them.
    names : dict
        Datastream -> device key and channel.
    resumed : Place or None
        Where an earlier run had come to.
    """

    rows: int = 0
    missing: int = 0
    outcomes: Counter[tuple[int, int]] = field(default_factory=Counter)
    bad_rows: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refused_of: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: list[Fault] = field(default_factory=list)
    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    resumed: Place | None = None

    def total(self, outcome: int) -> int:
        """Return the readings with that outcome."""
        return sum(n for (_, became), n in self.outcomes.items() if became == outcome)

    def count(self, taken: Readings, outcomes: NDArray[np.uint8]) -> None:
        """Count a piece."""
        self.rows += taken.rows
        self.missing += taken.missing
        pairs = taken.block["datastream_id"].astype(np.int64) * 4 + outcomes
        for pair, n in zip(
            *(a.tolist() for a in np.unique(pairs, return_counts=True)), strict=True
        ):
            self.outcomes[pair // 4, pair % 4] += n
        self.bad_rows += len({fault.line for fault in taken.faults})
        self.refused.update(fault.reason.value for fault in taken.faults)
        self.refused_of.update((fault.device, fault.channel) for fault in taken.faults)
        self.first += sorted(taken.faults)[: _SHOWN - len(self.first)]


@dataclass(frozen=True, slots=True)
class Task:
    """What to import, and how.

    Attributes
    ----------
    resume : bool
        Go on where an earlier run of the same file and mapping ended; without one, begin.
    errors : Path or None
        Where faults are written.
    """

    path: Path
    mapping: Mapping
    resume: bool = False
    errors: Path | None = None


def take_in(
    database: Database, task: Task, clock: Callable[[], datetime], progress: Progress | None = None
) -> Report:
    """Store the readings of a file; a row that cannot be used is reported and passed over.

    Each piece is committed with its account and its place in the file: an import may be
    killed anywhere and run again, with ``resume`` from where it was.

    Raises
    ------
    Invalid
        The file does not fit the mapping at all.
    """
    file = open_file(task)
    digest = _digest(task.path)
    with database.writing() as tx:
        known = imports.unfinished(tx, digest, task.mapping.digest) if task.resume else None
        run = known or imports.begin(
            tx, task.path.name, digest, task.mapping.digest, file.start.offset, file.start.line
        )
    at = Place(run.position, run.line)
    report = Report(unused=_unused(file, task.mapping), resumed=at if known else None)
    layout = _layout(database, task.mapping, clock, Twice(run.state))
    source = f"import:{task.path.name}"[:200]
    settling = Settling(layout.catalogue)
    with ErrorReport(task.errors, run.line) as errors:
        for taken, seen in _ahead(file, at, layout):
            errors.add(taken.faults)
            with database.writing() as tx:
                outcomes = _store(tx, settling, taken, layout, source)
                counted = imports.Counts.of(taken.rows, outcomes, len(taken.faults))
                imports.advance(tx, run, taken.after.offset, taken.after.line, seen, counted)
            report.count(taken, outcomes)
            if progress is not None:
                progress(taken.after.offset, file.size, report)
    with database.writing() as tx:
        imports.finish(tx, run)
    report.names = _names(layout.catalogue)
    rollups.refresh(database)
    return report


def rehearse(
    database: Database, task: Task, clock: Callable[[], datetime], progress: Progress | None = None
) -> Report:
    """Say what `take_in` would do, and change nothing."""
    file = open_file(task)
    report = Report(unused=_unused(file, task.mapping))
    layout = _layout(database, task.mapping, clock, Twice())
    rehearsal = Rehearsal()
    with ErrorReport(task.errors, file.start.line) as errors:
        for taken, _ in _ahead(file, file.start, layout):
            errors.add(taken.faults)
            with database.reading() as tx:
                outcomes = rehearsal.judge(tx, taken.block)
            report.count(taken, outcomes)
            if progress is not None:
                progress(taken.after.offset, file.size, report)
    report.names = _names(layout.catalogue)
    return report


def open_file(task: Task) -> File:
    """Open a file by its suffix."""
    path, wanted = task.path, task.mapping.columns
    if not path.is_file():
        raise Invalid(why=f"there is no file {path}")
    if path.suffix.lower() in (".parquet", ".pq"):
        return Parquet(path, wanted)
    return Delimited(path, task.mapping.csv, wanted)


def _unused(file: File, mapping: Mapping) -> list[str]:
    """Name the columns that the mapping neither reads nor ignores."""
    known = {*mapping.columns, *mapping.ignore}
    return [name for name in file.names if name and name not in known]


def _layout(
    database: Database, mapping: Mapping, clock: Callable[[], datetime], seen: Twice
) -> Layout:
    with database.reading() as tx:
        return Layout(mapping, catalogue.load(tx), micros(clock()), seen)


def _ahead(
    file: File, at: Place, layout: Layout
) -> Iterator[tuple[Readings, dict[str, list[int]]]]:
    """Read and place the next piece while the caller stores this one."""
    pieces = file.pieces(at)

    def following() -> tuple[Readings, dict[str, list[int]]] | None:
        piece = next(pieces, None)
        if piece is None:
            return None
        taken = layout.readings(piece)
        return taken, {name: list(seen) for name, seen in layout.seen.seen.items()}

    with ThreadPoolExecutor(1, thread_name_prefix="file") as reader:
        waiting = reader.submit(following)
        while (found := waiting.result()) is not None:
            waiting = reader.submit(following)
            yield found


def _store(
    tx: WriteTx, settling: Settling, taken: Readings, layout: Layout, source: str
) -> NDArray[np.uint8]:
    """Store the readings of a piece and enter them in the accounts of their devices."""
    block = settling.settled(tx, taken.block)
    parts = [
        readings.add(tx, block[begin : begin + _MOST], by=source)
        for begin in range(0, len(block), _MOST)
    ]
    outcomes = np.concatenate(parts) if parts else np.zeros(0, np.uint8)
    ledger.record(tx, _entries(block, outcomes, layout))
    return outcomes


def _entries(
    block: NDArray[np.void], outcomes: NDArray[np.uint8], layout: Layout
) -> list[LedgerEntry]:
    day = day_of(layout.received)
    account = {id_: key for id_, (key, _) in _names(layout.catalogue).items()}
    streams, inverse = np.unique(block["datastream_id"], return_inverse=True)
    all_ = np.bincount(inverse, minlength=len(streams))
    known = np.bincount(inverse[outcomes == readings.DUPLICATE], minlength=len(streams))
    counts: Counter[str] = Counter()
    duplicates: Counter[str] = Counter()
    for stream, n, twice in zip(streams.tolist(), all_.tolist(), known.tolist(), strict=True):
        counts[account[stream]] += n
        duplicates[account[stream]] += twice
    return [
        LedgerEntry(key, day, n, n - duplicates[key], duplicates[key]) for key, n in counts.items()
    ]


def _names(catalogue: DeviceCatalogue) -> dict[int, tuple[str, str]]:
    keys = {id_: key for key, id_ in catalogue.devices.items()}
    return {
        stream.id: (keys[device], channel)
        for device, streams in catalogue.streams.items()
        for channel, stream in streams.items()
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
