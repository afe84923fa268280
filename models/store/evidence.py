"""What advice rests on, gathered in few queries: days of soil readings, weather records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calendar import day_start
from models.reading import StreamDay
from models.store.database import ReadTx

_UNIX_DAY = date(1970, 1, 1).toordinal()


def soil_probes(tx: ReadTx, field_id: int) -> list[dict[str, Any]]:
    """Return a field's soil datastreams with their device, depth [cm] and provenance."""
    return [dict(row._mapping) for row in tx.rows("evidence", "soil_probes", field_id=field_id)]


def soil_days(tx: ReadTx, datastream_ids: Sequence[int], start: date, end: date) -> list[StreamDay]:
    """Return the days of raw readings over [start, end), by datastream and day."""
    rows = tx.rows(
        "evidence",
        "soil_days",
        datastreams=list(datastream_ids),
        start=day_start(start),
        end=day_start(end),
    )
    return [
        StreamDay(r.datastream_id, r.day, r.n, r.n_good, r.hours, r.mean, r.mn, r.mx) for r in rows
    ]


def last_before(tx: ReadTx, datastream_ids: Sequence[int], end: date) -> datetime | None:
    """Return the time of the newest reading before a day begins, good or not."""
    row = tx.row("evidence", "last_before", datastreams=list(datastream_ids), end=day_start(end))
    return None if row is None else row.time


@dataclass(frozen=True, slots=True)
class WeatherColumns:
    """A series in columns, oldest first: proleptic ordinals and temperatures [C], NaN unknown."""

    days: NDArray[np.int64]
    tmin: NDArray[np.float64]
    tmax: NDArray[np.float64]
    tmean: NDArray[np.float64]
    raw: bytes


def weather_record(tx: ReadTx, station_id: int, before: date) -> WeatherColumns | None:
    """Return the days of a series before a day; None when there is none."""
    row = tx.row("evidence", "weather_record", station_id=station_id, before=before)
    if row is None or row.days is None:
        return None
    packed = [bytes(part) for part in (row.days, row.tmin, row.tmax, row.tmean)]
    days = np.frombuffer(packed[0], ">i4").astype(np.int64) + _UNIX_DAY
    tmin, tmax, tmean = (np.frombuffer(part, ">f8").astype(np.float64) for part in packed[1:])
    return WeatherColumns(days, tmin, tmax, tmean, b"".join(packed))
