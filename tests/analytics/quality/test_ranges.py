import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analytics.quality.ranges import range_flags
from models.reading import Quality


def test_bounds_are_plausible_and_what_lies_beyond_is_flagged():
    values = np.array([-0.001, 0.0, 0.35, 0.7, 0.701])
    flags = range_flags(values, np.zeros(5), np.full(5, 0.7))
    assert flags.tolist() == [1, 0, 0, 0, 1]
    assert flags.dtype == np.int16


def test_each_value_has_its_own_range():
    flags = range_flags(np.array([20.0, 20.0]), np.array([0.0, 30.0]), np.array([30.0, 40.0]))
    assert flags.tolist() == [Quality.GOOD, Quality.RANGE]


@given(arrays(np.float64, 5, elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_a_value_is_flagged_exactly_when_it_is_not_within_the_range(values):
    flags = range_flags(values, np.full(5, -40.0), np.full(5, 60.0))
    assert [f == 0 for f in flags] == [-40 <= v <= 60 for v in values]
