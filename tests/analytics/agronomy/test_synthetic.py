from datetime import date

import numpy as np
import pytest

from analytics.agronomy import synthetic, synthetic_soil
from analytics.agronomy.outlook import climate_of
from analytics.agronomy.record import record_of_days

FIRST, LAST = date(1991, 1, 1), date(2025, 12, 31)


@pytest.fixture(scope="module")
def series():
    return synthetic.weather(FIRST, LAST, seed=220184)


def test_the_seed_names_the_series_however_far_it_reaches(series):
    assert synthetic.weather(FIRST, date(1995, 6, 30), seed=220184) == series[: 365 * 4 + 1 + 181]
    assert synthetic.weather(FIRST, date(1991, 1, 31), seed=1) != series[:31]


def test_monthly_means_and_rain_come_back_within_their_sampling_error(series):
    month = np.array([d.day.month for d in series])
    mean = np.array([d.tmean for d in series])
    got = np.array([mean[month == m].mean() for m in range(1, 13)])
    # 35 months of an AR(1) with lag-1 0.69: the standard error is near 0.4 C
    assert np.abs(got - synthetic.CHANGCHUN.tmean).max() < 1.2
    rain = sum(d.rain for d in series) / 35
    assert rain == pytest.approx(sum(synthetic.CHANGCHUN.rain), rel=0.1)


def test_daily_normals_keep_each_monthly_mean():
    year = [date.fromordinal(date(2023, 1, 1).toordinal() + i) for i in range(365)]
    daily = synthetic.daily_normals(synthetic.CHANGCHUN.tmean, year)
    month = np.array([d.month for d in year])
    got = [daily[month == m].mean() for m in range(1, 13)]
    assert np.abs(np.array(got) - synthetic.CHANGCHUN.tmean).max() < 0.05


def test_every_day_is_possible_and_leap_days_are_there(series):
    assert all(d.tmin < d.tmean < d.tmax and d.rain >= 0 for d in series)
    assert date(2024, 2, 29) in {d.day for d in series}
    assert len(series) == (LAST - FIRST).days + 1


def test_it_resembles_what_is_published_of_changchun(series):
    climate = climate_of(record_of_days(series), 2026)
    frost_free = (climate.first_frost - climate.last_frost - 1).mean()
    assert 138 <= frost_free <= 155  # published 140-150 d
    assert 2800 <= climate.active.mean() <= 3200


def test_the_attribution_says_synthetic_and_unverified_in_both_languages():
    assert "模拟" in synthetic.ATTRIBUTION
    assert "unverified" in synthetic.ATTRIBUTION


def test_soil_lags_and_damps_the_air(series):
    soil = synthetic_soil.soil_temperature(series)
    air = np.array([d.tmean for d in series])
    assert np.diff(soil).std() < 0.3 * np.diff(air).std()
    assert soil[10] == pytest.approx(0.4 * air[:11].mean(), abs=0.01)
    assert len(soil) == len(series)


def test_moisture_stays_between_wilting_point_and_capacity(series):
    moisture = synthetic_soil.soil_moisture(series)
    assert moisture.min() >= 0.15
    assert moisture.max() <= 0.32
