"""Range check: a value outside the plausible range of its quantity is kept and flagged."""

import numpy as np
from numpy.typing import NDArray

from models.reading import Quality

Floats = NDArray[np.float64]


def range_flags(values: Floats, low: Floats, high: Floats) -> NDArray[np.int16]:
    """Flag values outside [low, high]; the bounds themselves are plausible.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In the canonical unit of each value's quantity.
    low, high : ndarray, shape (n,)
        Plausible range, same unit (`models.quantity.Quantity.low`, ``high``).

    Returns
    -------
    ndarray of int16, shape (n,)
        `Quality.RANGE` or 0; NaN counts as outside.
    """
    plausible = (values >= low) & (values <= high)
    return np.where(plausible, Quality.GOOD, Quality.RANGE).astype(np.int16)
