"""Statistics of a value's neighbourhood in its own series, by count of readings."""

import warnings

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
REACH = 24  # readings on either side: a day of an hourly logger, so day and night both count


def windows(values: Floats, reach: int) -> Floats:
    """View each value with ``reach`` others on either side, NaN beyond the ends, as (n, 2r+1)."""
    edge = np.full(reach, np.nan)
    view: Floats = sliding_window_view(np.concatenate((edge, values, edge)), 2 * reach + 1)
    return view


def usual(values: Floats, share: float = 0.9, reach: int = REACH) -> Floats:
    """Return the quantile ``share`` of each value's neighbourhood; 0 where there is none.

    A fault is rare among 49 neighbours, so the ninth decile is what is usual here; a median
    would be 0 for every series that changes less than half the time.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a window of NaN only
        found = _quantile(windows(values, reach), share)
    known: Floats = np.where(np.isnan(found), 0.0, found)
    return known


def _quantile(window: Floats, share: float) -> Floats:
    """Take the lower quantile of each row without its NaN: sorting puts them last."""
    ordered = np.sort(window, axis=1)
    n = np.count_nonzero(~np.isnan(ordered), axis=1)
    place = np.floor(share * np.maximum(n - 1, 0)).astype(np.intp)
    found: Floats = ordered[np.arange(len(ordered)), place]
    return found
