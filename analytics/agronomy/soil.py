"""Soil rules for sowing: warmth at seed depth and workability."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# volumetric field capacity by texture [m3/m3], low and high end. Source: FAO-56 Table 19,
# mark R (recalled; the table could not be opened), so advice that uses it says so
FIELD_CAPACITY: dict[str, tuple[float, float]] = {
    "sand": (0.07, 0.17),
    "loamy sand": (0.11, 0.19),
    "sandy loam": (0.18, 0.28),
    "loam": (0.20, 0.30),
    "silt loam": (0.22, 0.36),
    "silty clay loam": (0.30, 0.37),
    "silty clay": (0.30, 0.42),
    "clay": (0.32, 0.40),
}
# names in soil descriptions -> texture of the table, or None: a class the table leaves out
# must not be taken for the shorter name inside it (clay loam is no loam)
_NAMES: dict[str, str | None] = {
    **{name: name for name in FIELD_CAPACITY},
    "clay loam": None,
    "sandy clay": None,
    "黏壤土": None,
    "砂黏土": None,
    "砂土": "sand",
    "壤砂土": "loamy sand",
    "砂壤土": "sandy loam",
    "壤土": "loam",
    "粉壤土": "silt loam",
    "粉质黏壤土": "silty clay loam",
    "粉质黏土": "silty clay",
    "黏土": "clay",
}
_LONGEST_FIRST = sorted(_NAMES, key=len, reverse=True)
# no texture known: a measured silt-loam A horizon, 0.32. Source: pmc3990416
DEFAULT_FIELD_CAPACITY = 0.32


class Moisture(StrEnum):
    """State of the seedbed."""

    DRY = "dry"
    FIT = "fit"
    WET = "wet"


def run_at_end(daily: Floats, threshold: float) -> int:
    """Count the consecutive days at or above a temperature up to the last day.

    Parameters
    ----------
    daily : ndarray, shape (day,)
        Daily means [C], oldest first; a missing day ends the run.
    """
    warm = daily[::-1] >= threshold
    return int(len(warm) if warm.all() else np.argmin(warm))


def field_capacity_of(soil: str | None) -> tuple[float, str | None]:
    """Field capacity [m3/m3] of a soil named in words, and the texture it was taken for."""
    words = (soil or "").lower()
    texture = next((_NAMES[name] for name in _LONGEST_FIRST if name in words), None)
    if texture is None:
        return DEFAULT_FIELD_CAPACITY, None
    low, high = FIELD_CAPACITY[texture]
    return round((low + high) / 2, 3), texture


def moisture_state(share: float, dry_below: float, wet_above: float) -> Moisture:
    """Class the seedbed by its water as a share of field capacity (0..1 and above)."""
    if share < dry_below:
        return Moisture.DRY
    return Moisture.WET if share > wet_above else Moisture.FIT
