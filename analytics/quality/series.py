"""The review of one series: every check that looks at a value's own neighbours in time."""

import numpy as np
from numpy.typing import NDArray

from analytics.quality.gaps import gap_flags, usual_interval
from analytics.quality.limits import Limits
from analytics.quality.rolling import REACH
from analytics.quality.runs import stuck_flags
from analytics.quality.spikes import WIDEST, spike_flags
from analytics.quality.steps import step_flags
from models.reading import Quality

Floats = NDArray[np.float64]
Flags = NDArray[np.int16]
_HOUR_US = 3_600_000_000
UNFIT = np.int16(Quality.RANGE | Quality.SENTINEL | Quality.SATURATED)

# Values on either side that a value's flags depend on, a run of equal values counted as one:
# an excursion may end a reach later, its end looks back two reaches, and every change is
# judged by those of a reach on either side and by the rhythm of a reach.
CONTEXT = 5 * REACH + 2 * WIDEST


def series_flags(time: NDArray[np.int64], value: Floats, quality: Flags, limits: Limits) -> Flags:
    """Review one series.

    Values that were flagged by themselves take no part: they are no neighbours.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Phenomenon time [us], rising.
    value : ndarray, shape (n,)
        Canonical unit of the quantity.
    quality : ndarray of int16, shape (n,)
        Flags set on arrival; of these RANGE, SENTINEL and SATURATED matter here.
    limits : Limits
        Of the quantity.

    Returns
    -------
    ndarray of int16, shape (n,)
        STEP, STUCK, SPIKE and GAP.
    """
    flags = np.zeros(len(value), np.int16)
    fit = np.flatnonzero((quality & UNFIT) == 0)
    if len(time) == 0:
        return flags
    hours = (time - time[0]) / _HOUR_US
    if limits.gap:
        flags |= gap_flags(hours, usual_interval(hours), limits.gap)
    flags[fit] |= _judged(hours[fit], value[fit], limits)
    return flags


def _judged(hours: Floats, value: Floats, limits: Limits) -> Flags:
    """Flag values that are fit to be judged by their neighbours."""
    rhythm = usual_interval(hours)
    flags = np.zeros(len(value), np.int16)
    if limits.stuck:
        flags |= stuck_flags(hours, value, rhythm, limits.stuck)
    if limits.spike:
        flags |= spike_flags(hours, value, rhythm, limits.spike)
    if limits.step:
        flags |= step_flags(hours, value, rhythm, limits.step)
        flags = _told_apart(flags)
    return flags


def _told_apart(flags: Flags) -> Flags:
    """Take STEP from spikes, which are excursions too, and from what follows a stuck run.

    A sensor that is free again steps to the real value.
    """
    step, spike = (flags & Quality.STEP) != 0, (flags & Quality.SPIKE) != 0
    starts = np.flatnonzero(step & ~np.concatenate(([False], step[:-1])))
    if len(starts) == 0:
        return flags
    length = np.diff(np.append(starts, len(flags)))
    plain = np.add.reduceat(step & ~spike, starts)
    only_spike = np.zeros(len(flags), bool)
    only_spike[starts[0] :] = np.repeat(plain == 0, length)
    stuck = (flags & Quality.STUCK) != 0
    freed = np.concatenate(([False], stuck[:-1])) & ~stuck
    return np.where(only_spike | freed, flags & ~np.int16(Quality.STEP), flags)
