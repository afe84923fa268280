import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UnknownQuantity, UnknownUnit
from models.quantity import QUANTITIES
from models.units import conversion, to_canonical


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "expected"),
    [
        (31.0, "%", "soil_moisture", 0.31),
        (0.31, "m3/m3", "soil_moisture", 0.31),
        (212.0, "[degF]", "air_temperature", 100.0),
        (32.0, "°F", "soil_temperature", 0.0),
        (273.15, "K", "water_temperature", 0.0),
        (350.0, "uS/cm", "soil_ec", 0.35),
        (36.0, "km/h", "wind_speed", 10.0),
        (1.0, "[in_i]", "precipitation", 25.4),
        (760.0, "mm[Hg]", "air_pressure", 1013.25),
        (0.65, "1", "air_humidity", 65.0),
        (3300.0, "mV", "battery_voltage", 3.3),
    ],
)
def test_worked_conversions(value, unit, quantity, expected):
    assert math.isclose(to_canonical(value, unit, quantity), expected, rel_tol=1e-6, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [("g/g", "soil_moisture"), ("kg/kg", "soil_moisture"), ("Cel", "soil_moisture"), ("", "co2")],
)
def test_a_unit_of_another_quantity_is_refused_with_the_known_ones(unit, quantity):
    with pytest.raises(UnknownUnit, match="use one of"):
        conversion(unit, quantity)


def test_an_unknown_quantity_is_refused():
    with pytest.raises(UnknownQuantity, match="mood"):
        conversion("1", "mood")


@given(st.sampled_from(sorted(QUANTITIES)), st.floats(-1e6, 1e6))
def test_the_canonical_unit_changes_nothing(key, value):
    assert to_canonical(value, QUANTITIES[key].unit, key) == value
