"""Start, peak and end of the growing season from a smoothed series of an index."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# share of the amplitude at which a season begins and ends (TIMESAT, Jonsson and Eklundh 2004)
THRESHOLD = 0.2
# a smaller rise is no crop: NDVI of bare soil varies by 0.1 with its moisture
LEAST_AMPLITUDE = 0.15


@dataclass(frozen=True, slots=True)
class Season:
    """Days of the season, on the scale of the times given; NaN where there is none.

    Attributes
    ----------
    start, end : ndarray of float64 (...)
        Where the series crosses a fifth of its rise, and of its fall.
    peak : ndarray of float64 (...)
        Day of the highest value.
    amplitude : ndarray of float64 (...)
        Highest value less the higher of the two feet.
    """

    start: Floats
    peak: Floats
    end: Floats
    amplitude: Floats


def season(series: Floats, times: Floats, threshold: float = THRESHOLD) -> Season:
    """Find the season of each pixel.

    Parameters
    ----------
    series : ndarray of float (time, ...)
        One year of a smoothed index; NaN before and after its observations.
    times : ndarray of float (time,)
        Days, rising.
    threshold : float
        Share of the amplitude, 0..1.

    Notes
    -----
    A start is only said where the rise was seen from its foot, an end only where the fall
    has come down to the threshold: in July there is no end yet.
    """
    flat = series.reshape(len(times), prod(series.shape[1:]))
    found = np.full((4, flat.shape[1]), np.nan)
    known = np.isfinite(flat)
    for k in np.flatnonzero(known.sum(axis=0) >= 5):
        found[:, k] = _of_one(flat[known[:, k], k], times[known[:, k]], threshold)
    start, peak, end, amplitude = found.reshape(4, *series.shape[1:])
    return Season(start, peak, end, amplitude)


def _of_one(values: Floats, times: Floats, threshold: float) -> tuple[float, float, float, float]:
    top = int(values.argmax())
    foot = int(values[: top + 1].argmin())
    rise = values[top] - values[foot]
    if rise < LEAST_AMPLITUDE:
        return np.nan, np.nan, np.nan, np.nan
    start = _crossing(values[foot : top + 1], times[foot : top + 1], values[foot], rise, threshold)
    after = values[top:]
    low = int(after.argmin())
    fall = after[0] - after[low]
    end = np.nan
    if fall >= LEAST_AMPLITUDE:
        down, when = after[: low + 1][::-1], times[top : top + low + 1][::-1]
        # the foot of the fall is known only once it has come down as far as the rise went up
        base = min(after[low], values[foot]) if fall < 0.8 * rise else after[low]
        end = _crossing(down, when, base, after[0] - base, threshold)
    amplitude = values[top] - max(values[foot], after[low]) if np.isfinite(end) else rise
    return start, float(times[top]), end, float(amplitude)


def _crossing(values: Floats, times: Floats, base: float, height: float, threshold: float) -> float:
    """Return where rising values cross the threshold; NaN if they start above it."""
    level = base + threshold * height
    above = np.flatnonzero(values >= level)
    if not len(above) or above[0] == 0:
        return float("nan")
    i = int(above[0])
    share = (level - values[i - 1]) / (values[i] - values[i - 1])
    return float(times[i - 1] + share * (times[i] - times[i - 1]))
