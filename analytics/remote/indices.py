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


def ratio_within(numerator: Array, denominator: Array, low: float, high: float) -> Array:
    """Divide; NaN where the denominator is not positive or the result leaves low..high.

    Parameters
    ----------
    numerator, denominator : ndarray of float
        Unitless.
    low, high : float
        What the index can be over land and water lit by the sun; beyond it a reflectance is
        spoilt, and the value a gap.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = numerator / denominator
        ratio[~((denominator > 0) & (ratio >= low) & (ratio <= high))] = np.nan
    return ratio.astype(np.float32, copy=False)


def evi(blue: Array, red: Array, nir: Array) -> Array:
    """Enhanced vegetation index (Huete et al. 2002), gain 2.5, coefficients 6, 7.5, 1."""
    return ratio_within(2.5 * (nir - red), nir + 6 * red - 7.5 * blue + 1, -1, 2)


def evi2(red: Array, nir: Array) -> Array:
    """Two-band enhanced vegetation index (Jiang et al. 2008), gain 2.5, coefficient 2.4."""
    return ratio_within(2.5 * (nir - red), nir + 2.4 * red + 1, -1, 2)


def savi(red: Array, nir: Array) -> Array:
    """Soil-adjusted vegetation index (Huete 1988) with L = 0.5."""
    return ratio_within(1.5 * (nir - red), nir + red + 0.5, -1, 1.5)


def ndwi(green: Array, nir: Array) -> Array:
    """Normalised difference water index (McFeeters 1996): open water is above 0."""
    return normalised_difference(green, nir)


def mndwi(green: Array, swir1: Array) -> Array:
    """Compute the modified water index (Xu 2006): above 0 open water, below it bare soil."""
    return normalised_difference(green, swir1)


def ndmi(nir: Array, swir1: Array) -> Array:
    """Normalised difference moisture index (Wilson and Sader 2002); LSWI is the same."""
    return normalised_difference(nir, swir1)


def ndre(rededge1: Array, nir: Array) -> Array:
    """Normalised difference red edge (Gitelson and Merzlyak 1994): leaf nitrogen, dense canopy."""
    return normalised_difference(nir, rededge1)


def gndvi(green: Array, nir: Array) -> Array:
    """Green normalised difference vegetation index (Gitelson et al. 1996)."""
    return normalised_difference(nir, green)


def bsi(blue: Array, red: Array, nir: Array, swir1: Array) -> Array:
    """Bare soil index (Rikimaru et al. 2002): bare ground is above 0."""
    return normalised_difference(swir1 + red, nir + blue)


INDICES: dict[str, Index] = {
    one.key: one
    for one in (
        Index("ndvi", ("red", "nir"), ndvi),
        Index("evi", ("blue", "red", "nir"), evi),
        Index("evi2", ("red", "nir"), evi2),
        Index("savi", ("red", "nir"), savi),
        Index("ndwi", ("green", "nir"), ndwi),
        Index("mndwi", ("green", "swir1"), mndwi),
        Index("ndmi", ("nir", "swir1"), ndmi),
        Index("ndre", ("rededge1", "nir"), ndre),
        Index("gndvi", ("green", "nir"), gndvi),
        Index("bsi", ("blue", "red", "nir", "swir1"), bsi),
    )
}


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
