"""Weather series and their days."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from typing import Any

from pyproj import Geod
from sqlalchemy.engine import Row

from models.errors import Conflict
from models.place import Provenance
from models.store.database import ReadTx, WriteTx
from models.weather import WeatherDay, WeatherStation

_ELLIPSOID = Geod(ellps="GRS80")


def _station(r: Row[Any]) -> WeatherStation:
    return WeatherStation(
        r.id,
        r.key,
        r.name_zh,
        r.name_en,
        (r.lon, r.lat),
        r.elevation_m,
        r.region_code,
        Provenance(r.provenance),
        r.attribution,
        str(r.version),
    )


def add_station(
    tx: WriteTx,
    *,
    key: str,
    name_zh: str,
    name_en: str,
    location: tuple[float, float],
    provenance: Provenance,
    attribution: str,
    elevation_m: float | None = None,
    region_code: str | None = None,
) -> WeatherStation:
    """Register a weather series, or raise Conflict when its key is taken."""
    row = tx.row(
        "weather",
        "add_station",
        key=key,
        name_zh=name_zh,
        name_en=name_en,
        lon=location[0],
        lat=location[1],
        elevation_m=elevation_m,
        region_code=region_code,
        provenance=provenance,
        attribution=attribution,
    )
    if row is None:
        raise Conflict(noun="weather station", key=key)
    return _station(row)


def stations(tx: ReadTx) -> list[WeatherStation]:
    """Return every weather series."""
    return [_station(r) for r in tx.rows("weather", "stations")]


def station_by_key(tx: ReadTx, key: str) -> WeatherStation | None:
    """Return the weather series with this key, or None."""
    row = tx.row("weather", "by_key", key=key)
    return None if row is None else _station(row)


def distance_km(station: WeatherStation, lon: float, lat: float) -> float:
    """Return the distance from a station to a point (degrees), kilometres."""
    _, _, metres = _ELLIPSOID.inv(station.location[0], station.location[1], lon, lat)
    return float(metres) / 1000


def nearest(tx: ReadTx, lon: float, lat: float) -> WeatherStation | None:
    """Return the weather series nearest to a point (degrees), or None when there is none."""
    return min(stations(tx), key=lambda s: distance_km(s, lon, lat), default=None)


def add_days(tx: WriteTx, station_id: int, days: Iterable[WeatherDay]) -> None:
    """Keep days of a series; a day that is there, or came earlier, is replaced."""
    rows = list({day.day: day for day in days}.values())
    columns = {f.name: [getattr(row, f.name) for row in rows] for f in fields(WeatherDay)}
    tx.run("weather", "add_days", station_id=station_id, **columns)
    tx.run("weather", "renew", station_id=station_id)


def days(tx: ReadTx, station_id: int, start: date, end: date) -> list[WeatherDay]:
    """Return the days of a series over [start, end], both included."""
    rows = tx.rows("weather", "days", station_id=station_id, start=start, end=end)
    return [WeatherDay(r.day, r.tmin, r.tmax, r.tmean, r.rain) for r in rows]
