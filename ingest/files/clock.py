"""Local clocks to instants: whole columns at once, with summer time told apart."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_SECOND = 1_000_000  # microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FROM, _TO = 1899, 2101  # years whose changes of the clock are looked for
Times = NDArray[np.int64]


class Zone:
    """The offsets of an IANA zone: since when (microseconds UTC) and how much."""

    def __init__(self, name: str) -> None:
        since, offset = _changes(name)
        self._offset = np.array(offset, np.int64) * _SECOND
        begins = np.array(since, np.int64) * _SECOND
        # the wall clock at which each span begins and ends
        self._first = begins + self._offset
        self._last = np.append(begins[1:] + self._offset[:-1], np.iinfo(np.int64).max)
        self._first[0] = np.iinfo(np.int64).min

    def read(self, wall: Times) -> tuple[Times, Times, NDArray[np.bool_]]:
        """Return the instants at which clocks showed ``wall``.

        Parameters
        ----------
        wall : ndarray of int64
            Wall clock as microseconds since 1970-01-01T00:00 on that clock.

        Returns
        -------
        tuple
            The earlier and the later instant, which differ in the hour that comes twice; and
            where the clock was put forward over ``wall``. There the second is the instant by
            the offset of before.
        """
        early = np.searchsorted(self._last, wall, side="right")
        late = np.searchsorted(self._first, wall, side="right") - 1
        return wall - self._offset[early], wall - self._offset[late], early > late


@lru_cache(maxsize=16)
def zone(name: str) -> Zone:
    """Return the zone of that name."""
    return Zone(name)


def _changes(name: str) -> tuple[list[int], list[int]]:
    """Find every change of the offset, to the second, by looking every ten days."""
    info, step = ZoneInfo(name), timedelta(days=10)

    def offset(second: int) -> int:
        shift = (_EPOCH + timedelta(seconds=second)).astimezone(info).utcoffset()
        assert shift is not None
        return int(shift.total_seconds())

    moment = int((datetime(_FROM, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
    end = int((datetime(_TO, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
    since, offsets = [moment], [offset(moment)]
    while moment < end:
        following = moment + int(step.total_seconds())
        if (there := offset(following)) != offsets[-1]:
            low, high = moment, following
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(middle) != offsets[-1] else (middle, high)
            since.append(high)
            offsets.append(there)
        moment = following
    return since, offsets


class Twice:
    """Tells the two passes of an hour that comes twice apart, by the order of the rows.

    Of one series the wall clock runs on through the first pass; the row at which it does not
    begins the second. What was seen is kept between the pieces of a file, and with them.
    """

    def __init__(self, seen: dict[str, list[int]] | None = None) -> None:
        self.seen = seen or {}  # series -> [end of the span, newest wall clock, 1 when second]

    def later(self, series: list[str], wall: Times) -> NDArray[np.bool_]:
        """Mark the rows of the second pass; ``series`` names the series of each row."""
        second = np.zeros(len(wall), bool)
        for row, (name, shown) in enumerate(zip(series, wall.tolist(), strict=True)):
            # one autumn is one span: a gap of more than 12 hours begins another
            known = self.seen.get(name)
            if known is None or abs(shown - known[0]) > 12 * 3600 * _SECOND:
                self.seen[name] = [shown, shown, 0]
                continue
            if shown <= known[1]:
                known[2] = 1
            known[1] = max(known[1], shown)
            second[row] = bool(known[2])
        return second
