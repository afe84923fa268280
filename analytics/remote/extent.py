"""Where there is open water, and where the ground is bare: 1 or 0 for each pixel.

The mean over a field or a county is then the share that is flooded, or not yet covered. The
thresholds are those of the indices' authors; a pixel is one thing or the other, so that a share
errs by up to half a pixel along every shore.
"""

import numpy as np
from numpy.typing import NDArray

from analytics.remote.indices import bsi, ndwi

Array = NDArray[np.float32]

WATER_ABOVE = 0.0  # McFeeters (1996)
BARE_ABOVE = 0.0  # Rikimaru et al. (2002)


def _above(index: Array, threshold: float) -> Array:
    said = np.where(index > threshold, 1, 0).astype(np.float32)
    said[np.isnan(index)] = np.nan
    return said


def water(green: Array, nir: Array) -> Array:
    """Tell open water: NDWI above 0; NaN where the index is undefined."""
    return _above(ndwi(green, nir), WATER_ABOVE)


def bare(blue: Array, red: Array, nir: Array, swir1: Array) -> Array:
    """Tell bare ground: bare soil index above 0; NaN where the index is undefined."""
    return _above(bsi(blue, red, nir, swir1), BARE_ABOVE)
