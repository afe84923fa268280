"""Stuck values: a run of equal values longer than the series itself makes credible."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.quality.limits import StuckLimit
from analytics.quality.rolling import REACH, usual, windows
from models.reading import Quality

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.int16]
AROUND = 2 * REACH  # pairs on either side of a run that say how often values repeat here
_BELIEF = 8.0  # pairs the prior is worth
_SHORTEST = 5  # values
_BETRAYED = 0.6  # share of the surprise that is enough when the run ends with a jump
_JUMP = 3.0  # times the usual change


class Runs(NamedTuple):
    """Runs of equal values: first value and one past the last, shape (runs,)."""

    start: Ints
    stop: Ints


def runs(value: Floats) -> Runs:
    """Cut a series into runs of equal values, over gaps too.

    Parameters
    ----------
    value : ndarray, shape (n,)
        Any unit, n >= 1; equal means equal to the bit, as a sensor of finite resolution is.
    """
    ends = np.flatnonzero(value[1:] != value[:-1]) + 1
    start = np.concatenate(([0], ends)).astype(np.intp)
    return Runs(start, np.concatenate((ends, [len(value)])).astype(np.intp))


def surprise(
    value: Floats, near: NDArray[np.bool_], resting: NDArray[np.bool_], found: Runs, prior: float
) -> Floats:
    """Return how improbable each run is where it stands [nat].

    -m ln p of its m pairs, p being the share of repeated values among 48 pairs before and 48 after
    the run. It knows no unit: a coarse resolution, a slow quantity and a fast logger all
    raise p, and a real plateau stands among others. Pairs at rest say nothing: nights would
    make a stuck day credible.

    Parameters
    ----------
    value : ndarray, shape (n,)
    near : ndarray of bool, shape (n - 1,)
    resting : ndarray of bool, shape (n,)
        Values at which the quantity may rest.
    found : Runs
        Of the same series.
    prior : float
        Share of repeats to assume, worth 8 pairs.

    Returns
    -------
    ndarray, shape (runs,)
    """
    told = near & ~(resting[1:] & resting[:-1])
    repeats = np.concatenate(([0], np.cumsum((value[1:] == value[:-1]) & told)))
    pairs = np.concatenate(([0], np.cumsum(told)))
    n = len(value) - 1
    # the changes into and out of the run belong to it
    first, last = np.maximum(found.start - 1, 0), np.minimum(found.stop, n)
    before, after = np.maximum(first - AROUND, 0), np.minimum(last + AROUND, n)
    equals = repeats[first] - repeats[before] + repeats[after] - repeats[last]
    count = pairs[first] - pairs[before] + pairs[after] - pairs[last]
    share = (equals + prior * _BELIEF) / (count + _BELIEF)
    told_pairs: Floats = (pairs[found.stop - 1] - pairs[found.start]).astype(float)
    nats: Floats = -told_pairs * np.log(np.minimum(share, 1.0 - 1e-9))
    return nats


def stuck_flags(hours: Floats, value: Floats, usual_hours: Floats, limit: StuckLimit) -> Flags:
    """Flag whole runs of equal values that are not credible.

    A run is stuck when it is longer than the quantity can rest, or too improbable among its
    neighbours, or ends with a jump, as a freed sensor does, where a real plateau ends with
    one step of the resolution. At resting values (night, calm, zero curtain) only time counts.

    Parameters
    ----------
    hours : ndarray, shape (n,)
        Time [h], rising.
    value : ndarray, shape (n,)
        Canonical unit; no value that was flagged by itself.
    usual_hours : ndarray, shape (n,)
        Usual interval around each value [h].
    limit : StuckLimit
        Same unit.

    Returns
    -------
    ndarray of int16, shape (n,)
        `Quality.STUCK` or 0.
    """
    flags = np.zeros(len(value), np.int16)
    if len(value) < _SHORTEST:
        return flags
    near = np.diff(hours) <= 3 * usual_hours[1:]
    found = runs(value)
    length = found.stop - found.start
    seen = np.concatenate(([0.0], np.cumsum(np.where(near, np.diff(hours), 0.0))))
    lasts = seen[found.stop - 1] - seen[found.start]
    rests = [(value >= low) & (value <= high) for low, high, _ in limit.rest]
    resting = np.any(rests, axis=0) if rests else np.zeros(len(value), bool)
    improbable = surprise(value, near, resting, found, limit.prior)
    betrayed = _released(value, near, found, limit) & (improbable > _BETRAYED * limit.surprise)
    stuck = (improbable > limit.surprise) | betrayed | (lasts > limit.hours)
    stuck &= lasts >= limit.least
    for here, (_, _, longest) in zip(rests, limit.rest, strict=True):
        stuck = np.where(here[found.start], lasts > longest, stuck)
    stuck &= length >= _SHORTEST
    return np.repeat(np.where(stuck, Quality.STUCK, Quality.GOOD), length).astype(np.int16)


def _released(
    value: Floats, near: NDArray[np.bool_], found: Runs, limit: StuckLimit
) -> NDArray[np.bool_]:
    """Tell which runs end with a jump, of the kind that no plateau ends with.

    A spike or an excursion is no release: the value does not come back for 48 others.
    """
    change = np.diff(value)
    here = np.where(near & (change != 0), np.abs(change), np.nan)
    last = found.stop - 1
    least = np.maximum(
        limit.release, _JUMP * usual(here, 0.5, AROUND)[np.minimum(last, len(here) - 1)]
    )
    away = windows(value, AROUND)[last, AROUND + 1 :] - value[last][:, None]
    known = ~np.isnan(away)
    falls = np.all((away < -least[:, None]) | ~known, axis=1)
    rises = np.all((away > least[:, None]) | ~known, axis=1)
    free = falls if limit.by == "fall" else falls | rises
    ended = found.stop < len(value)
    released: NDArray[np.bool_] = free & ended & near[np.minimum(last, len(near) - 1)]
    return released
