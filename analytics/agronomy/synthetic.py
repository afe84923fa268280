"""Synthetic daily weather for Jilin, for demonstrations where no real series may be used.

The series is generated: it shows how the platform works and says nothing about any real
day. It has the monthly means below and the day-to-day behaviour of a real continental
station (Champion, Nebraska); whoever stores it must keep the provenance ``synthetic`` and
the attribution.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from models.weather import WeatherDay

Floats = NDArray[np.float64]

ATTRIBUTION = (
    "模拟数据:依据长春近似月均值生成(月均值未经核实),不是任何实测 · "
    "Synthetic, from approximate monthly normals of Changchun (unverified); not a measurement"
)


@dataclass(frozen=True, slots=True)
class Normals:
    """What a synthetic series is made to resemble, January first.

    Attributes
    ----------
    tmean : tuple of float
        Monthly mean temperature [C].
    rain : tuple of float
        Monthly rain [mm].
    spread : tuple of float
        Standard deviation of the daily mean about its season [C].
    daily_range : tuple of float
        Mean of tmax - tmin [C].
    """

    tmean: tuple[float, ...]
    rain: tuple[float, ...]
    spread: tuple[float, ...]
    daily_range: tuple[float, ...]


# tmean, rain: agronomy reference 3, mark R (approximate, unverified). spread: computed here
# from Champion 1982-2018, winter cut to 5 C to stay near the published extremes (-36.5 and
# 40 C). daily_range: choice, so that the frost-free period comes near the 140-150 d published
# for Changchun (agronomy reference 3, mark S); see VALIDATION.md
CHANGCHUN = Normals(
    tmean=(-14.5, -9.7, -1.2, 8.4, 15.9, 21.3, 23.7, 22.4, 16.7, 8.1, -2.9, -11.9),
    rain=(4, 6, 13, 24, 62, 105, 155, 130, 50, 25, 15, 7),
    spread=(5.0, 5.0, 5.0, 4.9, 4.3, 3.5, 3.0, 3.1, 4.2, 4.7, 5.0, 5.0),
    daily_range=(10, 11, 12, 15, 15, 13, 11, 11, 15, 15, 11, 10),
)
# all computed here from Champion 1982-2018: lag-1 correlation of the daily mean and of the
# daily range, spread of the range, its drop on a wet day, rain of a wet day, chance of rain
# after a wet day, shape of the gamma distribution of the amount
_MEMORY, _RANGE_MEMORY, _RANGE_SPREAD, _WET_DROP = 0.69, 0.43, 4.0, 4.0
_WET_AMOUNT, _WET_AFTER_WET, _GAMMA_SHAPE = 7.5, 0.38, 0.74
_SPIN_UP = 30  # days run before the first one, so that it does not start at the mean
_NARROWEST = 2.0  # C, so that tmin < tmax always
_DRAWS = 4


def weather(
    first: date, last: date, *, seed: int, normals: Normals = CHANGCHUN
) -> list[WeatherDay]:
    """Generate daily weather by a first-order autoregressive model (richardson1981).

    The same seed and first day give the same days, however far the series reaches.

    Parameters
    ----------
    first, last : date
        Both inside.
    seed : int
        Names the series.

    Returns
    -------
    list of WeatherDay
        Temperatures [C] and rain [mm], rounded to 0.1.
    """
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    draws = np.random.default_rng(seed).standard_normal((_SPIN_UP + len(days), _DRAWS))
    spin_up = [first - timedelta(days=i) for i in range(_SPIN_UP, 0, -1)]
    calendar = spin_up + days
    month = np.array([d.month - 1 for d in calendar])
    mean = daily_normals(normals.tmean, calendar)
    mean = mean + np.array(normals.spread)[month] * _remembering(draws[:, 0], _MEMORY)
    rain = _rain(np.array(normals.rain)[month], draws[:, 2], draws[:, 3])
    span = np.array(normals.daily_range)[month] + _RANGE_SPREAD * _remembering(
        draws[:, 1], _RANGE_MEMORY
    )
    span = np.maximum(span - np.where(rain > 0, _WET_DROP, 0.0), _NARROWEST)
    table = np.round(np.stack([mean - span / 2, mean + span / 2, mean, rain], 1), 1)[_SPIN_UP:]
    return [WeatherDay(d, *map(float, row)) for d, row in zip(days, table, strict=True)]


def daily_normals(monthly: tuple[float, ...], days: list[date]) -> Floats:
    """Spread monthly means over days by straight lines whose monthly means are kept.

    A line through the middles of the months is too flat at the peaks; adding the missing
    part to the middles a few times brings each month's mean to within 0.01 C.
    """
    year = [date(2001, 1, 1) + timedelta(days=i) for i in range(365)]
    month = np.array([d.month - 1 for d in year])
    middle = np.array([(date(2001, m, 1) - year[0]).days + 14.5 for m in range(1, 13)])
    around = np.concatenate((middle[-1:] - 365, middle, middle[:1] + 365))
    target = np.array(monthly, float)
    knots = target.copy()
    for _ in range(40):
        curve = np.interp(np.arange(365), around, knots[np.r_[-1, :12, 0]])
        knots += target - np.bincount(month, curve) / np.bincount(month)
    # 29 February repeats 28 February
    place = [
        (date(2001, d.month, min(d.day, 28) if d.month == 2 else d.day) - year[0]).days
        for d in days
    ]
    daily: Floats = curve[place]
    return daily


def _remembering(noise: Floats, memory: float) -> Floats:
    """Unit-variance first-order autoregression."""
    series = np.empty_like(noise)
    state = 0.0
    fresh = float(np.sqrt(1 - memory**2))
    for i, step in enumerate(noise.tolist()):
        state = memory * state + fresh * step
        series[i] = state
    return series


def _rain(monthly: Floats, occurrence: Floats, amount: Floats) -> Floats:
    """Two-state Markov chain for wet days, gamma amounts by the Wilson-Hilferty cube."""
    share = np.minimum(monthly / 30.4 / _WET_AMOUNT, 0.6)
    after_dry = share * (1 - _WET_AFTER_WET) / (1 - share)
    uniform = 0.5 * (1 + np.tanh(0.7978846 * (occurrence + 0.044715 * occurrence**3)))
    # the cube of a normal is close to a gamma variable (wilson1931); never below a trace
    cube = np.maximum(1 - 1 / (9 * _GAMMA_SHAPE) + amount / (3 * np.sqrt(_GAMMA_SHAPE)), 0.0) ** 3
    depth = np.maximum(_WET_AMOUNT * cube, 0.1)
    rain = np.zeros(len(monthly))
    wet = False
    for i, (chance, dry_chance) in enumerate(zip(uniform, after_dry, strict=True)):
        wet = chance < (max(_WET_AFTER_WET, share[i]) if wet else dry_chance)
        rain[i] = depth[i] if wet else 0.0
    return rain
