"""The desk: gather evidence from the store, ask an advisor, keep what it says.

The only part of analytics that knows the store. A recommendation and its letter to the
officers of the county are written in one transaction; a replay judges the stored evidence
again and compares every byte.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any

from cachetools import LRUCache, cached

from analytics.advice import evidence as forms
from analytics.advice.book import ADVISORS, advisor_for
from analytics.advice.rules import SowingRules
from analytics.agronomy.record import record_of
from models import calendar
from models.errors import Invalid
from models.person import Action, Person, permit
from models.place import Field
from models.reading import StreamDay
from models.recommendation import Decision, Recommendation, input_hash
from models.store import outbox, places, recommendations, weather
from models.store.database import Database, ReadTx, WriteTx
from models.store.evidence import last_before, soil_days, soil_probes, weather_record

Json = dict[str, Any]

RULES = SowingRules()
_FIRST_DAY = date(2000, 1, 1)  # no reading is older: the intake refuses earlier times
_STATIONS_TRIED = 3  # nearest series looked at before settling for the longest of them
_TEMPERATURE_WANTED = (10.0, 10.0)  # cm: the depth of the five-day rule
_MOISTURE_WANTED = (10.0, 20.0)  # cm: seedbed and what is driven over


def recommend(
    database: Database,
    field_id: int,
    *,
    kind: str = "sowing_window",
    crop: str = "maize",
    as_of: date | None = None,
    clock: Callable[[], datetime] = calendar.now,
    person: Person | None = None,
) -> Recommendation:
    """Advise on a field in a transaction of its own (see `recommend_in`)."""
    with database.writing() as tx:
        return recommend_in(
            tx, field_id, kind=kind, crop=crop, as_of=as_of, now=clock(), person=person
        )


def recommend_in(
    tx: WriteTx,
    field_id: int,
    *,
    kind: str,
    crop: str,
    as_of: date | None,
    now: datetime,
    person: Person | None = None,
    rules: SowingRules = RULES,
) -> Recommendation:
    """Advise on a field, keep the advice with its evidence and post it to the county.

    Parameters
    ----------
    as_of : date or None
        Asia/Shanghai day in whose morning the advice is given: it rests on the whole days
        before it. None is the day of `now`.
    person : Person or None
        Who asks; None for the platform itself.

    Raises
    ------
    Invalid
        Unknown kind or crop, or a day in the future or before any reading.
    NotFound, Forbidden
        No such field; the person may not ask for advice there.
    """
    advisor = advisor_for(kind, crop)
    day = _checked_day(as_of, calendar.day_of(now))
    field = places.field(tx, field_id)
    if person is not None:
        permit(person, Action.ADVISE, field.region_code)
    evidence = gather(tx, field, crop, day, rules)
    given = Recommendation(
        id=0,
        kind=kind,
        crop=crop,
        field_id=field.id,
        region_code=field.region_code,
        as_of=day,
        issued=now,
        method=advisor.method,
        method_version=advisor.version,
        input_hash=input_hash(evidence),
        advice=advisor.advise(evidence),
        evidence=evidence,
    )
    kept = recommendations.save(tx, given)
    outbox.put(tx, kept.id, kept.region_code)
    return kept


def _checked_day(as_of: date | None, today: date) -> date:
    day = today if as_of is None else as_of
    if day > today:
        raise Invalid(why=f"as_of {day} lies in the future; today is {today} in Asia/Shanghai")
    if day < _FIRST_DAY:
        raise Invalid(why=f"as_of {day} is before any reading; use {_FIRST_DAY} or later")
    return day


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of judging stored evidence again; `why` is empty when it is identical."""

    identical: bool
    recommendation_id: int
    input_hash: str
    method: str
    method_version: str
    why: str


def replay(database: Database, recommendation_id: int) -> Replayed:
    """Judge a stored recommendation's evidence again (see `replayed`)."""
    with database.reading() as tx:
        return replayed(recommendations.get(tx, recommendation_id))


def replayed(kept: Recommendation) -> Replayed:
    """Judge the stored evidence again and compare advice and hash byte by byte."""
    why = _difference(kept)
    return Replayed(
        identical=not why,
        recommendation_id=kept.id,
        input_hash=kept.input_hash,
        method=kept.method,
        method_version=kept.method_version,
        why=why,
    )


def _difference(kept: Recommendation) -> str:
    if input_hash(kept.evidence) != kept.input_hash:
        return "the stored evidence does not have the stored hash"
    advisor = ADVISORS.get(kept.kind)
    if advisor is None or (advisor.method, advisor.version) != (kept.method, kept.method_version):
        return f"{kept.method} {kept.method_version} is no longer in the book of advisors"
    again = recommendations.advice_json(advisor.advise(kept.evidence))
    if again != recommendations.advice_json(kept.advice):
        return "the method gives another advice on the same evidence"
    return ""


def decide(
    database: Database,
    recommendation_id: int,
    decision: Decision,
    person: Person,
    note: str | None,
    *,
    clock: Callable[[], datetime] = calendar.now,
) -> Recommendation:
    """Record that an officer confirms or overrides a recommendation of its region."""
    with database.writing() as tx:
        kept = recommendations.get(tx, recommendation_id)
        permit(person, Action.DECIDE, kept.region_code)
        return recommendations.decide(tx, kept.id, decision, person, clock(), note)


def gather(tx: ReadTx, field: Field, crop: str, as_of: date, rules: SowingRules = RULES) -> Json:
    """Collect what the sowing advice of a field rests on, as plain JSON."""
    spot = field.geometry.centroid
    start = as_of - timedelta(days=rules.soil_days)
    streams = soil_probes(tx, field.id)
    days = soil_days(tx, [s["datastream"] for s in streams], start, as_of) if streams else []
    wanted = {"soil_temperature": (_TEMPERATURE_WANTED, 2), "soil_moisture": (_MOISTURE_WANTED, 4)}
    soil = {
        key: _soil(tx, [s for s in streams if s["quantity"] == key], days, depths, as_of, n, rules)
        for key, (depths, n) in wanted.items()
    }
    return {
        "schema": 1,
        "as_of": as_of.isoformat(),
        "crop": crop,
        "field": {
            "id": field.id,
            "key": field.key,
            "region": field.region_code,
            "lon": round(spot.x, 6),
            "lat": round(spot.y, 6),
            "soil": field.soil,
            "provenance": str(field.provenance),
        },
        "rules": asdict(rules),
        **soil,
        "weather": _weather(tx, spot.x, spot.y, as_of, rules),
    }


def _soil(
    tx: ReadTx,
    streams: Sequence[Json],
    days: Sequence[StreamDay],
    wanted: tuple[float, float],
    as_of: date,
    decimals: int,
    rules: SowingRules,
) -> Json | None:
    found = forms.soil_at_best_depth(streams, days, wanted, as_of, decimals, rules)
    if found is not None and found["age_days"] is None and not found["days"]:
        newest = last_before(tx, [s["datastream"] for s in found["streams"]], as_of)
        if newest is not None:
            found["age_days"] = (as_of - calendar.day_of(newest)).days
    return found


def _weather(tx: ReadTx, lon: float, lat: float, as_of: date, rules: SowingRules) -> Json | None:
    """Summarise the nearest series with enough years (the longest of 3 when none has)."""
    near = sorted(weather.stations(tx), key=lambda s: weather.distance_km(s, lon, lat))
    best: Json | None = None
    for station in near[:_STATIONS_TRIED]:
        summary = _summary(tx, station.id, station.version, as_of, rules)
        if summary is None:
            continue
        told = forms.station(station, weather.distance_km(station, lon, lat)) | summary
        if _years(told) >= rules.fewest_years:
            return told
        if best is None or _years(told) > _years(best):
            best = told
    return best


def _years(told: Json) -> int:
    return told["climate"]["years"] if told["climate"] else 0


# reading 37 years takes 9 ms, summarising them 5 ms: both once a day and version of the days
@cached(
    LRUCache[tuple[object, ...], "Json | None"](maxsize=128),
    key=lambda _tx, _station_id, version, as_of, rules: (version, as_of, rules),
    lock=Lock(),
)
def _summary(
    tx: ReadTx,
    station_id: int,
    version: str,
    as_of: date,
    rules: SowingRules,
) -> Json | None:
    columns = weather_record(tx, station_id, as_of)
    if columns is None:
        return None
    record = record_of(columns.days, columns.tmin, columns.tmax, columns.tmean)
    assert record is not None
    return forms.weather(record, hashlib.sha256(columns.raw).hexdigest(), as_of, rules)
