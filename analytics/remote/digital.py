"""Digital numbers: from stored integers to reflectance and index values, and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# int16 numbers: value = DN * 1e-4, so NDVI keeps 1e-4 where its noise is about 1e-2
NUMBER_SCALE = 1e-4
NUMBER_NODATA = -32768
# uint8 display codes: 0 = nodata, 1..255 spans low..high
DISPLAY_STEPS = 254


@dataclass(frozen=True, slots=True)
class Calibration:
    """reflectance = (DN + offset) * scale; DN 0 and the saturation code carry no value.

    Attributes
    ----------
    scale : float
        Reflectance per DN [1]; 1e-4 for Sentinel-2 L2A (quantification value 10000).
    offset : float
        Added to the DN first; -1000 for Sentinel-2 from processing baseline 04.00.
    """

    scale: float = 1e-4
    offset: float = 0.0


# Sentinel-2 L2A special values (MTD_MSIL2A.xml, Special_Values): NODATA 0, SATURATED 65535
NODATA_DN = 0
SATURATED_DN = 65535


def has_value(dn: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Tell which digital numbers carry a measured value (float NaN does not)."""
    measured: NDArray[np.bool_] = (dn != NODATA_DN) & (dn != SATURATED_DN)
    return measured & ~np.isnan(dn) if dn.dtype.kind == "f" else measured


def reflectance(dn: NDArray[np.generic], calibration: Calibration) -> NDArray[np.float32]:
    """Surface reflectance [1] of digital numbers; NaN where they carry no value."""
    values = dn.astype(np.float32)
    values += np.float32(calibration.offset)
    values *= np.float32(calibration.scale)
    values[~has_value(dn)] = np.nan
    return values


def numbers(values: NDArray[np.floating], scale: float = NUMBER_SCALE) -> NDArray[np.int16]:
    """Code values as int16 numbers, NaN as `NUMBER_NODATA`; within -3.2..3.2 at x 1e4."""
    whole = np.rint(np.nan_to_num(values, nan=0.0) / scale)
    scaled: NDArray[np.int16] = whole.astype(np.int16)
    scaled[np.isnan(values)] = NUMBER_NODATA
    return scaled


def display(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """Code values as uint8: 0 where NaN, else 1..255 over ``low``..``high``, clipped."""
    steps = (values - low) * (DISPLAY_STEPS / (high - low)) + 1.5
    np.clip(steps, 1, 1 + DISPLAY_STEPS, out=steps)
    return np.where(np.isnan(steps), 0, steps).astype(np.uint8)
