"""Synthetic seedbed temperature and moisture derived from daily weather.

For demonstrations only, like `synthetic`. Against the real 30 cm probes of Cook Farm the
temperature rule has an error of 1.5 C in spring (VALIDATION.md); the moisture rule is a plain
bucket that was compared with nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.weather import WeatherDay

Floats = NDArray[np.float64]

RUNNING_DAYS = 11  # zheng1993: 11-day running average of air temperature, 10 cm depth
_UNDER_SNOW = 0.4  # share of a frost that reaches 10 cm. Source: choice; irrelevant to sowing
_LAYER_MM = 200.0  # seedbed of 0-20 cm. Source: choice
_CAPACITY, _WILTING = 0.32, 0.15  # m3/m3, silt-loam A horizon. Source: pmc3990416
# share of the available water lost a day at 20 C, share of snow and rain on frozen ground
# that enters. Source: choice, so that May lies mostly between 60 and 100 % of capacity
_DRYING, _FROZEN_SHARE = 0.05, 0.2


def soil_temperature(days: Sequence[WeatherDay]) -> Floats:
    """Daily mean soil temperature at 10 cm [C]: trailing 11-day mean of the air (zheng1993).

    The intercept and slope that zheng1993 fits by region were not available and are 0 and
    1; below freezing the air's swing reaches the soil damped.

    Parameters
    ----------
    days : sequence of WeatherDay
        Consecutive, with `tmean`; the first 10 use the days there are.
    """
    air = np.array([d.tmean for d in days], float)
    total = np.concatenate(([0.0], np.cumsum(air)))
    end = np.arange(1, len(air) + 1)
    start = np.maximum(end - RUNNING_DAYS, 0)
    mean = (total[end] - total[start]) / (end - start)
    return np.asarray(np.round(np.where(mean < 0, _UNDER_SNOW * mean, mean), 2), np.float64)


def soil_moisture(days: Sequence[WeatherDay]) -> Floats:
    """Daily volumetric moisture of 0-20 cm [m3/m3]: a bucket that drains at capacity.

    Parameters
    ----------
    days : sequence of WeatherDay
        Consecutive, with `tmean` and `rain`.
    """
    moisture = np.empty(len(days))
    water = 0.8 * _CAPACITY
    for i, day in enumerate(days):
        warmth = max(day.tmean or 0.0, 0.0) / 20
        entering = (day.rain or 0.0) * (1.0 if warmth else _FROZEN_SHARE)
        water -= _DRYING * warmth * max(water - _WILTING, 0.0)
        water = min(water + entering / _LAYER_MM, _CAPACITY)
        moisture[i] = water
    rounded: Floats = np.round(moisture, 4)
    return rounded
