"""Evidence of the sowing window as plain JSON: rounded, finite, the same for equal input."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from analytics.advice.rules import SowingRules
from analytics.agronomy.outlook import RELIABLE, Climate, climate_of, outlook
from analytics.agronomy.record import Record, month_day
from analytics.agronomy.thermal import active_sum
from models.reading import StreamDay
from models.weather import WeatherStation

Json = dict[str, Any]
OUTLOOK_DAYS = np.arange(31, 153)  # sowing days looked up: 1 April .. 31 July


def soil(days: Sequence[StreamDay], as_of: date, decimals: int, rules: SowingRules) -> Json:
    """Join the probes of one depth into days: mean of the probes that are good that day.

    Parameters
    ----------
    days : sequence of StreamDay
        Of one quantity at one depth, before `as_of`.
    decimals : int
        Digits kept of means.
    """
    by_day: dict[date, list[StreamDay]] = {}
    for day in days:
        by_day.setdefault(day.day, []).append(day)
    joined = [_joined(by_day[day], decimals, rules) for day in sorted(by_day)]
    good = [row for row in joined if row["mean"] is not None]
    newest = date.fromisoformat(good[-1]["day"]) if good else None
    return {
        "days": joined,
        "n": sum(row["n"] for row in joined),
        "n_good": sum(row["n_good"] for row in joined),
        "coverage": round(len(good) / rules.soil_days, 3),
        "hours": round(float(np.median([row["hours"] for row in good])), 1) if good else 0.0,
        "age_days": None if newest is None else (as_of - newest).days,
        "stuck": _stuck(days, as_of),
    }


def _joined(probes: list[StreamDay], decimals: int, rules: SowingRules) -> Json:
    n, n_good = sum(p.n for p in probes), sum(p.n_good for p in probes)
    means = [p.mean for p in probes if p.mean is not None and p.n_good >= rules.good_share * p.n]
    return {
        "day": probes[0].day.isoformat(),
        "mean": round(sum(means) / len(means), decimals) if means else None,
        "spread": round(max(means) - min(means), decimals) if means else None,
        "n": n,
        "n_good": n_good,
        "hours": max(p.hours for p in probes),
    }


def _stuck(days: Sequence[StreamDay], as_of: date) -> bool:
    """Tell whether every probe has repeated one value through its last 3 days."""
    recent = [d for d in days if d.low is not None and d.day >= as_of - timedelta(days=4)]
    verdicts = []
    for stream in {d.datastream_id for d in recent}:
        own = [d for d in recent if d.datastream_id == stream]
        lows, highs = [d.low for d in own], [d.high for d in own]
        still = len({*lows, *highs}) == 1
        verdicts.append(still and len(own) >= 3 and sum(d.n_good for d in own) >= 48)
    return bool(verdicts) and all(verdicts)


def station(series: WeatherStation, km: float) -> Json:
    """Say whose record it is and how far from the field."""
    return {
        "station": {
            "key": series.key,
            "name_zh": series.name_zh,
            "name_en": series.name_en,
            "attribution": series.attribution,
            "provenance": str(series.provenance),
            "distance_km": round(km, 1),
            "in_jilin": (series.region_code or "").startswith("22"),
        }
    }


def weather(record: Record, digest: str, as_of: date, rules: SowingRules) -> Json:
    """Summarise a record whose days all lie before `as_of`; `digest` names its very bytes."""
    years = climate_of(record, as_of.year)
    return {
        "record": {
            "first": record.first.isoformat(),
            "last": record.last.isoformat(),
            "sha256": digest,
        },
        "climate": None if years is None else climate(years, rules),
        "season": season_so_far(record, as_of),
    }


def climate(years: Climate, rules: SowingRules) -> Json:
    """Summarise the years of record and the outlook of every sowing day of the season."""
    ahead = outlook(years, OUTLOOK_DAYS, rules.emergence_units)
    passed = years.passing[~np.isnan(years.passing)]
    frost_free = years.first_frost - years.last_frost - 1
    return {
        "years": len(years.years),
        "first_year": years.years[0],
        "last_year": years.years[-1],
        "last_frost_median": month_day(float(np.median(years.last_frost))),
        "last_frost_p80": month_day(float(np.quantile(years.last_frost, RELIABLE))),
        "frost_free_mean": round(float(frost_free.mean()), 1),
        "passing_median": month_day(float(np.median(passed))) if len(passed) else None,
        "active_mean": round(float(years.active.mean()), 1),
        "active_p80": round(float(np.quantile(years.active, 1 - RELIABLE)), 1),
        "outlook": {
            "first": month_day(int(OUTLOOK_DAYS[0])),
            "emergence": [month_day(day) for day in ahead.emergence.tolist()],
            "frost_years": ahead.frost_years.tolist(),
            "frost": np.round(ahead.frost, 4).tolist(),
            "ground_frost": np.round(ahead.ground_frost, 4).tolist(),
            "heat_left": np.round(ahead.heat_left, 1).tolist(),
        },
    }


def season_so_far(record: Record, as_of: date) -> Json:
    """Active sum of this season's known days before as_of, and how far they reach [C.d]."""
    start = date(as_of.year, 3, 1)
    days = max((as_of - start).days, 0)
    known = record.between(record.tmean, start, start + timedelta(days=days))[:days]
    there = known[~np.isnan(known)]
    last = int(np.flatnonzero(~np.isnan(known))[-1]) if len(there) else None
    return {
        "active_sum": round(active_sum(there), 1) if len(there) else None,
        "days": len(there),
        "missing": days - len(there),
        "last_day": None if last is None else (start + timedelta(days=last)).isoformat(),
    }


def soil_at_best_depth(
    streams: Sequence[Json],
    days: Sequence[StreamDay],
    wanted: tuple[float, float],
    as_of: date,
    decimals: int,
    rules: SowingRules,
) -> Json | None:
    """Choose the depth to judge by and summarise its probes; None without any probe.

    Of the depths from `rules.depth_low` to `rules.depth_limit` the one nearest to the
    wanted range wins among those with fresh data, then among all; a depth outside is kept
    only to be named in a refusal.

    Parameters
    ----------
    streams : sequence of dict
        ``{"datastream", "device", "depth_cm", "provenance"}`` of one quantity.
    wanted : tuple of float
        Depths that need no excuse [cm].
    """
    depths = {s["depth_cm"] for s in streams if s["depth_cm"] is not None}
    options = [
        (depth, _soil_at(depth, streams, days, as_of, decimals, rules)) for depth in sorted(depths)
    ]
    if not options:
        return None

    def order(option: tuple[float, Json]) -> tuple[bool, bool, float]:
        depth, found = option
        usable = rules.depth_low <= depth <= rules.depth_limit
        age = found["age_days"]
        stale = age is None or age > rules.stale_days
        return not usable, stale, max(wanted[0] - depth, depth - wanted[1], 0.0)

    return min(options, key=order)[1]


def _soil_at(
    depth: float,
    streams: Sequence[Json],
    days: Sequence[StreamDay],
    as_of: date,
    decimals: int,
    rules: SowingRules,
) -> Json:
    own = [s for s in streams if s["depth_cm"] == depth]
    ids = {s["datastream"] for s in own}
    origins = {s["provenance"] for s in own}
    return {
        "depth_cm": depth,
        "streams": own,
        "provenance": next(p for p in ("synthetic", "relocated", "real") if p in origins),
        **soil([d for d in days if d.datastream_id in ids], as_of, decimals, rules),
    }
