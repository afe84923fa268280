import math

import numpy as np
import pytest

from analytics.agronomy.thermal import (
    active_sum,
    effective_sum,
    fill_gaps,
    from_fahrenheit_units,
    growing_degrees,
    heat_sum,
    longest_run,
    running_mean,
    stable_passing,
)


def test_active_adds_the_whole_temperature_and_effective_only_what_is_above():
    days = np.array([9.9, 10.0, 12.0, 20.0])
    assert active_sum(days) == pytest.approx(42.0)
    assert effective_sum(days) == pytest.approx(12.0)


def test_a_missing_day_makes_a_sum_unknown_not_small():
    days = np.array([12.0, math.nan, 20.0])
    assert math.isnan(active_sum(days))
    assert math.isnan(effective_sum(days))


def celsius(fahrenheit):
    return (np.array([fahrenheit]) - 32) / 1.8


def test_growing_degrees_cap_and_floor_like_the_extension_example():
    # Ohio State 2023: Tmax 87 F, Tmin 63 F -> (86 + 63) / 2 - 50 = 24.5 F units
    assert growing_degrees(celsius(63.0), celsius(87.0))[0] == pytest.approx(24.5 / 1.8)
    assert growing_degrees(celsius(46.0), celsius(72.0))[0] == pytest.approx(11 / 1.8)
    assert growing_degrees(celsius(20.0), celsius(40.0))[0] == 0.0


def test_fahrenheit_units_scale_without_the_offset_of_32():
    assert from_fahrenheit_units(110) == pytest.approx(61.111, abs=1e-3)


def test_running_mean_covers_the_days_it_names():
    assert running_mean(np.arange(6.0)).tolist() == [2.0, 3.0]
    assert len(running_mean(np.arange(3.0))) == 0


def test_stable_passing_takes_the_first_warm_day_of_the_first_window_of_the_longest_run():
    # a warm spell of 6 days that does not hold, then a cold one, then the season
    year = np.array(
        [5.0] * 10 + [14.0] * 6 + [0.0] * 10 + [8.0, 9.0, 10.0, 12.0, 16.0] + [15.0] * 30
    )
    year = np.concatenate([year, [11.0, 3.0, 10.5, 0.0, 0.0, 0.0]])
    first, last = stable_passing(year)
    assert (first, year[first]) == (28, 10.0)
    assert year[last] == 10.5
    assert year[last + 1 :].max() < 10


def test_no_stable_passing_where_it_never_gets_warm():
    assert stable_passing(np.full(365, 4.0)) is None
    assert heat_sum(np.full(365, 4.0)) is None


def test_heat_sum_counts_only_days_at_or_above_the_base_inside_the_stable_period():
    year = np.concatenate([np.full(20, 12.0), [9.0], np.full(20, 12.0)])
    found = heat_sum(year)
    assert found.active == pytest.approx(480)
    assert found.effective == pytest.approx(80)
    assert (found.first, found.last) == (0, 40)


def test_longest_run_prefers_the_first_of_equals():
    assert longest_run(np.array([0, 1, 1, 0, 1, 1], bool)) == (1, 3)
    assert longest_run(np.zeros(3, bool)) is None


def test_only_short_inner_gaps_are_bridged():
    n = math.nan
    bridged = fill_gaps(np.array([n, 1.0, n, 3.0, n, n, n, n, 5.0, n]), longest=3)
    assert bridged[2] == 2.0
    assert np.isnan(bridged[[0, 4, 5, 6, 7, 9]]).all()
