from datetime import date, timedelta

import numpy as np
import pytest

from analytics.agronomy.record import month_day, on, record_of_days, season_day
from models.weather import WeatherDay


def days(first, last, **how):
    count = (last - first).days + 1
    dates = [first + timedelta(days=i) for i in range(count)]
    return [WeatherDay(d, 5.0, 15.0, how.get("tmean"), 0.0) for d in dates]


def test_a_day_of_spring_has_the_same_number_in_a_leap_year():
    assert season_day(date(2024, 5, 1)) == season_day(date(2023, 5, 1)) == 61
    assert on(2024, 61) == date(2024, 5, 1)
    assert season_day(date(2024, 2, 29)) == season_day(date(2023, 2, 28)) == -1
    assert month_day(60.5) == "05-01"


def test_the_mean_of_the_extremes_stands_in_for_a_missing_mean():
    record = record_of_days(days(date(2023, 1, 1), date(2023, 1, 3)))
    assert record.tmean.tolist() == [10.0] * 3


def test_days_in_any_order_and_with_holes_make_a_calendar():
    two = days(date(2023, 5, 1), date(2023, 5, 1)) + days(date(2023, 4, 20), date(2023, 4, 20))
    record = record_of_days(two)
    assert (record.first, record.last) == (date(2023, 4, 20), date(2023, 5, 1))
    assert np.isnan(record.tmin[1:-1]).all()


def test_a_year_with_a_hole_in_spring_does_not_count():
    whole = days(date(2022, 1, 1), date(2024, 12, 31))
    assert record_of_days(whole).whole_years() == [2022, 2023, 2024]
    hole = [d for d in whole if not date(2023, 5, 3) <= d.day <= date(2023, 5, 7)]
    assert record_of_days(hole).whole_years() == [2022, 2024]
    small = [d for d in whole if not date(2023, 5, 3) <= d.day <= date(2023, 5, 5)]
    assert record_of_days(small).whole_years() == [2022, 2023, 2024]


@pytest.mark.parametrize(
    ("start", "end"), [((2022, 12, 30), (2023, 1, 2)), ((2030, 1, 1), (2030, 1, 3))]
)
def test_a_cut_reaching_outside_is_unknown_there(start, end):
    record = record_of_days(days(date(2023, 1, 1), date(2023, 12, 31)))
    cut = record.between(record.tmin, date(*start), date(*end))
    assert np.isnan(cut).sum() == (2 if start[0] == 2022 else 3)


def test_no_days_make_no_record():
    assert record_of_days([]) is None
