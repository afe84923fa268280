"""Fewer points of a long series that draw the same line, none of its extremes lost."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.reading import BAD

Method = Literal["lttb", "minmax"]
FEWEST = 8  # first, last, and the extremes and a flag of at least one stretch
Indices = NDArray[np.intp]


def thinned(
    time: NDArray[np.int64],
    value: NDArray[np.float64],
    quality: NDArray[np.int16],
    points: int,
    method: Method,
) -> Indices:
    """Choose at most ``points`` readings of a series.

    The first and the last one stay. The span is cut into equal stretches, and of each the
    smallest and the largest good value stay, and one flagged reading where there is any,
    so that neither a peak nor a fault disappears. With ``lttb`` half of the points go to
    the largest triangles (Steinarsson 2013, Downsampling time series for visual
    representation, section 4.2), which keep the shape between the extremes.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Ascending, microseconds.
    value : ndarray of float64, shape (n,)
    quality : ndarray of int16, shape (n,)
        Bits of `models.reading.Quality`.
    points : int
        At least `FEWEST`.
    method : {"lttb", "minmax"}

    Returns
    -------
    ndarray of intp, shape (m,)
        Ascending positions, m <= points.
    """
    n = len(time)
    if n <= points:
        return np.arange(n)
    flagged = np.flatnonzero(quality)
    good = np.flatnonzero(quality & BAD == 0)
    of_stretch = 3 if len(flagged) else 2
    spare = points - 2
    stretches = (spare if method == "minmax" else spare // 2) // of_stretch
    chosen = [np.array([0, n - 1]), *_extremes(time, value, good, stretches)]
    chosen.append(_first_flagged(time, quality, flagged, stretches))
    if method == "lttb":
        room = spare - stretches * of_stretch
        chosen.append(good[largest_triangles(time[good], value[good], room)])
    return np.unique(np.concatenate(chosen))


def _stretch(time: NDArray[np.int64], at: Indices, stretches: int) -> Indices:
    """Tell in which stretch of the span each reading lies."""
    span = max(1, int(time[-1] - time[0]))
    share: NDArray[np.float64] = (time[at] - time[0]) / span
    return np.minimum(share * stretches, stretches - 1).astype(np.intp)


def _extremes(
    time: NDArray[np.int64], value: NDArray[np.float64], good: Indices, stretches: int
) -> list[Indices]:
    if len(good) == 0:
        return []
    begins = np.flatnonzero(np.diff(_stretch(time, good, stretches), prepend=-1))
    ends = [*begins[1:], len(good)]
    parts = list(zip(begins, ends, strict=True))
    of_good = value[good]
    low = [a + int(of_good[a:b].argmin()) for a, b in parts]
    high = [a + int(of_good[a:b].argmax()) for a, b in parts]
    return [good[low], good[high]]


def _first_flagged(
    time: NDArray[np.int64], quality: NDArray[np.int16], flagged: Indices, stretches: int
) -> Indices:
    """Choose the first flagged reading of each stretch, one that does not count before others."""
    where = _stretch(time, flagged, stretches)
    fair = quality[flagged] & BAD == 0
    order = np.lexsort((flagged, fair, where))
    _, first = np.unique(where[order], return_index=True)
    return flagged[order[first]]


def largest_triangles(time: NDArray[np.int64], value: NDArray[np.float64], points: int) -> Indices:
    """Largest-Triangle-Three-Buckets of Steinarsson (2013), section 4.2.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Ascending, microseconds.
    value : ndarray of float64, shape (n,)
    points : int
        At least 3.

    Returns
    -------
    ndarray of intp, shape (min(n, points),)
        Ascending positions, the first and the last among them.
    """
    n = len(time)
    if n <= points:
        return np.arange(n)
    # seconds from the start: microseconds since 1970 squared leave the range of a double
    x = (time - time[0]) / 1e6
    edges = np.floor(np.arange(points - 1) * ((n - 2) / (points - 2))).astype(np.intp) + 1
    ends = np.append(edges[1:], n)
    sizes = ends - edges
    mean_x = np.add.reduceat(x, edges) / sizes
    mean_y = np.add.reduceat(value, edges) / sizes
    chosen = np.zeros(points, np.intp)
    chosen[-1] = n - 1
    at = 0
    for i in range(points - 2):
        a, b = edges[i], edges[i + 1]
        run, rise = x[at] - mean_x[i + 1], mean_y[i + 1] - value[at]
        area = np.abs(run * (value[a:b] - value[at]) - (x[at] - x[a:b]) * rise)
        at = a + int(area.argmax())
        chosen[i + 1] = at
    return chosen
