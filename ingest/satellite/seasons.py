"""A smooth ten-day series of every field out of its composites; what is filled is flagged.

The values are readings of the field on a channel of their own (`heitu-ndvi-smooth`): the same
API, charts and exports as a probe. Nothing is said before the first or after the last composite,
so nothing lies in the future.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from analytics.remote.period import Period
from analytics.remote.smoothing import whittaker
from ingest.satellite.products import PRODUCTS, products
from models.calendar import day_of
from models.place import Field
from models.reading import LedgerEntry, Quality, block
from models.store import devices, ledger, places, readings, rollups, scenes
from models.store.database import Database, ReadTx
from models.store.readings import DUPLICATE

# on a synthetic maize season (noise 0.04, a third of the ten days missing) 1 errs least: rms 0.028
# and the start by 6 days; 10 flattens the top, errs by 0.057 and puts the start 16 days early
STRENGTH = 1.0
# 36 ten-day periods of 30 years
_MOST = 1080


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A field's series at the first instant of every ten days.

    Attributes
    ----------
    filled : ndarray of bool
        The value is interpolated: the ten days had no composite, or too few valid pixels.
    """

    periods: list[Period]
    values: NDArray[np.float64]
    filled: NDArray[np.bool_]


def smooth_field(tx: ReadTx, field_id: int, key: str, until: datetime) -> Smoothed:
    """Smooth the ten-day composites of a field that begin before ``until``."""
    found = {
        Period.dekad_of(value.time): value.mean
        for value, _ in scenes.zonal(tx, field_id, f"{key}_dekad")
        if value.mean is not None and value.time <= until
    }
    periods = list(_from_to(min(found), max(found))) if found else []
    given = np.array([found.get(one, np.nan) for one in periods], np.float64)
    values, filled = whittaker(given, STRENGTH)
    return Smoothed(periods, values, filled)


def _from_to(first: Period, last: Period) -> Iterator[Period]:
    one = first
    for _ in range(_MOST):
        yield one
        if one >= last:
            return
        one = one.following


def smooth_all(database: Database, key: str, *, now: datetime) -> int:
    """Keep the smooth series of every field as readings; return readings stored."""
    (product,) = products((key,))
    with database.reading() as tx:
        fields = places.fields(tx, limit=10_000_000)
    stored = sum(_kept(database, field, product.key, now) for field in fields)
    if stored:
        rollups.refresh(database)
    return stored


def _kept(database: Database, field: Field, key: str, now: datetime) -> int:
    with database.writing() as tx:
        made = smooth_field(tx, field.id, key, now)
        said = np.isfinite(made.values)
        if not said.any():
            return 0
        channel, quantity = f"heitu-{key}-smooth", PRODUCTS[key].quantity
        stream = devices.field_stream(tx, field.id, channel, quantity, PRODUCTS[key].unit)
        times = np.array([_micros(one.bounds[0]) for one in made.periods])[said]
        flags = np.where(made.filled[said], int(Quality.INTERPOLATED), int(Quality.GOOD))
        rows = block(
            [stream.id] * len(times),
            times,
            # 1e-4 is the step of the composites; finer digits would be new values on each run
            np.round(made.values[said], 4),
            quality=flags,
            received=_micros(now),
            unit=PRODUCTS[key].unit,
        )
        outcome = readings.add(tx, rows, by=channel)
        same = int((outcome == DUPLICATE).sum())
        stored = len(outcome) - same
        counted = LedgerEntry(
            channel, day_of(now), received=len(outcome), stored=stored, duplicate=same
        )
        ledger.record(tx, [counted])
    return stored


def _micros(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)
