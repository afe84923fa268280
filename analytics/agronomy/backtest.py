"""Score the chance of frost after emergence on years it has not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.agronomy.emergence import emergence_day
from analytics.agronomy.frost import chance, fitted_chance, frost_on_or_after
from analytics.agronomy.outlook import Climate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_TRAINING = 15  # years known before the first one is predicted. Source: choice
GUIDANCE_OPENS = 55  # 25 April, season day. Source: agronomy reference 5 (chaxiaohao.com)


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean squared error of a chance against what happened (brier1950); smaller is better.

    Attributes
    ----------
    method : float
        `chance` by sowing day from all earlier years.
    fitted : float
        The same from a normal distribution of the last-frost date.
    frequency : float
        One chance for all sowing days: how often frost came in earlier years.
    fixed_date : float
        Certainty by the calendar: frost if sown before 25 April, none from then on.
    observed : float
        Share of cases with frost.
    cases : int
        Years times sowing days.
    """

    method: float
    fitted: float
    frequency: float
    fixed_date: float
    observed: float
    cases: int

    def skill(self, baseline: float) -> float:
        """Brier skill score of the method: 1 is perfect, 0 no better than the baseline."""
        return 1 - self.method / baseline


def score(climate: Climate, sowing: Ints) -> Scores:
    """Predict each year from the years before it, for every sowing day.

    Parameters
    ----------
    sowing : ndarray, shape (candidate,)
        Season days.
    """
    up = emergence_day(climate.degrees, sowing)
    happened = frost_on_or_after(climate.last_frost, up)
    tested = range(FIRST_TRAINING, len(climate.years))
    method = np.array([chance(happened[:y]) for y in tested])
    usual = [np.median(up[:y], axis=0) for y in tested]
    fitted = [fitted_chance(climate.last_frost[:y], d) for y, d in zip(tested, usual, strict=True)]
    frequency = np.array([[happened[:y].mean()] for y in tested])
    truth = happened[FIRST_TRAINING:]
    return Scores(
        method=_brier(method, truth),
        fitted=_brier(np.array(fitted), truth),
        frequency=_brier(frequency, truth),
        fixed_date=_brier((sowing < GUIDANCE_OPENS).astype(float)[None], truth),
        observed=float(truth.mean()),
        cases=truth.size,
    )


def _brier(forecast: Floats, truth: NDArray[np.bool_]) -> float:
    return float(((forecast - truth) ** 2).mean())
