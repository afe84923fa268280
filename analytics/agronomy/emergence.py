"""From sowing to emergence by growing degrees."""

import numpy as np
from numpy.typing import NDArray

from analytics.agronomy.thermal import from_fahrenheit_units

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# planting to emergence 100-120 F-GDU; the middle, 110, is 61.1 C-GDU.
# Source: schultheis (agronomy reference 3), karhoff2023
EMERGENCE_F_UNITS = (100.0, 120.0)
EMERGENCE_UNITS = from_fahrenheit_units(sum(EMERGENCE_F_UNITS) / 2)


def emergence_day(degrees: Floats, sowing: Ints, need: float = EMERGENCE_UNITS) -> Ints:
    """Season day on which maize sown on each candidate day emerges, in each year.

    Heat counts from the day after sowing. A missing day adds nothing, so a hole can only
    delay emergence. A sowing that never gets its heat emerges "after the season".

    Parameters
    ----------
    degrees : ndarray, shape (year, day)
        Growing degrees of each day [C.d], day 0 = 1 March.
    sowing : ndarray, shape (candidate,)
        Season days.
    need : float
        Heat from sowing to emergence [C.d].

    Returns
    -------
    ndarray, shape (year, candidate)
        Season days; the length of the season where the need is not met.
    """
    total = np.cumsum(np.nan_to_num(degrees), axis=1)
    # 1e-9: a cumulative sum may miss an exact need by its rounding
    target = total[:, sowing] + need - 1e-9
    found = [np.searchsorted(row, goal) for row, goal in zip(total, target, strict=True)]
    return np.array(found, np.int64).reshape(len(degrees), len(sowing))
