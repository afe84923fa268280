import numpy as np
import pytest

from analytics.agronomy.emergence import EMERGENCE_UNITS, emergence_day
from analytics.agronomy.frost import (
    chance,
    first_autumn_frost,
    fitted_chance,
    frost_free_days,
    frost_on_or_after,
    last_spring_frost,
)
from analytics.agronomy.record import SEASON_DAYS


def season(*frosts, tmin=5.0):
    row = np.full(SEASON_DAYS, tmin)
    row[list(frosts)] = 0.0
    return row


def test_zero_is_frost_and_midsummer_parts_spring_from_autumn():
    years = np.array([season(10, 70, 210, 230), season()])
    assert last_spring_frost(years).tolist() == [70, -1]
    assert first_autumn_frost(years).tolist() == [210, SEASON_DAYS]
    assert frost_free_days(years).tolist() == [139, SEASON_DAYS]


def test_a_missing_minimum_is_no_frost():
    row = season(50)
    row[80] = np.nan
    assert last_spring_frost(row[None]).tolist() == [50]


def test_a_frost_on_the_day_of_emergence_counts_and_the_day_before_does_not():
    last = np.array([70, 69])
    assert frost_on_or_after(last, np.array([70])).ravel().tolist() == [True, False]


def test_years_without_frost_do_not_promise_that_there_is_none():
    assert chance(np.zeros((30, 1), bool))[0] == pytest.approx(0.5 / 31)
    assert chance(np.ones((30, 1), bool))[0] == pytest.approx(30.5 / 31)


def test_the_fitted_chance_is_half_at_the_mean_date():
    last = np.array([60, 70, 80])
    assert fitted_chance(last, np.array([70.5]))[0] == pytest.approx(0.5)
    assert fitted_chance(np.array([60, 70, 80, -1]), np.array([0]))[0] == pytest.approx(0.75)


def test_emergence_waits_for_its_heat_counted_from_the_day_after_sowing():
    degrees = np.full((1, SEASON_DAYS), 10.0)
    up = emergence_day(degrees, np.array([50, 60]), need=30.0)
    assert up.tolist() == [[53, 63]]


def test_maize_that_never_gets_its_heat_never_emerges():
    up = emergence_day(np.zeros((2, SEASON_DAYS)), np.array([50]))
    assert up.tolist() == [[SEASON_DAYS], [SEASON_DAYS]]
    assert pytest.approx(61.11, abs=0.01) == EMERGENCE_UNITS
