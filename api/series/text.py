"""Observations as JSON rows and as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import msgspec
import numpy as np

from api import present
from api.series.slabs import Column, Slab
from models.calendar import SHANGHAI
from models.quantity import QUANTITIES
from models.store import series

_ZONE = "Asia/Shanghai"
BOM = "\ufeff"
_INSTANTS = ("time", "start", "received")
# China kept summer time until 1991; since then the clock is eight hours ahead of UTC
_FIXED_SINCE = int(datetime(1992, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_AHEAD_US = 8 * 3_600_000_000


def rows_of(slab: Slab) -> list[dict[str, Any]]:
    """Return the rows as plain data, for JSON."""
    names = ["datastream", *slab.columns]
    columns = [plain(name, column) for name, column in slab.columns.items()]
    return [
        dict(zip(names, (slab.stream.id, *row), strict=True)) for row in zip(*columns, strict=True)
    ]


def plain(name: str, column: Column) -> Sequence[Any]:
    """Return a column as Python values: flags by name, instants as text ending in Z."""
    if name == "quality":
        return [present.flags(bits) for bits in np.asarray(column).tolist()]
    if name in _INSTANTS:
        return utc(column)
    if name == "revisions":
        return [[_revision(of) for of in row] for row in column]
    return column.tolist() if isinstance(column, np.ndarray) else column


def _revision(of: dict[str, Any]) -> dict[str, Any]:
    return {**of, "quality": present.flags(of["quality"])}


def utc(column: Column) -> Sequence[Any]:
    """Write instants in UTC: datetimes as they are, microseconds as text ending in Z."""
    if not isinstance(column, np.ndarray):
        return column  # the encoder writes them alike
    return [f"{text}Z" for text in _iso(column)]


def _iso(us: np.ndarray[Any, np.dtype[np.int64]]) -> list[str]:
    whole = not (us % 1_000_000).any()
    texts = np.datetime_as_string(us.view("M8[us]"), unit="s" if whole else "us").tolist()
    return texts if whole else [text.removesuffix(".000000") for text in texts]


class Csv:
    """Rows as comma-separated values (RFC 4180), a slab at a time."""

    media_type = "text/csv"

    def __init__(self, *, bom: bool) -> None:
        self._mark = BOM if bom else ""
        self._began = False

    def head(self, columns: Iterable[str]) -> bytes:
        """Write the names of the columns, after the mark that Excel asks for."""
        first, *rest = columns
        what = ["datastream", "quantity", "label_zh", "label_en", "depth_cm", "unit"]
        names = [f"{first}_utc", f"{first}_local", "zone", *what]
        for name in rest:
            names += [f"{name}_utc"] if name in _INSTANTS else [name]
        return (self._mark + _line([names])).encode()

    def rows(self, slab: Slab) -> bytes:
        """Write the rows of a slab."""
        if not len(slab):
            return b""
        stream = slab.stream
        known = QUANTITIES[stream.quantity]
        what = (_ZONE, stream.id, known.key, known.zh, known.en, stream.depth_cm, known.unit)
        same = _line([what]).removesuffix("\r\n")
        (_, when), *rest = slab.columns.items()
        cells = [_text_utc(when), _local(when), repeat(same), *(_cells(*of) for of in rest)]
        # joined by hand: the writer of the library looks at each cell, and takes three times
        # as long for a million rows
        return ("\r\n".join(map(",".join, zip(*cells, strict=False))) + "\r\n").encode()

    def tail(self) -> bytes:
        """Write nothing: CSV has no end."""
        return b""


def _line(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _cells(name: str, column: Column) -> list[str]:
    if name == "quality":
        return [" ".join(present.flags(bits)) for bits in np.asarray(column).tolist()]
    if name in _INSTANTS:
        return _text_utc(column)
    if name == "revisions":
        return [_quoted(msgspec.json.encode(r).decode()) if r else "" for r in plain(name, column)]
    values = plain(name, column)
    if name == "raw_unit":
        return [_quoted(text) for text in values]
    return ["" if value is None else repr(value) for value in values]


def _quoted(text: str) -> str:
    """Put text in quotes where RFC 4180 asks for it."""
    needs = any(mark in text for mark in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if needs else text


def _text_utc(column: Column) -> list[str]:
    if isinstance(column, np.ndarray):
        return [f"{text}Z" for text in _iso(column)]
    return [time.astimezone(UTC).isoformat().replace("+00:00", "Z") for time in column]


def _local(column: Column) -> list[str]:
    if isinstance(column, np.ndarray):
        if not len(column) or column[0] >= _FIXED_SINCE:
            return _iso(column + _AHEAD_US)
        column = [series.instant_of(us) for us in column.tolist()]
    return [time.astimezone(SHANGHAI).replace(tzinfo=None).isoformat() for time in column]
