import time

import numpy as np
import pytest

from analytics.quality.limits import limits, of_probe, tables
from analytics.quality.pointwise import PointLimits, matches
from models.quantity import QUANTITIES
from models.reading import Quality


def judged(point, sort, raw, value):
    column = np.array([value], float)
    return int(point.flags(np.array([sort]), np.array([raw], float), column, column)[0])


def flags_of(quantity, raw, value=None):
    return judged(PointLimits([limits(quantity)]), 0, raw, raw if value is None else value)


@pytest.mark.parametrize("code", [65535, 655.35, -9999, -999, 32767, -127, 6999])
def test_codes_are_no_measurements_wherever_they_are_no_plausible_values(code):
    for quantity in ("soil_temperature", "soil_moisture", "water_ph", "wind_speed"):
        assert flags_of(quantity, code) & Quality.SENTINEL, quantity


def test_zero_counts_of_a_thermometer_are_a_code_even_within_its_range():
    assert flags_of("air_temperature", -40.01) == Quality.SENTINEL
    assert flags_of("air_temperature", -40.02) == Quality.GOOD


def test_a_code_is_compared_as_it_was_sent_before_conversion():
    # 65.535 percent is a plausible share, 65.535 m3/m3 is none
    assert flags_of("soil_moisture", 65.535, 0.65535) == Quality.GOOD
    assert flags_of("soil_moisture", 65535, 655.35) & Quality.SENTINEL
    assert flags_of("illuminance", 65535) == Quality.GOOD
    assert flags_of("air_pressure", 999.9) == Quality.GOOD


def test_a_code_that_came_as_a_32_bit_float_is_recognised():
    assert flags_of("soil_temperature", float(np.float32(655.35))) & Quality.SENTINEL
    assert matches(np.array([655.36]), np.array([655.35])).tolist() == [-1]


def test_a_probe_at_its_end_is_saturated_and_beyond_it_out_of_range():
    assert flags_of("soil_moisture", 0.7) == Quality.SATURATED
    assert flags_of("soil_moisture", 0.85) == Quality.RANGE
    assert flags_of("soil_moisture", 0.69) == Quality.GOOD


def test_the_limits_of_a_probe_override_those_of_the_quantity():
    probe = of_probe(limits("soil_moisture"), [99.9], 0.0, 0.5)
    point = PointLimits([limits("soil_moisture"), probe])
    assert judged(point, 1, 55, 0.55) == Quality.SATURATED
    assert judged(point, 0, 55, 0.55) == Quality.GOOD
    assert judged(point, 1, 99.9, 0.3) == Quality.SENTINEL
    assert judged(point, 0, 99.9, 0.3) == Quality.GOOD


def test_every_check_of_every_quantity_says_where_its_numbers_come_from():
    for key, table in tables().items():
        if key == "sentinels":
            assert table["source"]
            continue
        assert key in QUANTITIES
        assert all(check["source"] for check in table.values()), key


def test_a_batch_of_2000_costs_well_under_a_millisecond():
    point = PointLimits([limits(key) for key in QUANTITIES])
    rng = np.random.default_rng(1)
    sort, value = rng.integers(0, len(QUANTITIES), 2000), rng.uniform(0, 50, 2000)
    point.flags(sort, value, value, value)
    started = time.perf_counter()
    for _ in range(20):
        point.flags(sort, value, value, value)
    assert (time.perf_counter() - started) / 20 < 0.002
