"""Figures of analytics/agronomy/VALIDATION.md, computed again; run with -s to see them."""

import csv
from datetime import date
from pathlib import Path
from sys import stdout

import numpy as np
import pytest

from analytics.agronomy import backtest, synthetic_soil
from analytics.agronomy.outlook import climate_of
from analytics.agronomy.record import month_day, on, record_of_days, season_day
from ingest import weather
from models.weather import WeatherDay

SAMPLES = Path(__file__).parents[3] / "deploy" / "demo" / "data" / "weather"
COOK_FARM = Path(__file__).parents[4] / "shared" / "data" / "iot" / "soil_cookfarm"


def climate(name, series):
    found = weather.read(SAMPLES / name, series)
    assert found.errors == []
    return climate_of(record_of_days(found.days), 2026)


@pytest.fixture(scope="module")
def champion():
    return climate("champion_nebraska_1982_2018_daily.csv", weather.CHAMPION)


@pytest.fixture(scope="module")
def knmi():
    return climate("knmi_debilt260_1991_2019_daily.csv", weather.KNMI_DE_BILT)


def test_champion_heat_and_frost_agree_with_the_published_facts(champion):
    frost_free = champion.first_frost - champion.last_frost - 1
    active = champion.active.mean()
    stdout.write(f"\nChampion: active {active:.1f}, frost-free {frost_free.mean():.1f} d")
    assert len(champion.years) == 37
    assert champion.active.mean() == pytest.approx(2982, abs=1)
    assert frost_free.mean() == pytest.approx(140, abs=0.5)


@pytest.mark.parametrize(
    ("name", "first", "last", "skill"),
    [
        ("champion", "04-01", "05-31", 0.25),
        ("champion", "04-25", "05-15", 0.0),
        ("knmi", "03-15", "04-30", 0.0),
    ],
)
def test_chance_of_frost_beats_frequency_and_fixed_date_on_unseen_years(
    request, name, first, last, skill
):
    bounds = [season_day(date.fromisoformat(f"2001-{day}")) for day in (first, last)]
    got = backtest.score(request.getfixturevalue(name), np.arange(bounds[0], bounds[1] + 1))
    stdout.write(
        f"\n{name} {first}..{last}: n {got.cases}, observed {got.observed:.3f}, Brier method "
        f"{got.method:.4f}, fitted {got.fitted:.4f}, frequency {got.frequency:.4f}, fixed date "
        f"{got.fixed_date:.4f}, skill {got.skill(got.frequency):.2f}"
    )
    assert got.skill(got.frequency) > skill
    assert got.method < got.fixed_date


def test_the_season_of_champion_is_in_the_right_place(champion):
    assert month_day(np.median(champion.last_frost)) in ("05-07", "05-08", "05-09", "05-10")
    assert on(2001, int(np.median(champion.passing))).month in (4, 5)


@pytest.mark.skipif(not COOK_FARM.is_dir(), reason="the shared soil logs are not on this machine")
def test_synthetic_soil_rule_against_real_probes_at_30_cm():
    with (COOK_FARM / "cookfarm_weather_2011_2012.csv").open() as file:
        days = [
            WeatherDay(date.fromisoformat(r["date"]), low, high, (low + high) / 2, None)
            for r in csv.DictReader(file)
            for low, high in [(float(r["tmin_c"]), float(r["tmax_c"]))]
        ]
    measured: dict[date, list[float]] = {}
    with (COOK_FARM / "cookfarm_readings_10stations_2011_2012.csv").open() as file:
        for row in csv.DictReader(file):
            if row["tempc_30cm"] not in ("", "NA"):
                day = date.fromisoformat(row["date"])
                measured.setdefault(day, []).append(float(row["tempc_30cm"]))
    soil = synthetic_soil.soil_temperature(days)
    error = np.array(
        [
            value - np.mean(measured[day.day])
            for day, value in zip(days, soil, strict=True)
            if day.day in measured and 3 <= day.day.month <= 6
        ]
    )
    rmse = float(np.sqrt((error**2).mean()))
    stdout.write(f"\nCook Farm, March-June: RMSE {rmse:.2f} C, bias {error.mean():.2f} C")
    assert rmse < 2.0
