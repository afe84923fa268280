"""Growth condition (长势): this year's index against the same ten days of other years."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LEAST_YEARS = 5
# grades by z: a convention of this platform, stated with every layer; under a normal law they
# hold 7, 24, 38, 24 and 7 % of the years
GRADE_LIMITS = (-1.5, -0.5, 0.5, 1.5)
GRADES = (
    (1, "差", "poor"),
    (2, "稍差", "slightly poor"),
    (3, "持平", "normal"),
    (4, "稍好", "slightly good"),
    (5, "好", "good"),
)


@dataclass(frozen=True, slots=True)
class Growth:
    """How the present compares.

    Attributes
    ----------
    grade : ndarray of uint8
        1..5 of `GRADES`; 0 where it cannot be said.
    z : ndarray of float32
        Standard deviations from the mean of the years.
    percentile : ndarray of float32
        Share of the years with a lower value, ties counting half, percent.
    against_last_year : ndarray of float32
        Difference to the year before, in units of the index; NaN where that has a gap.
    years : ndarray of uint8
        Years that speak.
    """

    grade: NDArray[np.uint8]
    z: Floats
    percentile: Floats
    against_last_year: Floats
    years: NDArray[np.uint8]


def condition(present: Floats, earlier: Floats) -> Growth:
    """Compare a present composite with the same ten days of earlier years.

    Parameters
    ----------
    present : ndarray of float32 (...)
        Index, NaN where unknown.
    earlier : ndarray of float32 (year, ...)
        The same period of the years before, oldest first; the last one is last year.

    Notes
    -----
    Fewer than five years with a value make no climate: z, percentile and grade are then not
    given, the difference to last year is.
    """
    known = np.isfinite(earlier)
    years = known.sum(axis=0)
    filled = np.where(known, earlier, 0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=0) / years
        spread = np.where(known, (earlier - mean) ** 2, 0).sum(axis=0) / (years - 1)
        z = (present - mean) / np.sqrt(spread)
        below = (known & (earlier < present)).sum(axis=0)
        equal = (known & (earlier == present)).sum(axis=0)
        percentile = 100 * (below + 0.5 * equal) / years
    said = np.isfinite(present) & (years >= LEAST_YEARS) & np.isfinite(z)
    grade = np.where(said, 1 + np.digitize(np.nan_to_num(z), GRADE_LIMITS), 0)
    last = earlier[-1] if len(earlier) else np.full_like(present, np.nan)
    return Growth(
        grade.astype(np.uint8),
        np.where(said, z, np.nan).astype(np.float32),
        np.where(said, percentile, np.nan).astype(np.float32),
        (present - last).astype(np.float32),
        years.astype(np.uint8),
    )
