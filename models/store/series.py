"""Long series read piece by piece: pages of readings, aggregates over any width."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from numpy.typing import NDArray
from sqlalchemy.engine import Row

from models.calendar import SHANGHAI
from models.store.columns import Kind, fetched
from models.store.database import ReadTx
from models.store.recording import EPOCH_US

_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("time", "instant"),
    ("seq", "int4"),
    ("value", "float8"),
    ("raw", "float8"),
    ("received", "instant"),
    ("quality", "int2"),
    ("unit", "int2"),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# function bucket() of the schema counts from here
_ORIGIN = datetime(2000, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
_HOUR = 3600
_FIRST = -1 << 31  # below every sequence

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Width:
    """How wide a bucket is: so many seconds, or calendar months (Asia/Shanghai)."""

    seconds: int = 0
    months: int = 0

    @property
    def whole_hours(self) -> bool:
        """Whether a bucket is made of whole hours of the Asia/Shanghai clock."""
        return self.months > 0 or self.seconds % _HOUR == 0

    def begin(self, instant: datetime) -> datetime:
        """Return the start of the bucket that holds an instant."""
        if not self.months:
            width = timedelta(seconds=self.seconds)
            return instant - (instant - _ORIGIN) % width
        local = instant.astimezone(SHANGHAI)
        number = local.year * 12 + local.month - 1
        return _month(number - (number - 24_000) % self.months)

    def next(self, start: datetime) -> datetime:
        """Return the start of the bucket after the one that starts at ``start``."""
        if not self.months:
            return start + timedelta(seconds=self.seconds)
        local = start.astimezone(SHANGHAI)
        return _month(local.year * 12 + local.month - 1 + self.months)

    def first(self, instant: datetime) -> datetime:
        """Return the start of the first bucket that starts at an instant or after it."""
        start = self.begin(instant)
        return start if start == instant else self.next(start)

    def ahead(self, start: datetime, buckets: int) -> datetime:
        """Return the start of the bucket so many after the one that starts at ``start``."""
        if not self.months:
            return start + buckets * timedelta(seconds=self.seconds)
        local = start.astimezone(SHANGHAI)
        return _month(local.year * 12 + local.month - 1 + buckets * self.months)


def _month(number: int) -> datetime:
    year, month = divmod(number, 12)
    return datetime(year, month + 1, 1, tzinfo=SHANGHAI).astimezone(UTC)


def microseconds(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(us: int) -> datetime:
    """Return the instant so many microseconds after 1970."""
    return _EPOCH + us * _MICROSECOND


def page(
    tx: ReadTx,
    datastream_id: int,
    span: tuple[datetime, datetime],
    *,
    limit: int,
    excluded: int = 0,
    after: tuple[datetime, int] | None = None,
) -> Columns:
    """Return readings over [start, end) by time and sequence, as columns.

    Parameters
    ----------
    excluded : int
        Readings with one of these bits of `models.reading.Quality` are left out.
    after : tuple of (datetime, int), optional
        Time and sequence of the last reading of the page before.

    Returns
    -------
    dict of ndarray, shape (n,)
        time, received (microseconds since 1970), seq, value, raw, quality, unit (the store's
        number).
    """
    since, seq = after or (span[0], _FIRST)
    found = fetched(
        tx,
        "series",
        "page",
        _COLUMNS,
        datastream=datastream_id,
        since=since,
        until=span[1],
        seq=seq,
        excluded=excluded,
        limit=limit,
    )
    for name in ("time", "received"):
        found[name] += EPOCH_US
    return found


def aggregates(
    tx: ReadTx,
    datastream_id: int,
    span: tuple[datetime, datetime],
    width: Width,
    *,
    limit: int,
    excluded: int | None = None,
) -> list[tuple[Any, ...]]:
    """Return aggregates of the buckets that start in [start, end), computed exactly.

    Parameters
    ----------
    excluded : int, optional
        Readings with one of these bits do not count; by default those that are not good.

    Returns
    -------
    list of tuple
        start, n, n_good, mean, min, max, last, coverage, sum, count; buckets without a
        reading are left out.
    """
    since, until = width.first(span[0]), width.first(span[1])
    if since >= until:
        return []
    hourly = excluded is None and width.whole_hours
    bound = {} if hourly else {"excluded": 575 if excluded is None else excluded}
    rows = tx.tuples(
        "series",
        "from_hours" if hourly else "from_readings",
        datastream=datastream_id,
        since=since,
        until=until,
        months=width.months,
        seconds=width.seconds,
        limit=limit,
        **bound,
    )
    return [(*row[:7], _coverage(width, row[0], row[7]), *row[8:]) for row in rows]


def _coverage(width: Width, start: datetime, covered: float | None) -> float | None:
    if covered is None:
        return None
    seconds = width.seconds or (width.next(start) - start).total_seconds()
    return min(100.0, covered / seconds)


def revisions(tx: ReadTx, datastream_id: int, since: datetime, until: datetime) -> list[Row[Any]]:
    """Return replaced values over [since, until], by time and sequence, oldest first."""
    return list(tx.rows("series", "revisions", datastream=datastream_id, since=since, until=until))


def unit_codes(tx: ReadTx) -> dict[int, str]:
    """Return the wire units by the store's number; the empty one is the canonical unit."""
    return {row.id: row.code for row in tx.rows("series", "units")}
