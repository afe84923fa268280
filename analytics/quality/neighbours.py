"""Neighbour residual: a station that leaves the others of its field."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.quality.limits import NeighbourLimit
from models.reading import Quality

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.int16]
LEAST_OTHERS = 2  # and then the departure of the two from each other counts as spread
_LEAST_DAYS = 10  # of learning
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_SPREAD = 2.5  # how far others are apart is known at the instant, not learnt: trusted more
_ROBUST = 1.4826  # median absolute deviation to standard deviation of a normal law


class Station(NamedTuple):
    """Readings of one station: time [us], rising, and value, both shape (n,)."""

    time: Ints
    value: Floats


def thinned(time: Ints) -> NDArray[np.bool_]:
    """Mark the first reading of each hour: what learning uses, so 1-minute loggers cost no more."""
    hour = time // _HOUR_US
    return np.concatenate(([True], hour[1:] != hour[:-1])) if len(time) else np.zeros(0, bool)


def at_times(station: Station, times: Ints, within: int) -> Floats:
    """Return the value of a station nearest to each time, NaN when none is within [us]."""
    if len(station.time) == 0:
        return np.full(len(times), np.nan)
    after = np.clip(np.searchsorted(station.time, times), 0, len(station.time) - 1)
    before = np.maximum(after - 1, 0)
    late, early = np.abs(station.time[after] - times), np.abs(times - station.time[before])
    nearest = np.where(early <= late, before, after)
    return np.where(np.minimum(early, late) <= within, station.value[nearest], np.nan)


def residuals(values: Floats) -> Floats:
    """Return each station's departure from the median of the others.

    Parameters
    ----------
    values : ndarray, shape (station, time)
        NaN where a station has none.

    Returns
    -------
    ndarray, shape (station, time)
        NaN where fewer than two others have a value.
    """
    known = np.count_nonzero(~np.isnan(values), axis=0) - ~np.isnan(values)
    return np.where(known >= LEAST_OTHERS, values - median_of_others(values), np.nan)


def median_of_others(values: Floats) -> Floats:
    """Return for each station the median of all others: one sort serves every station.

    Parameters
    ----------
    values : ndarray, shape (station, time)
        NaN where a station has none.

    Returns
    -------
    ndarray, shape (station, time)
        NaN where no other has a value.
    """
    order = np.argsort(values, axis=0, kind="stable")  # NaN last
    ordered = np.take_along_axis(values, order, axis=0)
    rank = np.argsort(order, axis=0, kind="stable")
    others = np.count_nonzero(~np.isnan(values), axis=0) - ~np.isnan(values)
    # places among the others; a station's own place and those behind it are one further on
    low, high = np.maximum(others - 1, 0) // 2, others // 2
    middle = [
        np.take_along_axis(ordered, np.minimum(at + (at >= rank), len(values) - 1), axis=0)
        for at in (low, high)
    ]
    found: Floats = np.where(others > 0, (middle[0] + middle[1]) / 2, np.nan)
    return found


def learnt(residual: Floats, day: Ints, wanted: Ints, days: int) -> tuple[Floats, Floats]:
    """Learn a station's usual offset from the others, and how much it varies.

    Parameters
    ----------
    residual : ndarray, shape (n,)
        Thinned residuals, NaN where unknown.
    day : ndarray, shape (n,)
        UTC day of each, rising.
    wanted : ndarray, shape (m,)
        Days to learn for: from the ``days`` days before each, never from itself.

    Returns
    -------
    tuple of ndarray, shape (m,)
        Median, and robust standard deviation; NaN with fewer than 10 days of residuals.
    """
    known = ~np.isnan(residual)
    residual, day = residual[known], day[known]
    offset, scale = np.full(len(wanted), np.nan), np.full(len(wanted), np.nan)
    first, last = np.searchsorted(day, wanted - days), np.searchsorted(day, wanted)
    for place, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        if stop > start and len(np.unique(day[start:stop])) >= _LEAST_DAYS:
            past = residual[start:stop]
            offset[place] = np.median(past)
            scale[place] = _ROBUST * np.median(np.abs(past - offset[place]))
    return offset, scale


def neighbour_flags(
    stations: Sequence[Station],
    limit: NeighbourLimit,
    judged: tuple[int, int] | None = None,
    within: int = _HOUR_US,
) -> list[Flags]:
    """Flag the values of each station that leave the others by more than they usually do.

    The residual against the median of the others, less the offset learnt over the days
    before, is compared with a floor, with k times its own usual variation, and with 2.5 times
    how far the others leave each other now: when rain wets a field, all disagree.

    Parameters
    ----------
    stations : sequence of Station
        Same quantity and depth, near each other; values not flagged by themselves. Before
        ``judged`` the first reading of each hour is enough.
    limit : NeighbourLimit
        Canonical unit.
    judged : tuple of int, optional
        First and last time to judge [us]; all by default.
    within : int
        Readings further apart are not compared [us].

    Returns
    -------
    list of ndarray of int16
        For each station, shape (n,): `Quality.NEIGHBOUR` or 0.
    """
    every = np.unique(np.concatenate([s.time for s in stations]))
    first, last = (every[:1], every[-1:]) if judged is None else judged
    times = every[(every >= first) & (every <= last)]
    flags = [np.zeros(len(s.time), np.int16) for s in stations]
    if len(stations) <= LEAST_OTHERS or len(times) == 0:
        return flags
    leaves, scale = _departures(stations, times, limit.days, within)
    spread = _SPREAD * _ROBUST * np.nan_to_num(median_of_others(np.abs(leaves - _median(leaves))))
    most = np.maximum(limit.floor, np.fmax(limit.k * scale, spread))
    for number, station in enumerate(stations):
        far = times[np.abs(leaves[number]) > most[number]]  # never where something is unknown
        flags[number][np.isin(station.time, far)] = Quality.NEIGHBOUR
    return flags


def _departures(
    stations: Sequence[Station], times: Ints, days: int, within: int
) -> tuple[Floats, Floats]:
    """Return how far each station leaves the others beyond its usual offset, and its scale."""
    thin = [Station(s.time[keep], s.value[keep]) for s in stations for keep in (thinned(s.time),)]
    past = np.unique(np.concatenate([s.time for s in thin]))
    past = past[thinned(past)]
    known = residuals(np.stack([at_times(s, past, within) for s in thin]))
    wanted = np.unique(times // _DAY_US)
    usual = [learnt(row, past // _DAY_US, wanted, days) for row in known]
    of_day = np.searchsorted(wanted, times // _DAY_US)
    offset = np.stack([row[0] for row in usual])[:, of_day]
    scale = np.stack([row[1] for row in usual])[:, of_day]
    leaves = residuals(np.stack([at_times(s, times, within) for s in stations])) - offset
    # a drift widens its own past: no station is let vary more than thrice as the usual one
    return leaves, np.fmin(scale, 3 * _median(scale))


def _median(values: Floats) -> Floats:
    """Take the median over stations of what is known, NaN where nothing is."""
    ordered = np.sort(values, axis=0)  # NaN last
    n = np.count_nonzero(~np.isnan(values), axis=0)
    low, high = np.maximum(n - 1, 0) // 2, np.minimum(n // 2, len(values) - 1)
    pair = np.take_along_axis(ordered, np.stack((low, high)), axis=0)
    found: Floats = pair.mean(axis=0)
    return found
