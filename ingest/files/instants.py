"""Columns of time: cells and parts of cells to instants, by the declared format and zone."""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.files.clock import Twice, zone
from ingest.files.mapping import Time
from ingest.files.numbers import Marks, Mask, mask, numbers, text
from ingest.mqtt.wire import micros
from models.reading import Reason

_SECOND = 1_000_000  # microseconds
_DAY = 86_400 * _SECOND
_FAR = float(1 << 62)
Times = NDArray[np.int64]


class Instants(NamedTuple):
    """Instants in microseconds, and for rows without one why."""

    time: Times
    bad: Mask
    why: dict[int, tuple[Reason, str]]  # row -> reason and detail

    def refuse(self, rows: Mask, reason: Reason, detail: str) -> None:
        """Refuse rows that were not refused before."""
        for row in np.flatnonzero(rows & ~self.bad).tolist():
            self.why[row] = reason, detail
        self.bad[:] |= rows


def instants(
    columns: dict[str, Any], time: Time, series: list[str] | None, twice: Twice, marks: Marks
) -> Instants:
    """Read the time of each row.

    Parameters
    ----------
    columns : dict
        Columns of a piece by name.
    series : list of str, optional
        Series of each row, for the hour that comes twice; None when all are of one.
    twice : Twice
        What was seen of such hours before.
    """
    wall, found = _walls(columns, time, marks)
    if time.stated or _zoned(columns, time):
        return found
    early, late, skipped = zone(time.zone).read(wall)
    found.time[:] = early
    skipped &= ~found.bad
    if skipped.any():
        if time.nonexistent == "refuse":
            detail = f"the clocks of {time.zone} skipped this hour (time.nonexistent)"
            found.refuse(skipped, Reason.IMPOSSIBLE_TIME, detail)
        else:  # as of a clock that was not put forward
            found.time[skipped] = late[skipped]
    both = (early < late) & ~skipped & ~found.bad
    if both.any():
        _choose(found, time, wall, late, both, series, twice)
    return found


def _choose(
    found: Instants,
    time: Time,
    wall: Times,
    late: Times,
    both: Mask,
    series: list[str] | None,
    twice: Twice,
) -> None:
    """Decide the hour that comes twice, as the mapping declares."""
    rows = np.flatnonzero(both)
    if time.ambiguous == "refuse":
        detail = f"the clocks of {time.zone} showed this hour twice (time.ambiguous)"
        found.refuse(both, Reason.IMPOSSIBLE_TIME, detail)
    elif time.ambiguous == "later":
        found.time[rows] = late[rows]
    elif time.ambiguous == "order":
        names = [""] * len(rows) if series is None else [series[row] for row in rows.tolist()]
        second = rows[twice.later(names, wall[rows])]
        found.time[second] = late[second]


def _walls(columns: dict[str, Any], time: Time, marks: Marks) -> tuple[Times, Instants]:
    """Read the wall clock of each row, microseconds as if it were UTC."""
    if time.parts:
        return _of_parts({part: columns[name] for part, name in time.parts.items()}, marks)
    first = columns[time.columns[0]]
    if pa.types.is_temporal(first.type) and len(time.columns) == 1:
        return _stored(first, time)
    cells = [text(columns[name]) for name in time.columns]
    joined = pc.binary_join_element_wise(*cells, " ") if len(cells) > 1 else cells[0]
    if time.format.startswith("epoch"):
        return _epochs(joined, 1_000 if time.format == "epoch_ms" else _SECOND, marks)
    missing = mask(pc.equal(pc.utf8_trim_whitespace(joined), ""))
    if time.format == "iso":
        shift = _time_of_day(time)
        wall, bad = _parsed(joined, missing, _iso, datetime.fromisoformat)
        return _judged(wall + shift, bad, missing, joined, "a time like 2026-05-01 08:00:00")
    if time.format == "rfc3339":
        wall, bad = _parsed(joined, missing, _rfc3339, _aware)
        return _judged(wall, bad, missing, joined, "RFC 3339 with a zone")
    wall, bad = _parsed(joined, missing, lambda cells: _pattern(cells, time.format), None)
    _check_month_ends(wall, bad, joined, time.format)
    return _judged(wall + _time_of_day(time), bad, missing, joined, f"of the form {time.format}")


def _time_of_day(time: Time) -> int:
    at = time.at
    return 0 if at is None else (at.hour * 3600 + at.minute * 60 + at.second) * _SECOND


def _judged(
    wall: Times, bad: Mask, missing: Mask, cells: pa.Array, form: str
) -> tuple[Times, Instants]:
    found = Instants(wall, np.zeros(len(wall), bool), {})
    found.refuse(missing, Reason.MISSING_TIME, "there is no time")
    for row in np.flatnonzero(bad & ~missing).tolist():
        detail = f"{cells[row].as_py()[:60]!r} is not {form}"
        found.why[row] = Reason.WRONG_SHAPE, detail
    found.bad[:] |= bad
    return wall, found


def _parsed(cells: pa.Array, missing: Mask, fast: Any, slow: Any) -> tuple[Times, Mask]:  # noqa: ANN401
    """Parse all cells at once; when one of them does not fit, one by one."""
    usable = pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), cells)
    try:
        parsed = fast(usable)
    except pa.ArrowInvalid:
        stated = [None if cell is None else _one(cell, slow) for cell in usable.to_pylist()]
        parsed = pa.array(stated, pa.int64())
    bad = mask(pc.is_null(parsed))
    wall = pc.fill_null(pc.cast(parsed, pa.int64()), 0).to_numpy(zero_copy_only=False)
    return np.array(wall), bad


def _iso(cells: pa.Array) -> pa.Array:
    return pc.cast(cells, pa.timestamp("us"))


def _rfc3339(cells: pa.Array) -> pa.Array:
    return pc.cast(cells, pa.timestamp("us", tz="UTC"))


def _pattern(cells: pa.Array, form: str) -> pa.Array:
    return pc.strptime(cells, format=form, unit="us", error_is_null=True)


def _aware(cell: str) -> datetime:
    moment = datetime.fromisoformat(cell)
    if moment.tzinfo is None:
        raise ValueError(cell)
    return moment


def _one(cell: str, read: Any) -> int | None:  # noqa: ANN401
    try:
        moment: datetime = read(cell)
    except ValueError:
        return None
    if moment.tzinfo is not None and read is datetime.fromisoformat:
        return None  # an offset in a column of wall clocks: the mapping says otherwise
    return micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _check_month_ends(wall: Times, bad: Mask, cells: pa.Array, form: str) -> None:
    """Find days that do not exist: Arrow's strptime takes 30 February for 1 March."""
    day = wall.astype("M8[us]").astype("M8[D]")
    early_in_month = (day - day.astype("M8[M]")).astype(int) < 3
    for row in np.flatnonzero(early_in_month & ~bad).tolist():
        try:
            meant = datetime.strptime(cells[row].as_py(), form)  # noqa: DTZ007
        except ValueError:
            bad[row] = True
        else:
            bad[row] = meant.date() != day[row].astype(date)


def _epochs(cells: pa.Array, scale: int, marks: Marks) -> tuple[Times, Instants]:
    value, missing, bad = numbers(cells, marks)
    usable = ~missing & ~bad & (np.abs(value) * scale < _FAR)
    wall = np.where(usable, np.round(np.where(usable, value, 0) * scale), 0).astype(np.int64)
    return _judged(wall, ~usable & ~missing, missing, cells, "seconds or milliseconds since 1970")


def _zoned(columns: dict[str, Any], time: Time) -> bool:
    """Tell whether a time column of Parquet carries its zone: it holds instants."""
    kind = columns[time.columns[0]].type if time.columns else pa.null()
    return bool(pa.types.is_timestamp(kind) and kind.tz is not None)


def _stored(column: pa.Array, time: Time) -> tuple[Times, Instants]:
    """Take a time column of Parquet: instants when it has a zone, else a wall clock."""
    missing = mask(pc.is_null(column))
    zone_of = column.type.tz if pa.types.is_timestamp(column.type) else None
    wide = pc.cast(column, pa.timestamp("us", tz=zone_of), safe=False)
    wall = np.array(pc.fill_null(pc.cast(wide, pa.int64()), 0).to_numpy(zero_copy_only=False))
    return _judged(wall + _time_of_day(time), np.zeros(len(wall), bool), missing, column, "a time")


def _of_parts(parts: dict[str, Any], marks: Marks) -> tuple[Times, Instants]:
    """Put year, month, day and time of day together."""
    read = {part: numbers(column, marks) for part, column in parts.items()}
    size = len(next(iter(parts.values())))
    missing, bad = np.zeros(size, bool), np.zeros(size, bool)
    whole: dict[str, Times] = {}
    for part, (value, absent, wrong) in read.items():
        missing |= absent
        bad |= wrong | (~absent & (np.abs(value) > 9999)) | (value != np.floor(value)) & ~absent
        whole[part] = np.where(absent | bad, 1, value).astype(np.int64)
    wall, exists = _assembled(whole)
    found = Instants(wall, np.zeros(size, bool), {})
    found.refuse(missing, Reason.MISSING_TIME, "a part of the time is missing")
    found.refuse(bad, Reason.WRONG_SHAPE, "a part of the time is not a whole number")
    found.refuse(~exists, Reason.IMPOSSIBLE_TIME, "there is no such day or hour")
    return wall, found


def _assembled(part: dict[str, Times]) -> tuple[Times, Mask]:
    year = part["year"]
    exists = (year >= 1900) & (year <= 2100)
    months = (np.where(exists, year, 2000) - 1970) * 12
    if "doy" in part:
        first, days = months.astype("M8[M]"), part["doy"]
        length = (((months + 12).astype("M8[M]")).astype("M8[D]") - first.astype("M8[D]")).astype(
            int
        )
    else:
        month = part["month"]
        exists &= (month >= 1) & (month <= 12)
        first, days = (months + np.clip(month, 1, 12) - 1).astype("M8[M]"), part["day"]
        length = ((first + 1).astype("M8[D]") - first.astype("M8[D]")).astype(int)
    exists &= (days >= 1) & (days <= length)
    hour = part.get("hour", np.zeros_like(year))
    minute = part.get("minute", np.zeros_like(year))
    if "hhmm" in part:
        hour, minute = np.divmod(part["hhmm"], 100)
    second = part.get("second", np.zeros_like(year))
    # 24:00 is how many loggers write the end of a day
    exists &= (hour >= 0) & (hour * 60 + minute <= 1440) & (minute >= 0) & (minute < 60)
    exists &= (second >= 0) & (second < 60)
    midnight = first.astype("M8[D]").astype(np.int64) + days - 1
    return midnight * _DAY + ((hour * 60 + minute) * 60 + second) * _SECOND, exists
