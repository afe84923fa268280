"""Steps: changes faster than the quantity, or this series, can change."""

import numpy as np
from numpy.typing import NDArray

from analytics.quality.limits import StepLimit
from analytics.quality.rolling import REACH, usual, windows
from models.reading import Quality

Floats = NDArray[np.float64]
Flags = NDArray[np.int16]
_RETURN = 0.5  # the step back differs from the step there by less than this share of it
_HALF = 0.6  # of what makes a step: enough for the other end of one


def unshared(change: Floats, near: NDArray[np.bool_]) -> Floats:
    """Return the part of each change that its four neighbours do not share.

    A morning's warming is a change like those beside it; a step is not. What is left of a
    change without the median of two changes on either side.

    Parameters
    ----------
    change : ndarray, shape (n,)
        From each value to the next, any unit.
    near : ndarray of bool, shape (n,)
        Whether the two values are neighbours in time; a change over a gap counts as none.

    Returns
    -------
    ndarray, shape (n,)
        Same unit, signed; 0 where less than half of it is a change at all.
    """
    around = windows(np.where(near, change, np.nan), 2)[:, [0, 1, 3, 4]]
    ordered = np.sort(around, axis=1)  # NaN last
    n = np.count_nonzero(~np.isnan(ordered), axis=1)
    rows = np.arange(len(change))
    middle = (ordered[rows, np.maximum(n - 1, 0) // 2] + ordered[rows, n // 2]) / 2
    left = change - np.where(n > 0, middle, 0.0)
    return np.where(near & (2 * np.abs(change) >= np.abs(left)), left, 0.0)


def step_flags(hours: Floats, value: Floats, usual_hours: Floats, limit: StepLimit) -> Flags:
    """Flag the first value after a step, and all of an excursion that steps back.

    A change is a step when it exceeds what the quantity can do in the time between, which
    short intervals do not divide (a front passes in minutes); or when it exceeds k times the
    usual change of 24 neighbours on either side, and the smallest one worth a flag. When a
    later step, within 24 values, returns to the level before, the values between are the
    fault and the return is not.

    Parameters
    ----------
    hours : ndarray, shape (n,)
        Time [h], rising.
    value : ndarray, shape (n,)
        Canonical unit; no value that was flagged by itself.
    usual_hours : ndarray, shape (n,)
        Usual interval around each value [h].
    limit : StepLimit
        Same unit, rate per hour.

    Returns
    -------
    ndarray of int16, shape (n,)
        `Quality.STEP` or 0.
    """
    if len(value) < 2:
        return np.zeros(len(value), np.int16)
    change, dt = np.diff(value), np.diff(hours)
    near = dt <= 3 * usual_hours[1:]
    jump = np.where(near, unshared(change, near), change)
    least = np.where(jump > 0, limit.rise, limit.fall)
    uncommon = np.where(near, limit.k * usual(np.where(near, np.abs(jump), np.nan)), np.inf)
    possible = np.minimum(np.maximum(limit.sudden, limit.rate * dt), limit.most)
    return _marked(jump, np.abs(jump) / np.minimum(np.maximum(least, uncommon), possible))


def _marked(jump: Floats, strength: Floats) -> Flags:
    """Mark the first value of each step, or the whole excursion that a later step ends."""
    flags = np.zeros(len(jump) + 1, np.int16)
    places = np.flatnonzero(strength > _HALF)
    for at in places[strength[places] <= 1].tolist():
        begun = _begun(jump, strength, places, at)
        if begun >= 0:
            flags[begun + 1 : at + 1] = Quality.STEP
    for at in places[strength[places] > 1].tolist():
        begun = _begun(jump, strength, places, at)
        flags[(at if begun < 0 else begun) + 1 : at + 1 + (begun < 0)] = Quality.STEP
    return flags


def _begun(jump: Floats, strength: Floats, places: NDArray[np.intp], last: int) -> int:
    """Find the step that the one at ``last`` takes back, or -1.

    Looks back two reaches only, so that a value's flag has a bounded neighbourhood.
    """
    open_: list[int] = []
    undone = -1
    first, end = np.searchsorted(places, (last - 2 * REACH, last + 1))
    for at in places[first:end].tolist():
        begun = [b for b in open_ if _returns(jump, strength, b, at)]
        undone = begun[-1] if begun else -1
        open_ = open_[: open_.index(undone)] if begun else [*open_, at]
    return undone


def _returns(jump: Floats, strength: Floats, begun: int, at: int) -> bool:
    """Tell whether the step at ``at`` takes back the one at ``begun``.

    The jumps are compared, not the levels: a day's course goes on below an offset. One of
    the two must be beyond doubt; when only one is, they must be the more alike.
    """
    weak, strong = sorted((strength[begun], strength[at]))
    share = _RETURN if weak > 1 else _RETURN / 2
    back = abs(jump[begun] + jump[at]) <= share * abs(jump[begun])
    return bool(back) and at - begun <= REACH and strong > 1
