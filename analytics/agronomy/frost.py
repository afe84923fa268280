"""Frost: last and first frost of each year, and the chance of frost after a day.

Arrays are (year, day) with day 0 = 1 March (see `record`). A frost day has a screen
minimum <= 0 C; maize also suffers from ground frost at screen minima of 0..2 C
(agronomy reference 3, marked R: recalled, unverified), which is counted apart and never
decides.
"""

from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FROST = 0.0  # C, screen minimum. Source: agronomy reference 3; tiantianda for ground frost
GROUND_FROST = 2.0  # C, screen minimum. Source: agronomy reference 3, mark R (unverified)
MIDSUMMER = 122  # 1 July: frosts before it are spring frosts. Source: definition
NEVER = -1


def last_spring_frost(tmin: Floats, threshold: float = FROST) -> Ints:
    """Season day of the last frost before 1 July of each year; -1 where there was none.

    Parameters
    ----------
    tmin : ndarray, shape (year, day)
        Daily minimum [C]; a missing day counts as no frost.
    """
    frost = tmin[:, :MIDSUMMER] <= threshold
    last = MIDSUMMER - 1 - np.argmax(frost[:, ::-1], axis=1)
    return np.where(frost.any(axis=1), last, NEVER)


def first_autumn_frost(tmin: Floats, threshold: float = FROST) -> Ints:
    """Season day of the first frost from 1 July on; the length of the season if none came."""
    frost = tmin[:, MIDSUMMER:] <= threshold
    first = MIDSUMMER + np.argmax(frost, axis=1)
    days: Ints = np.where(frost.any(axis=1), first, tmin.shape[1])
    return days


def frost_free_days(tmin: Floats, threshold: float = FROST) -> Ints:
    """Days between the last spring and the first autumn frost, both excluded (无霜期)."""
    days: Ints = first_autumn_frost(tmin, threshold) - last_spring_frost(tmin, threshold) - 1
    return days


def frost_on_or_after(last_frost: Ints, day: Ints) -> NDArray[np.bool_]:
    """Tell for each year and candidate whether a spring frost came on or after a day.

    Parameters
    ----------
    last_frost : ndarray, shape (year,)
        From `last_spring_frost`.
    day : ndarray, shape (year, candidate) or (candidate,)
        Season days, for example of emergence.
    """
    after: NDArray[np.bool_] = last_frost[:, None] >= np.atleast_2d(day)
    return after


def chance(events: NDArray[np.bool_]) -> Floats:
    """Chance of an event from years of record, (k + 1/2) / (n + 1), over the first axis.

    The half (Jeffreys prior, jeffreys1946) keeps 30 years without frost from promising
    that there never is one: 0 of 30 gives 1.6 %, not 0.
    """
    estimate: Floats = (events.sum(axis=0) + 0.5) / (len(events) + 1.0)
    return estimate


def fitted_chance(last_frost: Ints, day: Ints) -> Floats:
    """Chance of frost on or after a day if the last-frost date were normally distributed.

    A smooth alternative to `chance`, compared with it in VALIDATION.md.
    """
    seen = last_frost[last_frost != NEVER].astype(float)
    z = (np.asarray(day, float) - 0.5 - seen.mean()) / max(float(seen.std(ddof=1)), 1.0)
    return len(seen) / len(last_frost) * _upper_tail(z)


def _upper_tail(z: Floats) -> Floats:
    tail: Floats = np.vectorize(lambda v: 0.5 * erfc(v / sqrt(2)), otypes=[float])(z)
    return tail
