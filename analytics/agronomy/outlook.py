"""What the years of record say about each possible sowing day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.agronomy.emergence import EMERGENCE_UNITS, emergence_day
from analytics.agronomy.frost import (
    FROST,
    GROUND_FROST,
    chance,
    first_autumn_frost,
    frost_on_or_after,
    last_spring_frost,
)
from analytics.agronomy.record import SEASON_DAYS, Record
from analytics.agronomy.thermal import BASE, growing_degrees, heat_sum

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RELIABLE = 0.8  # a heat sum is quoted as reached in 80 % of years. Source: stack.md, zone table


@dataclass(frozen=True, slots=True)
class Climate:
    """One value a year: frost dates as season days (1 March is 0), heat in C.d.

    Attributes
    ----------
    years : list of int
        The years, all before the season advised on.
    last_frost, last_ground_frost, first_frost : ndarray, shape (year,)
        Last spring day with a minimum <= 0 C and <= 2 C; first autumn day <= 0 C.
    passing, ending : ndarray, shape (year,)
        First and last day of the stable passing of 10 C; NaN where there is none.
    active : ndarray, shape (year,)
        Active sum of the stable period [C.d].
    degrees, warmth : ndarray, shape (year, day)
        Growing degrees; mean temperature of days >= 10 C inside the stable period and
        before the first autumn frost, otherwise 0.
    """

    years: list[int]
    last_frost: Ints
    last_ground_frost: Ints
    first_frost: Ints
    passing: Floats
    ending: Floats
    active: Floats
    degrees: Floats
    warmth: Floats


def climate_of(record: Record, before: int) -> Climate | None:
    """Summarise the whole years of a record before a year; None when there is none."""
    years = [year for year in record.whole_years() if year < before]
    if not years:
        return None
    tmin = np.array([record.season(record.tmin, y) for y in years])
    tmax = np.array([record.season(record.tmax, y) for y in years])
    tmean = np.array([record.season(record.tmean, y) for y in years])
    sums = [heat_sum(row) for row in tmean]
    first_frost = first_autumn_frost(tmin)
    passing = np.array([np.nan if s is None else s.first for s in sums])
    ending = np.array([np.nan if s is None else s.last for s in sums])
    day = np.arange(SEASON_DAYS)
    growing = (day <= ending[:, None]) & (day < first_frost[:, None])
    return Climate(
        years=years,
        last_frost=last_spring_frost(tmin, FROST),
        last_ground_frost=last_spring_frost(tmin, GROUND_FROST),
        first_frost=first_frost,
        passing=passing,
        ending=ending,
        active=np.array([0.0 if s is None else s.active for s in sums]),
        degrees=np.nan_to_num(growing_degrees(tmin, tmax)),
        warmth=np.where(growing & (tmean >= BASE), tmean, 0.0),
    )


@dataclass(frozen=True, slots=True)
class Outlook:
    """For each candidate sowing day: emergence, frost after it, heat left after it.

    Attributes
    ----------
    sowing, emergence : ndarray, shape (candidate,)
        Season days; emergence is the median of the years.
    frost, ground_frost : ndarray, shape (candidate,)
        Chance of a minimum <= 0 C (<= 2 C) on or after emergence, 0..1.
    frost_years : ndarray, shape (candidate,)
        Years of record in which a frost <= 0 C came on or after emergence.
    heat_left : ndarray, shape (candidate,)
        Active sum from emergence to the end of the season, reached in 80 % of years [C.d].
    """

    sowing: Ints
    emergence: Ints
    frost: Floats
    ground_frost: Floats
    frost_years: Ints
    heat_left: Floats


def outlook(climate: Climate, sowing: Ints, need: float = EMERGENCE_UNITS) -> Outlook:
    """Look up every candidate sowing day in every year of record at once.

    Parameters
    ----------
    sowing : ndarray, shape (candidate,)
        Season days.
    need : float
        Heat from sowing to emergence [C.d].
    """
    up = emergence_day(climate.degrees, sowing, need)
    frost = frost_on_or_after(climate.last_frost, up)
    return Outlook(
        sowing=sowing,
        emergence=np.minimum(np.ceil(np.median(up, axis=0)), SEASON_DAYS - 1).astype(np.int64),
        frost=chance(frost),
        ground_frost=chance(frost_on_or_after(climate.last_ground_frost, up)),
        frost_years=frost.sum(axis=0),
        heat_left=_heat_left(climate.warmth, up),
    )


def _heat_left(warmth: Floats, up: Ints) -> Floats:
    # element d is the heat from day d on; one more column for "never emerges": no heat
    left = np.zeros((len(warmth), SEASON_DAYS + 1))
    left[:, :-1] = np.cumsum(warmth[:, ::-1], axis=1)[:, ::-1]
    from_up = np.take_along_axis(left, up, axis=1)
    reached: Floats = np.quantile(from_up, 1 - RELIABLE, axis=0)
    return reached
