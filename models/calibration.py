"""Calibrations by valid-time: a probe's own correction of what it sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Calibration:
    """value = canonical(raw) * gain + bias over [since, until).

    Attributes
    ----------
    since, until : datetime
        Valid-time by phenomenon time; ``until`` None is open.
    gain : float
        Without unit.
    bias : float
        In the canonical unit of the quantity.
    source : str
        Who put it.
    applied : datetime or None
        When the stored readings had all been derived again with it.
    """

    id: int
    datastream_id: int
    since: datetime
    until: datetime | None
    gain: float
    bias: float
    note: str
    source: str
    created: datetime
    applied: datetime | None


def calibrated(
    values: NDArray[np.float64], times: NDArray[np.int64], by: Sequence[Calibration]
) -> NDArray[np.float64]:
    """Apply the calibrations of one datastream; where none is valid the value stays.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Canonical unit, not calibrated.
    times : ndarray of int, shape (n,)
        Phenomenon times, microseconds since 1970-01-01T00:00Z.
    by : sequence of Calibration
        Of the same datastream, not overlapping.
    """
    corrected = values.copy()
    for one in by:
        valid = times >= _micros(one.since)
        if one.until is not None:
            valid &= times < _micros(one.until)
        corrected[valid] = values[valid] * one.gain + one.bias
    return corrected


def _micros(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)
