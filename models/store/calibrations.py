"""Calibrations by valid-time; `ingest.recalibration` derives the stored readings again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from models.calibration import Calibration
from models.errors import Conflict, Invalid
from models.store.database import ReadTx, WriteTx


def _calibration(r: Row[Any]) -> Calibration:
    return Calibration(
        r.id,
        r.datastream_id,
        r.since,
        r.until,
        r.gain,
        r.bias,
        r.note,
        r.source,
        r.created,
        r.applied,
    )


def version(tx: ReadTx) -> int:
    """Return a number that grows with every calibration."""
    return _number(tx, "seen_version")


def held_version(tx: WriteTx) -> int:
    """Return the same number and keep it so until the transaction ends."""
    return _number(tx, "version")


def _number(tx: ReadTx, query: str) -> int:
    row = tx.row("calibrations", query)
    assert row is not None
    return int(row.version)


def of(tx: ReadTx, datastream_ids: Sequence[int] | None = None) -> dict[int, list[Calibration]]:
    """Return the calibrations of some datastreams, or of all, by datastream, oldest first."""
    found: dict[int, list[Calibration]] = {}
    ids = None if datastream_ids is None else list(datastream_ids)
    for row in tx.rows("calibrations", "all", datastreams=ids):
        found.setdefault(row.datastream_id, []).append(_calibration(row))
    return found


def put(
    tx: WriteTx,
    *,
    datastream_id: int,
    since: datetime,
    until: datetime | None = None,
    gain: float = 1.0,
    bias: float = 0.0,
    note: str = "",
    by: str,
) -> Calibration:
    """Keep a calibration; an open one that began earlier ends where this one begins.

    Stored readings follow once `ingest.recalibration` has derived them again.

    Raises
    ------
    Invalid
        It ends before it begins, or turns every value into one.
    Conflict
        Another calibration is valid at the same time.
    """
    if until is not None and until <= since:
        raise Invalid(why="a calibration must end after it begins")
    if gain == 0:
        raise Invalid(why="a gain of 0 would turn every value into one")
    tx.run("calibrations", "changed")
    tx.run("calibrations", "close", datastream=datastream_id, since=since)
    other = tx.row(
        "calibrations", "overlapping", datastream=datastream_id, since=since, until=until
    )
    if other is not None:
        raise Conflict(noun="calibration", key=f"{other.since} to {other.until or 'now'}")
    row = tx.row(
        "calibrations",
        "put",
        datastream=datastream_id,
        since=since,
        until=until,
        gain=gain,
        bias=bias,
        note=note,
        source=by,
    )
    assert row is not None
    return _calibration(row)


def waiting(tx: ReadTx) -> list[Calibration]:
    """Return the calibrations that the stored readings do not all follow yet."""
    return [_calibration(row) for row in tx.rows("calibrations", "waiting")]


def applied(tx: WriteTx, calibration_id: int) -> None:
    """Record that the stored readings follow a calibration."""
    tx.run("calibrations", "applied", id=calibration_id)
