"""Which pixels of a scene may speak.

The Sentinel-2 scene classification (SCL) of Level-2A, codes from the product
specification document S2-PDGS-TAS-DI-PSD:

0 no data, 1 saturated or defective, 2 dark area / cast shadow, 3 cloud shadow,
4 vegetation, 5 not vegetated, 6 water, 7 unclassified, 8 cloud medium probability,
9 cloud high probability, 10 thin cirrus, 11 snow or ice.
"""

import numpy as np
from numpy.typing import NDArray

# 2 is kept. Since baseline 04.00 it is "cast shadow" of terrain, before "dark area pixels";
# over the Songnen plain it is mostly wet black soil after the thaw and open water, which are
# just what a sowing decision looks at, and NDVI as a ratio bears even illumination loss.
# Cloud shadow has a code of its own (3).
KEPT = (2, 4, 5, 6, 7)
MASKED = (0, 1, 3, 8, 9, 10, 11)
# what a person calls cloud: shadow, medium, high, cirrus
CLOUD = (3, 8, 9, 10)

SCL_MASK = "scl-1 (keeps 2,4,5,6,7; masks 0,1,3,8,9,10,11)"
NODATA_ONLY = "nodata only (the source has no scene classification)"


def _table(codes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a 256-entry table that is true at the codes; unknown codes stay false."""
    table = np.zeros(256, np.bool_)
    table[list(codes)] = True
    return table


_KEPT_TABLE = _table(KEPT)
_CLOUD_TABLE = _table(CLOUD)


def clear(scl: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which pixels the classification lets through; an unknown code does not pass."""
    return _KEPT_TABLE[scl]


def cloudy(scl: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which pixels lie under cloud, cirrus or cloud shadow."""
    return _CLOUD_TABLE[scl]


def nearest(
    coarse: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp], ratio: int
) -> NDArray[np.uint8]:
    """Sample a coarser class raster at fine pixels by the class that covers each of them.

    Classes are never averaged: the mean of cloud (9) and vegetation (4) would be water (6).

    Parameters
    ----------
    coarse : ndarray (y, x)
        Classes on the coarse grid, which shares its origin with the fine one.
    rows, columns : ndarray
        Fine pixel rows and columns.
    ratio : int
        Fine pixels per coarse pixel along one side (2 for 20 m under 10 m).
    """
    return coarse[np.ix_(rows // ratio, columns // ratio)]
