"""Spectral indices from surface reflectance.

Every index takes float arrays of surface reflectance, unitless, of any equal shape, and
returns NaN where it is undefined. Names and formulas follow the Awesome Spectral Indices
catalogue (Montero et al. 2023, doi:10.1038/s41597-023-02096-0).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import NotFound

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its name, the roles of the bands it takes in order, and its formula."""

    key: str
    bands: tuple[str, ...]
    formula: Callable[..., Array]


def normalised_difference(high: Array, low: Array) -> Array:
    """Return (high - low) / (high + low), NaN where the result would leave -1..1.

    Atmospheric correction can leave slightly negative reflectances over water and shadow.
    With one of them negative the ratio runs away (0.02 and -0.01 give 3.0), so the index
    is undefined there: a gap, not an extreme.

    Parameters
    ----------
    high, low : ndarray of float
        Surface reflectance [1] of the band that raises and of the band that lowers it.

    Returns
    -------
    ndarray of float32
        Index [1] in -1..1, or NaN.
    """
    total = high + low
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (high - low) / total
    ratio[~((total > 0) & (np.abs(ratio) <= 1))] = np.nan
    return ratio


def ndvi(red: Array, nir: Array) -> Array:
    """Normalised difference vegetation index (Rouse et al. 1974): (nir - red) / (nir + red).

    Parameters
    ----------
    red, nir : ndarray of float
        Surface reflectance [1].

    Returns
    -------
    ndarray of float32
        NDVI [1] in -1..1, NaN where undefined.
    """
    return normalised_difference(nir, red)


INDICES: dict[str, Index] = {"ndvi": Index("ndvi", ("red", "nir"), ndvi)}


def index(key: str) -> Index:
    """Look an index up.

    Raises
    ------
    NotFound
        No index of that name is computed.
    """
    try:
        return INDICES[key]
    except KeyError:
        raise NotFound(noun="index", key=key) from None
