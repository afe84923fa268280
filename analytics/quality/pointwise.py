"""Checks of a value by itself, made for a whole batch when it arrives."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.quality.limits import Limits
from analytics.quality.ranges import range_flags
from models.reading import Quality

Floats = NDArray[np.float64]
Flags = NDArray[np.int16]
_NEAR = 1e-6  # relative: a code that came as a 32-bit float, 655.35 as 655.3499755859375


def matches(raw: Floats, codes: Floats) -> NDArray[np.intp]:
    """Find the code that each value is, up to the rounding of a 32-bit float.

    Parameters
    ----------
    raw : ndarray, shape (n,)
        As sent, in the unit of the sender.
    codes : ndarray, shape (m,)
        Sorted.

    Returns
    -------
    ndarray, shape (n,)
        Position in ``codes``, or -1.
    """
    if len(codes) == 0:
        return np.full(len(raw), -1)
    above = np.clip(np.searchsorted(codes, raw), 1, max(len(codes) - 1, 1))
    above = np.minimum(above, len(codes) - 1)
    below = np.maximum(above - 1, 0)
    with np.errstate(invalid="ignore", over="ignore"):
        nearest = np.where(np.abs(raw - codes[below]) < np.abs(raw - codes[above]), below, above)
        close = np.abs(raw - codes[nearest]) <= _NEAR * np.abs(codes[nearest])
    return np.where(close, nearest, -1)


def saturation_flags(value: Floats, low: Floats, high: Floats, beyond: NDArray[np.bool_]) -> Flags:
    """Flag values pinned at the end of their probe.

    Parameters
    ----------
    value : ndarray, shape (n,)
        Canonical unit.
    low, high : ndarray, shape (n,)
        Ends of the probe, same unit; infinite where it has none.
    beyond : ndarray of bool, shape (n,)
        Values outside the plausible range: no probe stands there, unless exactly at its end.
    """
    at_end = (value == low) | (value == high)
    past = ((value <= low) | (value >= high)) & ~beyond
    return np.where(at_end | past, Quality.SATURATED, Quality.GOOD).astype(np.int16)


class PointLimits:
    """Limits of many sorts of datastreams, compiled so that one call judges a mixed batch.

    Parameters
    ----------
    sorts : sequence of Limits
        A reading names its own by position.
    """

    def __init__(self, sorts: Sequence[Limits]) -> None:
        self.low = np.array([s.low for s in sorts], float)
        self.high = np.array([s.high for s in sorts], float)
        self._pinned_low = np.array([s.saturated_low for s in sorts], float)
        self._pinned_high = np.array([s.saturated_high for s in sorts], float)
        self._codes = np.unique([c for s in sorts for c in (*s.sentinels, *s.codes)]).astype(float)
        self._always = np.array([np.isin(self._codes, s.sentinels) for s in sorts], bool)
        self._outside = np.array([np.isin(self._codes, s.codes) for s in sorts], bool)

    def flags(
        self, sort: NDArray[np.integer], raw: Floats, measured: Floats, value: Floats
    ) -> Flags:
        """Flag RANGE, SENTINEL and SATURATED.

        Parameters
        ----------
        sort : ndarray of int, shape (n,)
            Position of each reading's limits.
        raw : ndarray, shape (n,)
            As sent: codes are compared before any conversion.
        measured : ndarray, shape (n,)
            Canonical unit, before calibration: a probe's scale ends where it ends.
        value : ndarray, shape (n,)
            Canonical unit, calibrated.
        """
        low, high = self.low[sort], self.high[sort]
        flags = range_flags(value, low, high)
        beyond = ~((measured >= low) & (measured <= high))
        ends = self._pinned_low[sort], self._pinned_high[sort]
        flags |= saturation_flags(measured, *ends, beyond)
        code = matches(raw, self._codes)
        at = np.flatnonzero(code >= 0)
        if len(at):
            which, number = sort[at], code[at]
            meant = self._always[which, number] | (self._outside[which, number] & beyond[at])
            flags[at[meant]] |= np.int16(Quality.SENTINEL)
        return flags
