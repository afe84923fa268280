"""Imports of files: how far each has come, committed with its readings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Row

from models import units
from models.errors import Conflict
from models.store import readings, recording
from models.store.database import ReadTx, WriteTx


@dataclass(slots=True)
class Import:
    """An import of one file by one mapping.

    Attributes
    ----------
    position, line : int
        Byte or row of the file, and line, at which it goes on.
    state : dict
        What the reader of the file has to remember there.
    """

    id: int
    position: int
    line: int
    state: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a piece of a file."""

    rows: int
    stored: int
    duplicate: int
    refused: int

    @classmethod
    def of(cls, rows: int, outcomes: NDArray[np.uint8], refused: int) -> Self:
        """Count the outcomes of `readings.add`."""
        duplicate = int(np.count_nonzero(outcomes == readings.DUPLICATE))
        return cls(rows, len(outcomes) - duplicate, duplicate, refused)


def begin(
    tx: WriteTx, file: str, digest: str, mapping_digest: str, position: int, line: int
) -> Import:
    """Begin an import."""
    row = tx.row(
        "imports",
        "begin",
        file=file[:300],
        digest=digest,
        mapping_digest=mapping_digest,
        position=position,
        line=line,
    )
    assert row is not None
    return _import(row)


def unfinished(tx: ReadTx, digest: str, mapping_digest: str) -> Import | None:
    """Return the newest import of that file by that mapping if it has not come to its end."""
    row = tx.row("imports", "newest", digest=digest, mapping_digest=mapping_digest)
    return None if row is None or row.finished is not None else _import(row)


def _import(row: Row[Any]) -> Import:
    return Import(row.id, row.position, row.line, dict(row.state))


def advance(
    tx: WriteTx,
    run: Import,
    position: int,
    line: int,
    state: dict[str, list[int]],
    counts: Counts,
) -> None:
    """Move an import on, with the readings of a piece in the same transaction.

    Raises
    ------
    Conflict
        Another process is at the same import.
    """
    moved = tx.run(
        "imports",
        "advance",
        id=run.id,
        before=run.position,
        position=position,
        line=line,
        state=json.dumps(state),
        rows=counts.rows,
        stored=counts.stored,
        duplicate=counts.duplicate,
        refused=counts.refused,
    )
    if not moved:
        raise Conflict("Another process goes on with this import.")
    run.position, run.line = position, line


def finish(tx: WriteTx, run: Import) -> None:
    """Record that the file came to its end."""
    tx.run("imports", "finish", id=run.id)


def judge(tx: ReadTx, block: NDArray[np.void]) -> NDArray[np.uint8]:
    """Say of each reading what `readings.add` would make of it, by what is stored now.

    Parameters
    ----------
    block : ndarray of `models.reading.BLOCK`, shape (n,)
    """
    if len(block) == 0:
        return np.zeros(0, np.uint8)
    found = tx.rows(
        "readings",
        "compared",
        datastreams=recording.literal(block["datastream_id"]),
        times=recording.literal(block["phenomenon_time"] - recording.EPOCH_US),
        seqs=recording.literal(block["seq"]),
        raws=recording.literal(block["raw"]),
        units=recording.literal(_stored_numbers(tx, block["unit"])),
        values=recording.literal(block["value"]),
    )
    taken = np.array([row.taken for row in found], bool)
    same = np.array([bool(row.same) for row in found], bool)
    verdict = np.where(same, readings.DUPLICATE, readings.REVISED)
    return np.where(taken, verdict, readings.STORED).astype(np.uint8)


def _stored_numbers(tx: ReadTx, of_rows: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the store's numbers of units; -1, which equals none, for one it does not know."""
    present: Sequence[int] = np.unique(of_rows).tolist()
    codes = [units.code(k) for k in present]
    known = {row.code: row.id for row in tx.rows("readings", "units", codes=codes)}
    numbers = np.full(max(present) + 1, -1, np.int16)
    numbers[list(present)] = [known.get(code, -1) for code in codes]
    return numbers[of_rows]
