import math

import numpy as np
import pytest

from analytics.agronomy.soil import Moisture, field_capacity_of, moisture_state, run_at_end


def test_the_run_ends_at_the_newest_day():
    assert run_at_end(np.array([12.0, 9.9, 10.0, 11.0]), 10) == 2
    assert run_at_end(np.array([12.0, 11.0, 9.0]), 10) == 0
    assert run_at_end(np.full(6, 10.0), 10) == 6


def test_a_missing_day_breaks_the_run():
    assert run_at_end(np.array([12.0, 12.0, math.nan, 12.0]), 10) == 1


@pytest.mark.parametrize(
    ("soil", "texture"),
    [
        ("Typical black soil, Silt Loam", "silt loam"),
        ("黑土,粉壤土", "silt loam"),
        ("silty clay loam", "silty clay loam"),
        ("粉质黏壤土", "silty clay loam"),
        ("clay loam", None),
        ("黏壤土", None),
        ("黑土", None),
        (None, None),
    ],
)
def test_a_texture_is_read_out_of_words_and_never_from_a_shorter_name(soil, texture):
    assert field_capacity_of(soil)[1] == texture


def test_moisture_limits():
    assert moisture_state(0.59, 0.6, 1.0) is Moisture.DRY
    assert moisture_state(0.6, 0.6, 1.0) is moisture_state(1.0, 0.6, 1.0) is Moisture.FIT
    assert moisture_state(1.01, 0.6, 1.0) is Moisture.WET
