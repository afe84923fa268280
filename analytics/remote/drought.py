"""Vegetation drought indices against the extremes of the years on record."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LEAST_YEARS = 5
# Kogan (1995, 2001): under 10 extreme, 20 severe, 30 moderate, 40 mild drought
CLASS_LIMITS = (10.0, 20.0, 30.0, 40.0)
CLASSES = (
    (1, "特旱", "extreme drought"),
    (2, "重旱", "severe drought"),
    (3, "中旱", "moderate drought"),
    (4, "轻旱", "mild drought"),
    (5, "无旱", "no drought"),
)


def _position(present: Floats, record: Floats) -> Floats:
    """Return where the present lies between the extremes of the record, percent, clipped.

    NaN with fewer than five years, or where the record does not vary.
    """
    known = np.isfinite(record)
    low = np.where(known, record, np.inf).min(axis=0)
    high = np.where(known, record, -np.inf).max(axis=0)
    said = (known.sum(axis=0) >= LEAST_YEARS) & (high > low) & np.isfinite(present)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(100 * (present - low) / (high - low), 0, 100)
    return np.where(said, share, np.nan).astype(np.float32)


def vci(ndvi: Floats, record: Floats) -> Floats:
    """Vegetation condition index (Kogan 1990): 100 (NDVI - min) / (max - min).

    Parameters
    ----------
    ndvi : ndarray of float32 (...)
        Of the period; NaN where unknown.
    record : ndarray of float32 (year, ...)
        Of the same period of the years on record.

    Returns
    -------
    ndarray of float32 (...)
        Percent; NaN with fewer than five years.
    """
    return _position(ndvi, record)


def tci(temperature: Floats, record: Floats) -> Floats:
    """Temperature condition index (Kogan 1995): 100 (max - T) / (max - min).

    Parameters as `vci`, with the temperature of the surface [K or C].
    """
    return (100 - _position(temperature, record)).astype(np.float32)


def vhi(vci_pct: Floats, tci_pct: Floats) -> Floats:
    """Vegetation health index (Kogan 1995): the mean of VCI and TCI, percent."""
    return ((vci_pct + tci_pct) / 2).astype(np.float32)


def drought_class(percent: Floats) -> NDArray[np.uint8]:
    """Class 1..5 of `CLASSES`; 0 where unknown."""
    classes = 1 + np.digitize(np.nan_to_num(percent), CLASS_LIMITS)
    return np.where(np.isfinite(percent), classes, 0).astype(np.uint8)
