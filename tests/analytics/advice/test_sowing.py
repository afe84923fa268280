"""The pure rule on evidence made by hand."""

from dataclasses import asdict, fields
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.advice import evidence as forms
from analytics.advice import rules as thresholds
from analytics.advice.book import ADVISORS, advisor_for
from analytics.advice.rules import SOURCES, SowingRules
from analytics.advice.sowing import advise
from analytics.advice.wording import percent
from analytics.agronomy import synthetic
from analytics.agronomy.record import record_of_days
from models.errors import Invalid
from models.reading import StreamDay
from models.recommendation import Status

RULES = SowingRules()
_DAYS = synthetic.weather(date(2000, 1, 1), date(2025, 12, 31), seed=3)
_RECORDS = {}


def weather_before(as_of):
    if as_of not in _RECORDS:
        record = record_of_days([d for d in _DAYS if d.day < as_of])
        _RECORDS[as_of] = forms.weather(record, "x", as_of, RULES)
    station = {
        "key": "s",
        "name_zh": "站",
        "name_en": "Station",
        "attribution": "",
        "provenance": "real",
        "distance_km": 3.0,
        "in_jilin": True,
    }
    return {"station": station, **_RECORDS[as_of]}


def soil(as_of, values, *, depth=10.0, decimals=2):
    streams = [{"datastream": 1, "device": "d", "depth_cm": depth, "provenance": "real"}]
    days = [
        StreamDay(1, as_of - timedelta(days=len(values) - i), 24, 24, 24, v, v - 1, v + 1)
        for i, v in enumerate(values)
        if v is not None
    ]
    return forms.soil_at_best_depth(streams, days, (10.0, 10.0), as_of, decimals, RULES)


def evidence(as_of, *, temperature=(12.0,) * 8, moisture=(0.22,) * 8, **changes):
    return {
        "as_of": as_of.isoformat(),
        "field": {"soil": "silt loam"},
        "rules": asdict(RULES),
        "soil_temperature": soil(as_of, temperature),
        "soil_moisture": soil(as_of, moisture, decimals=4),
        "weather": weather_before(as_of),
        **changes,
    }


AS_OF = date(2025, 5, 12)


def test_the_same_evidence_gives_the_same_advice():
    assert advise(evidence(AS_OF)) == advise(evidence(AS_OF))
    assert advise(evidence(AS_OF)).status is Status.OK


def test_a_day_without_readings_breaks_the_run_of_warm_days():
    broken = evidence(AS_OF, temperature=(12.0, 12.0, 12.0, 12.0, None, 12.0, 12.0, 12.0))
    assert advise(broken).action == "wait"


def test_every_day_of_the_year_gives_an_advice_that_keeps_its_promises():
    for number in range(0, 365, 6):
        as_of = date(2025, 1, 1) + timedelta(days=number)
        advice = advise(evidence(as_of, temperature=(12.0 if 120 < number < 280 else 2.0,) * 8))
        assert advice.action in ("sow", "wait", "do_not_sow")
        assert advice.expires > as_of
        assert len(advice.reasons) >= 3
        opens, closes = advice.window
        assert as_of <= opens <= closes
        assert 0 < advice.probability < 1
        if advice.action == "sow":
            assert opens == as_of
            assert date(2025, 4, 25) <= as_of <= date(2025, 6, 30)
        if advice.action == "wait":
            assert opens > as_of
            assert opens.year == as_of.year
            assert 1 - advice.probability <= RULES.frost_limit


def test_before_march_the_advice_is_climate_and_degraded():
    advice = advise(evidence(date(2025, 2, 1), temperature=(-3.0,) * 8))
    assert (advice.status, advice.action) == (Status.DEGRADED, "wait")


def test_where_maize_never_gets_its_heat_there_is_no_window():
    cold = evidence(AS_OF)
    climate = cold["weather"]["climate"]
    columns = climate["outlook"] | {"heat_left": [900.0] * len(climate["outlook"]["heat_left"])}
    cold["weather"] = cold["weather"] | {"climate": climate | {"outlook": columns}}
    advice = advise(cold)
    assert (advice.action, advice.window, advice.probability) == ("do_not_sow", None, None)


def changed_outlook(given, **columns):
    climate = given["weather"]["climate"]
    outlook = climate["outlook"]
    n = len(outlook["frost"])
    told = {name: [value] * n for name, value in columns.items()}
    climate = climate | {"outlook": outlook | told}
    return given | {"weather": given["weather"] | {"climate": climate}}


def test_frost_above_the_limit_holds_back_even_a_warm_seedbed():
    early = evidence(date(2025, 4, 28))
    assert advise(changed_outlook(early, frost=0.2)).action == "sow"
    assert advise(changed_outlook(early, frost=0.21)).action == "do_not_sow"
    assert advise(early).action == "wait"


def test_before_the_guidance_window_even_a_warm_and_frostless_day_waits_for_it():
    advice = advise(changed_outlook(evidence(date(2025, 4, 20)), frost=0.02))
    assert advice.action == "wait"
    assert advice.window == (date(2025, 4, 25), date(2025, 5, 15))


def test_a_station_near_but_outside_jilin_weakens_the_advice():
    given = evidence(AS_OF)
    station = given["weather"]["station"] | {"in_jilin": False}
    advice = advise(given | {"weather": given["weather"] | {"station": station}})
    assert advice.status is Status.DEGRADED
    assert any("not in Jilin" in told.en for told in advice.reasons)


def test_a_year_does_not_count_in_its_own_december():
    climate = weather_before(date(2025, 12, 20))["climate"]
    assert climate["last_year"] == 2024


def test_thresholds_come_from_the_evidence_not_from_the_code():
    strict = evidence(AS_OF, rules=asdict(SowingRules(warm_soil=13.0)))
    assert advise(strict).action == "wait"


def test_reasons_quote_the_numbers_they_carry():
    for told in advise(evidence(AS_OF)).reasons:
        assert told.zh
        assert told.en
        assert told.source in SOURCES.values()
        for value in told.numbers.values():
            assert value is None or isinstance(value, (int, float, str))
            assert not isinstance(value, np.generic)


def test_an_unverified_index_says_so_where_it_is_shown():
    frost = next(r for r in advise(evidence(AS_OF)).reasons if r.code.startswith("frost"))
    assert "unverified" in frost.en
    assert "未经核实" in frost.zh


def test_every_source_carries_a_trust_mark_or_is_called_a_choice():
    assert all("[S" in text or "[R" in text or "choice" in text for text in SOURCES.values())


def test_every_rule_is_explained():
    assert all(f.name in thresholds.SowingRules.__doc__ for f in fields(SowingRules))


def test_nobody_promises_0_or_100_percent():
    assert (percent(0.0), percent(0.163), percent(1.0)) == ("1 %", "16 %", "99 %")


def test_probes_at_one_depth_are_averaged_by_day():
    streams = [
        {"datastream": n, "device": "d", "depth_cm": 10.0, "provenance": p}
        for n, p in ((1, "real"), (2, "relocated"))
    ]
    day = AS_OF - timedelta(days=1)
    days = [
        StreamDay(1, day, 24, 24, 24, 10.0, 9.0, 11.0),
        StreamDay(2, day, 24, 24, 24, 13.0, 9.0, 15.0),
    ]
    found = forms.soil_at_best_depth(streams, days, (10.0, 10.0), AS_OF, 2, RULES)
    assert (found["days"][0]["mean"], found["days"][0]["spread"]) == (11.5, 3.0)
    assert found["provenance"] == "relocated"


def test_a_mostly_flagged_day_has_no_mean():
    streams = [{"datastream": 1, "device": "d", "depth_cm": 10.0, "provenance": "real"}]
    days = [StreamDay(1, AS_OF - timedelta(days=1), 24, 11, 11, 10.0, 9.0, 11.0)]
    found = forms.soil_at_best_depth(streams, days, (10.0, 10.0), AS_OF, 2, RULES)
    assert found["days"][0]["mean"] is None
    assert found["age_days"] is None


def test_the_book_knows_its_advisors():
    assert advisor_for("sowing_window", "maize") is ADVISORS["sowing_window"]
    with pytest.raises(Invalid, match="kind"):
        advisor_for("x", "maize")
    with pytest.raises(Invalid, match="crop"):
        advisor_for("sowing_window", "rice")
