"""Observations piece by piece: each slab holds some rows of one datastream as columns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.series.thinning import Method, thinned
from api.series.question import Question
from models.device import Datastream
from models.quantity import QUANTITIES
from models.store import readings, series
from models.store.database import ReadTx
from models.store.series import Columns, Width

_PIECE = 200_000  # readings fetched at once of a series that is thinned, 8 MB
_HELD = 2_000_000  # readings thinned in one go at most, 80 MB
_WHOLE = {Width(3600): "hour", Width(86_400): "day", Width(months=1): "month"}
_MOST_BUCKETS = 20_000  # looked for at once
_MICROSECOND = timedelta(microseconds=1)

Cursor = tuple[int, int, int]  # datastream, microseconds since 1970, sequence
Column = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Slab:
    """Rows of one datastream, column by column; instants as datetimes or microseconds."""

    stream: Datastream
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def read(
    tx: ReadTx, asked: Question, after: Cursor | None, limit: int
) -> tuple[list[Slab], Cursor | None]:
    """Return the next rows, and the place of the last one when there are more.

    Parameters
    ----------
    after : tuple, optional
        Place of the last row that was read before.
    limit : int
        Rows at most.
    """
    slabs: list[Slab] = []
    room, last = limit, after
    for stream in asked.streams:
        if after is not None and stream.id < after[0]:
            continue
        begin = after if after is not None and after[0] == stream.id else None
        slab, keys = _some(tx, asked, stream, begin, room + 1)
        if len(keys) > room:
            if room:
                slabs.append(_cut(slab, room))
                last = (stream.id, *keys[room - 1])
            return _finished(tx, asked, slabs), last
        if keys:
            slabs.append(slab)
            last = (stream.id, *keys[-1])
            room -= len(keys)
    return _finished(tx, asked, slabs), None


def _some(
    tx: ReadTx, asked: Question, stream: Datastream, after: Cursor | None, limit: int
) -> tuple[Slab, "_Keys"]:
    if asked.width is not None:
        rows = _buckets(tx, asked, stream, after, limit)
        columns: dict[str, Column] = {
            name: [row[i] for row in rows] for i, name in enumerate(_BUCKET) if _shown(name, asked)
        }
        return Slab(stream, columns), _Keys(columns["start"], None)
    place = None if after is None else (series.instant_of(after[1]), after[2])
    span = (asked.start, asked.end)
    found = series.page(tx, stream.id, span, limit=limit, excluded=asked.excluded or 0, after=place)
    return Slab(stream, dict(found)), _Keys(found["time"], found["seq"])


@dataclass(frozen=True, slots=True)
class _Keys:
    """Time and sequence of rows, looked at only where a page ends."""

    time: Column
    seq: Column | None

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, i: int) -> tuple[int, int]:
        time = self.time[i]
        us = series.microseconds(time) if isinstance(time, datetime) else int(time)
        return us, 0 if self.seq is None else int(self.seq[i])


def _cut(slab: Slab, n: int) -> Slab:
    return Slab(slab.stream, {name: column[:n] for name, column in slab.columns.items()})


_BUCKET = ("start", "n", "n_good", "mean", "min", "max", "last", "coverage", "sum", "count")


def _shown(name: str, asked: Question) -> bool:
    return name in ("start", "n", "n_good", "coverage") or name in asked.aggregates


def columns_of(asked: Question) -> list[str]:
    """Name the columns of every slab of an answer, in their order."""
    if asked.width is not None:
        return [name for name in _BUCKET if _shown(name, asked)]
    names = ["time", "value", "quality"]
    for extra in asked.extras:
        names += ["raw", "raw_unit"] if extra == "raw" else [extra]
    return names


def _buckets(
    tx: ReadTx, asked: Question, stream: Datastream, after: Cursor | None, limit: int
) -> list[tuple[Any, ...]]:
    """Return the next buckets that hold a reading, at most ``limit``."""
    width = asked.width
    assert width is not None
    start = asked.start if after is None else series.instant_of(after[1]) + _MICROSECOND
    kept = width in _WHOLE and asked.excluded is None
    if kept and not {"sum", "count"} & set(asked.aggregates):
        name: Any = _WHOLE[width]
        return readings.bucket_rows(tx, stream.id, start, asked.end, name)[:limit]
    rows: list[tuple[Any, ...]] = []
    begin, end, ahead = width.first(start), width.first(asked.end), limit
    while begin < end and len(rows) < limit:
        # a stretch at a time, longer where there is little: a page of narrow buckets must not
        # read the years behind it
        until = min(end, width.ahead(begin, ahead))
        rows += series.aggregates(
            tx, stream.id, (begin, until), width, limit=limit - len(rows), excluded=asked.excluded
        )
        begin, ahead = until, min(2 * ahead, max(_MOST_BUCKETS, limit))
    return rows


def _finished(tx: ReadTx, asked: Question, slabs: list[Slab]) -> list[Slab]:
    if asked.width is not None:
        return slabs
    codes = series.unit_codes(tx) if "raw" in asked.extras else {}
    return [_reading(tx, asked, slab, codes) for slab in slabs]


def _reading(tx: ReadTx, asked: Question, slab: Slab, codes: dict[int, str]) -> Slab:
    """Keep the columns that are asked for, units by name."""
    found, extras = slab.columns, asked.extras
    columns: dict[str, Column] = {name: found[name] for name in ("time", "value", "quality")}
    if "seq" in extras:
        columns["seq"] = found["seq"]
    if "raw" in extras:
        canonical = QUANTITIES[slab.stream.quantity].unit
        columns["raw"] = found["raw"]
        columns["raw_unit"] = [codes[int(k)] or canonical for k in found["unit"]]
    if "received" in extras:
        columns["received"] = found["received"]
    if "revisions" in extras:
        columns["revisions"] = _revisions(tx, slab)
    return Slab(slab.stream, columns)


def _revisions(tx: ReadTx, slab: Slab) -> list[list[dict[str, Any]]]:
    """Return, for each reading, the values that it replaced."""
    times, seqs = slab.columns["time"], slab.columns["seq"]
    if not len(times):
        return []
    span = series.instant_of(int(times[0])), series.instant_of(int(times[-1]))
    by_key: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    canonical = QUANTITIES[slab.stream.quantity].unit
    for row in series.revisions(tx, slab.stream.id, *span):
        by_key[series.microseconds(row.time), row.seq].append(
            {
                "value": row.value,
                "raw": row.raw,
                "raw_unit": row.unit or canonical,
                "received": row.received,
                "quality": row.quality,
                "superseded": row.superseded,
                "by": row.source,
            }
        )
    return [by_key.get((int(t), int(s)), []) for t, s in zip(times, seqs, strict=True)]


def thin(tx: ReadTx, asked: Question) -> list[Slab]:
    """Return the readings that draw the line of each datastream, see `thinned`."""
    slabs = [Slab(stream, dict(_thin(tx, asked, stream))) for stream in asked.streams]
    return _finished(tx, asked, [slab for slab in slabs if len(slab)])


def _thin(tx: ReadTx, asked: Question, stream: Datastream) -> Columns:
    points = asked.points
    assert points is not None
    held: list[Columns] = []
    after, n = None, 0
    while True:
        piece = series.page(
            tx, stream.id, (asked.start, asked.end), limit=_PIECE,
            excluded=asked.excluded or 0, after=after,
        )  # fmt: skip
        held.append(piece)
        n += len(piece["time"])
        if len(piece["time"]) < _PIECE:
            return _kept(_joined(held), points, asked.method)
        after = series.instant_of(int(piece["time"][-1])), int(piece["seq"][-1])
        if n > _HELD:
            # the extremes of a quarter of a million short stretches stand for what is too long
            # to hold; the longer stretches of the answer find theirs among them
            held = [_kept(_joined(held), _HELD // 4, "minmax")]
            n = len(held[0]["time"])


def _joined(pieces: list[Columns]) -> Columns:
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _kept(found: Columns, points: int, method: Method) -> Columns:
    at = thinned(found["time"], found["value"], found["quality"], points, method)
    return {name: column[at] for name, column in found.items()}
