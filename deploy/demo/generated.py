"""Generated values for places where no real log may be shown; always labelled synthetic."""

import math
from datetime import date, datetime
from functools import cache

from analytics.agronomy import synthetic, synthetic_soil
from models.calendar import DAY, SHANGHAI
from models.weather import WeatherDay

SEED = 220184  # names the series: weather station and seedbed probe of the same farm agree
FIRST = date(1996, 1, 1)  # thirty years of record and the present one
_SWING = 2.0  # C, half the daily range at 10 cm. Source: choice; the daily mean is unchanged


@cache
def weather(last: date) -> list[WeatherDay]:
    """Return the synthetic series of the demonstration up to a day."""
    return synthetic.weather(FIRST, last, seed=SEED)


@cache
def _soil(year: int) -> dict[date, tuple[float, float]]:
    """Seedbed temperature [C] and moisture [m3/m3] of the days of a year and the one before."""
    days = weather(date(year, 12, 31))
    temperature = synthetic_soil.soil_temperature(days).tolist()
    moisture = synthetic_soil.soil_moisture(days).tolist()
    recent = zip(days[-740:], temperature[-740:], moisture[-740:], strict=True)
    return {day.day: (warm, wet) for day, warm, wet in recent}


def seedbed(instant: datetime) -> dict[str, float]:
    """Return temperature and moisture at 10 cm; the warmest hour is 18:00."""
    local = instant.astimezone(SHANGHAI)
    table = _soil(datetime.now(SHANGHAI).year)
    warm, wet = table.get(local.date()) or table[max(table)]
    swing = 0.0 if warm <= 0 else _SWING * _wave(local, warmest=18)
    return {"soil_temperature_10": round(warm + swing, 2), "soil_moisture_10": round(wet, 3)}


def barn(instant: datetime) -> dict[str, float]:
    """Return the air of a cattle barn: warmer and moister than outside, more CO2 at night."""
    local = instant.astimezone(SHANGHAI)
    wave = _wave(local, warmest=15)
    temperature = max(_outside(local), -18) * 0.6 + 9 + 2.5 * wave
    return {
        "air_temperature": round(temperature, 1),
        "air_humidity": round(74 - 9 * wave),
        "co2": round(1500 - 450 * wave),
    }


def dryer(instant: datetime) -> dict[str, float]:
    """Return the air of a grain dryer in autumn, idle (near outside) the rest of the year."""
    local = instant.astimezone(SHANGHAI)
    wave = _wave(local, warmest=15)
    if local.month in (10, 11, 12):  # maize comes in from October
        return {"air_temperature": round(48 + 2 * wave, 1), "air_humidity": round(22 - 3 * wave)}
    return {
        "air_temperature": round(_outside(local) + 3 + 2 * wave, 1),
        "air_humidity": round(58 - 4 * wave),
    }


def _outside(local: datetime) -> float:
    """Return the mean of the day, passing into that of the next: no jump at midnight."""
    series = weather(date(local.year, 12, 31))
    number = (local.date() - FIRST) // DAY
    today, tomorrow = series[number], series[min(number + 1, len(series) - 1)]
    share = (local.hour + local.minute / 60) / 24
    return (today.tmean or 0.0) * (1 - share) + (tomorrow.tmean or 0.0) * share


def _wave(local: datetime, *, warmest: int) -> float:
    """Return a daily cosine: 1 at the warmest hour, mean 0 over equally spaced hours."""
    return math.cos((local.hour + local.minute / 60 - warmest) * math.pi / 12)
