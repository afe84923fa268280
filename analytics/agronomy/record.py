"""A daily weather record without holes in its calendar, cut into years and seasons.

A season starts on 1 March, so that a day of spring has the same number in a leap year as
in a common one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from analytics.agronomy.thermal import fill_gaps
from models.weather import WeatherDay

Floats = NDArray[np.float64]
SEASON_DAYS = 306  # 1 March .. 31 December
_GAP_DAYS = 3  # longest gap bridged by interpolation of the daily mean


def season_day(day: date) -> int:
    """Days since 1 March of the same year (negative in January and February)."""
    return (day - date(day.year, 3, 1)).days


def on(year: int, number: int) -> date:
    """Return the date of a season day (1 March is 0)."""
    return date(year, 3, 1) + timedelta(days=int(number))


def month_day(number: float) -> str:
    """Write a season day as 'MM-DD' (a median between two days counts as the later one)."""
    return on(2001, int(np.ceil(number))).strftime("%m-%d")


@dataclass(frozen=True, slots=True)
class Record:
    """Daily weather from `first` on, one element a day, NaN where nothing is known.

    Attributes
    ----------
    tmin, tmax, tmean : ndarray, shape (day,)
        [C]; a missing mean is (tmin + tmax) / 2 where both are known.
    """

    first: date
    tmin: Floats
    tmax: Floats
    tmean: Floats

    @property
    def last(self) -> date:
        """Last day of the calendar."""
        return self.first + timedelta(days=len(self.tmean) - 1)

    def between(self, values: Floats, start: date, end: date) -> Floats:
        """Cut [start, end] out of one of the arrays, NaN where the record does not reach."""
        cut = np.full((end - start).days + 1, np.nan)
        offset = (start - self.first).days
        low, high = max(offset, 0), min(offset + len(cut), len(values))
        if high > low:
            cut[low - offset : high - offset] = values[low:high]
        return cut

    def season(self, values: Floats, year: int) -> Floats:
        """1 March .. 31 December of a year, shape (306,)."""
        return self.between(values, date(year, 3, 1), date(year, 12, 31))

    def whole_years(self) -> list[int]:
        """Years whose growing season is known well enough to count.

        At most 3 minima missing from April to June and 10 from July to November, and no
        gap of more than 3 days in the daily mean from March to November: a hole in May can
        hide a frost, a long one cuts a heat sum.
        """
        return [y for y in range(self.first.year, self.last.year + 1) if self._whole(y)]

    def _whole(self, year: int) -> bool:
        def missing(values: Floats, start: date, end: date) -> int:
            return int(np.isnan(self.between(values, start, end)).sum())

        spring = missing(self.tmin, date(year, 4, 1), date(year, 6, 30))
        autumn = missing(self.tmin, date(year, 7, 1), date(year, 11, 30))
        heat = missing(self.tmean, date(year, 3, 1), date(year, 11, 30))
        return spring <= 3 and autumn <= 10 and heat == 0


def record_of(
    ordinals: NDArray[np.integer], tmin: Floats, tmax: Floats, tmean: Floats
) -> Record | None:
    """Build a record from days in any order (proleptic ordinals); None from no days."""
    if len(ordinals) == 0:
        return None
    low = int(ordinals.min())
    place = ordinals - low
    columns = []
    for values in (tmin, tmax, tmean):
        column = np.full(int(place.max()) + 1, np.nan)
        column[place] = values
        columns.append(column)
    mean = np.where(np.isnan(columns[2]), (columns[0] + columns[1]) / 2, columns[2])
    return Record(date.fromordinal(low), columns[0], columns[1], fill_gaps(mean, _GAP_DAYS))


def record_of_days(days: Iterable[WeatherDay]) -> Record | None:
    """Build a record from weather days."""
    rows = [(d.day.toordinal(), _or_nan(d.tmin), _or_nan(d.tmax), _or_nan(d.tmean)) for d in days]
    table = np.array(rows, float).reshape(-1, 4)
    return record_of(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3])


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
