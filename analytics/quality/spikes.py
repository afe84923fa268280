"""Spikes: one to three values that stand out from both sides and return."""

import numpy as np
from numpy.typing import NDArray

from analytics.quality.limits import SpikeLimit
from analytics.quality.rolling import usual
from models.reading import Quality

Floats = NDArray[np.float64]
Flags = NDArray[np.int16]
WIDEST = 3  # values; a longer excursion is two steps


def prominence(value: Floats, width: int) -> Floats:
    """Return how far each group of ``width`` values stands out from its two flanks.

    Of every group the least distance from the middle of its flanks, less half the distance
    between them: 0 on any slope, any level shift, and for a group on both sides of the middle.

    Source: the spike test of the Argo quality-control manual, |V2 - (V3+V1)/2| - |V3-V1|/2,
    widened to groups.

    Parameters
    ----------
    value : ndarray, shape (n,)
        Any unit.
    width : int
        Values in a group.

    Returns
    -------
    ndarray, shape (n - width - 1,)
        Of the group that begins at the second, third, ... value; same unit.
    """
    before, after = value[: -width - 1], value[width + 1 :]
    middle, half = (before + after) / 2, np.abs(after - before) / 2
    group = np.stack([value[1 + i : len(value) - width + i] - middle for i in range(width)])
    same_side = np.abs(np.sign(group).sum(axis=0)) == width
    return np.where(same_side, np.maximum(np.abs(group).min(axis=0) - half, 0.0), 0.0)


def spike_flags(hours: Floats, value: Floats, usual_hours: Floats, limit: SpikeLimit) -> Flags:
    """Flag spikes: a Hampel identifier on the prominence, with a floor.

    Hampel: an outlier lies more than k robust scales from the robust middle. The middle is
    that of the flanks, which follows a slope; the scale is the ninth decile of the
    prominences of 24 neighbours on either side; the floor is what the sensor cannot resolve,
    or a share of the level where clouds make the level itself uncertain.

    Parameters
    ----------
    hours : ndarray, shape (n,)
        Time [h], rising.
    value : ndarray, shape (n,)
        Canonical unit; no value that was flagged by itself.
    usual_hours : ndarray, shape (n,)
        Usual interval around each value [h]; a flank three intervals away is no flank.
    limit : SpikeLimit
        Same unit.

    Returns
    -------
    ndarray of int16, shape (n,)
        `Quality.SPIKE` or 0.
    """
    flags = np.zeros(len(value), np.int16)
    for width in range(1, WIDEST + 1):
        if len(value) < width + 2:
            break
        stands = prominence(value, width)
        near = hours[width + 1 :] - hours[: -width - 1] <= 3 * width * usual_hours[1:-width]
        returns = np.abs(value[width + 1 :] - value[: -width - 1]) <= stands
        stands = np.where(near & returns, stands, 0.0)
        level = np.maximum(np.abs(value[: -width - 1]), np.abs(value[width + 1 :]))
        least = np.maximum(limit.floor, limit.relative * level)
        high = stands > np.maximum(least, limit.k * usual(stands))
        for place in range(width):
            flags[1 + place : len(value) - width + place][high] = Quality.SPIKE
    return flags
