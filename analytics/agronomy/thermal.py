"""Heat sums: active, effective, growing degrees, and the stable passing of 10 C.

Two names that must not be mixed: the *active* sum (活动积温) adds the whole mean
temperature of days at or above the base; the *effective* sum (有效积温) adds only what lies
above the base. For a season of 2800 C.d active the effective sum is near 1300 C.d.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BASE = 10.0  # C. Source: lower limit of maize and of China's heat zones, agronomy reference 3
CAP = 30.0  # C, 86 F. Source: ortez2023 (Ohioline AGF-0101), the "86/50" method
PER_FAHRENHEIT_DEGREE = 5 / 9  # heat units scale with the degree alone; no offset of 32


def active_sum(tmean: Floats, base: float = BASE) -> float:
    """Active accumulated temperature 活动积温: the sum of T on days with T >= base.

    Parameters
    ----------
    tmean : ndarray, shape (day,)
        Daily mean temperature [C]. NaN (a missing day) makes the sum NaN.
    base : float
        Lower limit [C].

    Returns
    -------
    float
        [C.d]
    """
    if np.isnan(tmean).any():
        return float("nan")
    return float(tmean[tmean >= base].sum())


def effective_sum(tmean: Floats, base: float = BASE) -> float:
    """Effective accumulated temperature 有效积温: the sum of T - base on days with T >= base.

    Parameters and result as for `active_sum` [C.d].
    """
    if np.isnan(tmean).any():
        return float("nan")
    return float((tmean[tmean >= base] - base).sum())


def growing_degrees(tmin: Floats, tmax: Floats, base: float = BASE, cap: float = CAP) -> Floats:
    """Growing degrees of each day by the 86/50 method (ortez2023, karhoff2023).

    Parameters
    ----------
    tmin, tmax : ndarray
        Daily minimum and maximum [C], same shape.
    base, cap : float
        Both temperatures are brought into [base, cap] before their mean [C].

    Returns
    -------
    ndarray
        [C.d] per day, same shape.
    """
    low, high = np.clip(tmin, base, cap), np.clip(tmax, base, cap)
    degrees: Floats = (low + high) / 2 - base
    return degrees


def from_fahrenheit_units(units: float) -> float:
    """Convert heat units of Fahrenheit degrees to Celsius degrees: 110 F-GDU = 61.1 C-GDU."""
    return units * PER_FAHRENHEIT_DEGREE


def running_mean(values: Floats, days: int = 5) -> Floats:
    """Mean of each run of `days` consecutive values (五日滑动平均), shape (day - days + 1,).

    Element i covers days i .. i + days - 1; NaN inside a window makes that mean NaN.
    """
    if len(values) < days:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(values, days)
    means: Floats = windows.mean(axis=1)
    return means


def longest_run(mask: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Return the half-open bounds of the longest (the first of equals) run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    if len(edges) == 0:
        return None
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best])


def stable_passing(tmean: Floats, base: float = BASE, days: int = 5) -> tuple[int, int] | None:
    """First and last day of the stable passing of a temperature (wudaj: 五日滑动平均法).

    Of the longest run of five-day means >= base take the first window and in it the first
    day >= base; in the last window the last day >= base.

    Parameters
    ----------
    tmean : ndarray, shape (day,)
        Daily means of one year [C].

    Returns
    -------
    tuple of int or None
        Indices of both days, both inside; None when the base is never passed.
    """
    run = longest_run(running_mean(tmean, days) >= base)
    if run is None:
        return None
    first, last = run[0], run[1] - 1 + days - 1
    # a mean >= base has at least one day >= base in its window, so both searches end
    first += int(np.argmax(tmean[first : first + days] >= base))
    last -= int(np.argmax(tmean[last - days + 1 : last + 1][::-1] >= base))
    return first, last


def fill_gaps(values: Floats, longest: int = 3) -> Floats:
    """Interpolate gaps of at most `longest` days; longer gaps and both ends stay NaN."""
    hole = np.isnan(values)
    if not hole.any() or hole.all():
        return values
    filled = values.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hole.astype(np.int8), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start <= longest and start > 0 and end < len(values):
            filled[start:end] = np.interp(
                np.arange(start, end), [start - 1, end], [values[start - 1], values[end]]
            )
    return filled


@dataclass(frozen=True, slots=True)
class HeatSum:
    """Heat of one season between the first and last day of its stable period.

    Attributes
    ----------
    active, effective : float
        [C.d]
    first, last : int
        Day indices, both inside.
    """

    active: float
    effective: float
    first: int
    last: int


def heat_sum(tmean: Floats, base: float = BASE) -> HeatSum | None:
    """Sum the heat of one year over its stable period >= base; None when there is none."""
    span = stable_passing(tmean, base)
    if span is None:
        return None
    season = tmean[span[0] : span[1] + 1]
    return HeatSum(active_sum(season, base), effective_sum(season, base), *span)
