"""Smoothing and gap filling of a series of an index; what is filled is marked as filled."""

from math import prod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def whittaker(
    series: NDArray[np.floating], strength: float = 10.0
) -> tuple[Floats, NDArray[np.bool_]]:
    """Smooth with the Whittaker smoother (Eilers 2003, eq. 5), second differences.

    Minimises sum w (y - z)^2 + strength * sum (second difference of z)^2, with w = 0 where y
    is missing. Nothing is said before the first and after the last observation: a smoother
    would run on in a straight line, and past today that is a forecast.

    Parameters
    ----------
    series : ndarray of float (time, ...)
        Evenly spaced in time, NaN where missing.
    strength : float
        lambda of Eilers; 10 follows a ten-day series of a crop season.

    Returns
    -------
    smoothed : ndarray of float64 (time, ...)
        NaN outside of the observations, and where there are fewer than three.
    filled : ndarray of bool (time, ...)
        True where the value is interpolated.
    """
    given = np.asarray(series, np.float64)
    length, shape = given.shape[0], given.shape[1:]
    flat = given.reshape(length, prod(shape))
    seen = np.isfinite(flat)
    enough = seen.sum(axis=0) >= 3
    smoothed = np.full_like(flat, np.nan)
    if length >= 3 and enough.any():
        smoothed[:, enough] = _solved(flat[:, enough], seen[:, enough], strength)
    smoothed[~_between(seen)] = np.nan
    filled = ~seen & np.isfinite(smoothed)
    return smoothed.reshape(length, *shape), filled.reshape(length, *shape)


def _between(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the span from the first to the last observation of each column."""
    begun = np.logical_or.accumulate(seen, axis=0)
    unended = np.logical_or.accumulate(seen[::-1], axis=0)[::-1]
    return begun & unended


def _solved(values: Floats, seen: NDArray[np.bool_], strength: float) -> Floats:
    """Solve the pentadiagonal systems of all columns at once (LDL', no pivoting needed)."""
    length, columns = values.shape
    weight = seen.astype(np.float64)
    main, first, second = _penalty(length)
    d = np.empty((length, columns))
    e = np.zeros((length, columns))
    f = np.zeros((length, columns))
    z = np.empty((length, columns))
    target = np.where(seen, values, 0.0) * weight
    for i in range(length):
        d[i] = weight[i] + strength * main[i]
        z[i] = target[i]
        upper = np.full(columns, strength * first[i])
        if i >= 1:
            d[i] -= d[i - 1] * e[i - 1] ** 2
            upper -= d[i - 1] * e[i - 1] * f[i - 1]
            z[i] -= e[i - 1] * z[i - 1]
        if i >= 2:
            d[i] -= d[i - 2] * f[i - 2] ** 2
            z[i] -= f[i - 2] * z[i - 2]
        e[i] = upper / d[i]
        f[i] = strength * second[i] / d[i]
    z /= d
    for i in range(length - 2, -1, -1):
        z[i] -= e[i] * z[i + 1]
        if i + 2 < length:
            z[i] -= f[i] * z[i + 2]
    return z


def _penalty(length: int) -> tuple[Floats, Floats, Floats]:
    """Return the three upper diagonals of D'D for second differences, padded with zeros."""
    difference = np.diff(np.eye(length), n=2, axis=0)
    matrix = difference.T @ difference
    pad = [np.concatenate([np.diagonal(matrix, k), np.zeros(k)]) for k in range(3)]
    return pad[0], pad[1], pad[2]
