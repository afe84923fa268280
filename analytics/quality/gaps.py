"""Gaps: the first value after a silence longer than the series' own rhythm explains."""

import numpy as np
from numpy.typing import NDArray

from analytics.quality.limits import GapLimit
from analytics.quality.rolling import usual
from models.reading import Quality

Floats = NDArray[np.float64]
Flags = NDArray[np.int16]
_LEAST = 4  # intervals; fewer say nothing about a rhythm


def usual_interval(hours: Floats) -> Floats:
    """Return the median interval among 24 values on either side of each value [h].

    Parameters
    ----------
    hours : ndarray, shape (n,)
        Time [h], rising.

    Returns
    -------
    ndarray, shape (n,)
        Infinite for a lone value.
    """
    if len(hours) < 2:
        return np.full(len(hours), np.inf)
    intervals = np.diff(hours)
    return usual(np.concatenate((intervals[:1], intervals)), 0.5)


def gap_flags(hours: Floats, usual_hours: Floats, limit: GapLimit) -> Flags:
    """Flag the first value after a gap; it annotates and spoils nothing.

    Parameters
    ----------
    hours : ndarray, shape (n,)
        Time [h], rising.
    usual_hours : ndarray, shape (n,)
        Usual interval around each value [h] (`usual_interval`).
    limit : GapLimit
        A gap is longer than ``times`` that interval.

    Returns
    -------
    ndarray of int16, shape (n,)
        `Quality.GAP` or 0.
    """
    flags = np.zeros(len(hours), np.int16)
    if len(hours) > _LEAST:
        flags[1:][np.diff(hours) > limit.times * usual_hours[1:]] = Quality.GAP
    return flags
