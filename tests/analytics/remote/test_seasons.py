"""Composites, smoothing, growth condition, drought, phenology."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.remote import composite, drought, growth, phenology, smoothing

NAN = np.nan


def stack(*pixels):
    """Scenes of one pixel each."""
    return np.array(pixels, np.float32).reshape(-1, 1, 1)


@pytest.mark.parametrize(("method", "value"), [("median", 0.5), ("max", 0.9), ("latest", 0.3)])
def test_a_composite_says_what_it_rests_on(method, value):
    made = composite.compose(stack(0.5, NAN, 0.9, 0.3), np.array([8.0, 6, 4, 1]), method)
    assert made.values.item() == pytest.approx(value)
    assert made.count.item() == 3
    assert made.age.item() == 1


def test_a_gap_stays_a_gap():
    for method in ("median", "max", "latest"):
        made = composite.compose(stack(NAN, NAN), np.array([3.0, 1]), method)
        assert np.isnan(made.values.item())
        assert made.count.item() == 0
        assert np.isnan(made.age.item())
    assert np.isnan(composite.compose(np.zeros((0, 2, 2), np.float32), np.zeros(0)).values).all()


def test_the_median_of_an_even_number_is_between_the_two():
    made = composite.compose(stack(0.2, 0.4, NAN), np.array([3.0, 2, 1]))
    assert made.values.item() == pytest.approx(0.3)


def dense(series, strength):
    """The same smoother by a dense solve, for one column."""
    n = len(series)
    weight = np.diag(np.isfinite(series).astype(float))
    difference = np.diff(np.eye(n), n=2, axis=0)
    return np.linalg.solve(
        weight + strength * difference.T @ difference, weight @ np.nan_to_num(series)
    )


@given(st.integers(0, 10_000), st.floats(0.1, 1000))
@settings(max_examples=30)
def test_the_smoother_equals_a_dense_solve(seed, strength):
    chance = np.random.default_rng(seed)
    series = chance.normal(0.5, 0.2, (24, 3))
    series[chance.random((24, 3)) < 0.4] = NAN
    smoothed, filled = smoothing.whittaker(series, strength)
    for k in range(3):
        seen = np.flatnonzero(np.isfinite(series[:, k]))
        if len(seen) >= 3:
            span = slice(seen[0], seen[-1] + 1)
            expected = dense(series[:, k], strength)[span]
            np.testing.assert_allclose(smoothed[span, k], expected, rtol=1e-6, atol=1e-8)
    assert not (filled & np.isfinite(series)).any()
    assert (np.isfinite(smoothed) & np.isnan(series) == filled).all()


def test_nothing_is_said_past_the_last_observation():
    series = np.array([NAN, 0.2, 0.3, NAN, 0.5, NAN, NAN])
    smoothed, filled = smoothing.whittaker(series)
    assert np.isfinite(smoothed).tolist() == [False, True, True, True, True, False, False]
    assert filled.tolist() == [False, False, False, True, False, False, False]


def test_two_observations_are_not_joined():
    smoothed, filled = smoothing.whittaker(np.array([0.2, NAN, 0.4]))
    assert np.isnan(smoothed).all()
    assert not filled.any()


def years(*values):
    return np.array(values, np.float32).reshape(-1, 1)


def test_growth_condition_in_five_grades():
    record = years(0.50, 0.55, 0.60, 0.65, 0.70)  # mean 0.60, sd 0.079
    present = np.array([0.45, 0.54, 0.61, 0.66, 0.75, NAN], np.float32)
    found = growth.condition(present, np.repeat(record, 6, axis=1))
    assert found.grade.tolist() == [1, 2, 3, 4, 5, 0]
    assert found.percentile[2] == 60
    assert found.z[2] == pytest.approx(0.1265, abs=1e-3)
    assert found.against_last_year[0] == pytest.approx(-0.25)
    assert np.isnan(found.z[5])


def test_four_years_make_no_climate():
    found = growth.condition(np.array([0.5], np.float32), years(0.4, 0.5, NAN, 0.6, 0.7))
    assert found.grade.item() == 0
    assert np.isnan(found.percentile.item())
    assert found.years.item() == 4
    assert found.against_last_year.item() == pytest.approx(-0.2)


def test_drought_indices_and_classes():
    record = years(0.2, 0.4, 0.5, 0.6, 0.7)
    assert drought.vci(np.array([0.3], np.float32), record).item() == pytest.approx(20)
    heat = years(290, 295, 300, 305, 310)
    assert drought.tci(np.array([305], np.float32), heat).item() == pytest.approx(25)
    health = drought.vhi(np.array([20], np.float32), np.array([25], np.float32))
    assert health.item() == pytest.approx(22.5)
    classes = drought.drought_class(np.array([5, 10, 22.5, 35, 40, NAN], np.float32))
    assert classes.tolist() == [1, 2, 3, 4, 5, 0]
    assert np.isnan(drought.vci(np.array([0.3], np.float32), record[:4])).all()
    assert np.isnan(drought.vci(np.array([0.3], np.float32), years(*[0.3] * 6))).all()


DAYS = np.arange(0, 365, 10.0)


def crop(start, peak, end):
    """Rises from 0.2 at start to 0.8 at peak, and falls to 0.2 at end, in straight lines."""
    return np.interp(DAYS, [start, peak, end], [0.2, 0.8, 0.2])


def test_a_season_is_found_where_it_was_drawn():
    found = phenology.season(crop(120, 210, 280)[:, None], DAYS)
    assert found.start.item() == pytest.approx(120 + 0.2 * 90, abs=1)
    assert found.peak.item() == 210
    assert found.end.item() == pytest.approx(280 - 0.2 * 70, abs=1)
    assert found.amplitude.item() == pytest.approx(0.6, abs=0.01)


def test_in_july_there_is_no_end_yet():
    series = crop(120, 210, 280)
    series[DAYS > 215] = NAN
    found = phenology.season(series[:, None], DAYS)
    assert np.isfinite(found.start.item())
    assert np.isnan(found.end.item())


def test_bare_soil_has_no_season():
    flat = 0.2 + 0.03 * np.sin(DAYS / 50)
    found = phenology.season(flat[:, None], DAYS)
    assert all(np.isnan(part.item()) for part in (found.start, found.peak, found.end))
