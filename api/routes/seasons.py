"""The growing season of a field: its smooth ten-day series, and start, peak and end."""

from datetime import date, timedelta
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from analytics.remote import phenology
from api.dependencies import Reading, reads
from api.schemas.problem import ONE_PROBLEMS
from api.schemas.seasons import SeasonOut
from api.schemas.shape import Id
from ingest.satellite.seasons import smooth_field
from models.calendar import day_of
from models.person import Action
from models.store import places

router = APIRouter(tags=["layers"])


@router.get(
    "/v1/fields/{field_id}/season",
    summary="Growing season of a field",
    response_model=SeasonOut,
    responses=ONE_PROBLEMS,
)
@reads(Action.READ)
def season(
    access: Reading,
    field_id: Id,
    year: Annotated[int | None, Query(ge=1980, le=2100, description="Default: this one")] = None,
) -> dict[str, Any]:
    """Find the season in the NDVI of a calendar year.

    The series is smoothed (Whittaker) over the ten-day composites; `filled` values are
    interpolated. A start is said only where the rise was seen from its foot, an end only once
    the fall has come down: null means not seen, or not yet.
    """
    now = access.platform.clock()
    it = access.see(places.field(access.tx, field_id))
    asked = year or day_of(now).year
    made = smooth_field(access.tx, it.id, "ndvi", now)
    rows = [
        (period, value, filled)
        for period, value, filled in zip(made.periods, made.values, made.filled, strict=True)
        if period.year == asked and np.isfinite(value)
    ]
    days = np.array([period.first.toordinal() for period, _, _ in rows], np.float64)
    found = phenology.season(np.array([value for _, value, _ in rows], np.float64), days)
    return {
        "product": "ndvi",
        "year": asked,
        "start": _day(found.start.item()),
        "peak": _day(found.peak.item()),
        "end": _day(found.end.item()),
        "amplitude": _number(found.amplitude.item()),
        "series": [
            {"day": period.first, "value": round(float(value), 4), "filled": bool(filled)}
            for period, value, filled in rows
        ],
    }


def _day(ordinal: float) -> date | None:
    return date(1, 1, 1) + timedelta(days=round(ordinal) - 1) if np.isfinite(ordinal) else None


def _number(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
