"""Daily weather of a station, measured or generated, and the days of its record."""

from dataclasses import dataclass, field
from datetime import date

from models.place import Provenance


@dataclass(frozen=True, slots=True)
class WeatherStation:
    """A weather series: `attribution` is shown wherever its numbers are.

    `version` changes whenever the days of the series do.
    """

    id: int
    key: str
    name_zh: str
    name_en: str
    location: tuple[float, float]
    elevation_m: float | None
    region_code: str | None
    provenance: Provenance
    attribution: str
    version: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class WeatherDay:
    """One Asia/Shanghai (or station-local) day: temperatures in Cel, rain in mm."""

    day: date
    tmin: float | None
    tmax: float | None
    tmean: float | None
    rain: float | None
