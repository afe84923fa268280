import pytest

from models import ucum
from models.errors import Invalid, UnknownUnit
from models.quantity import QUANTITIES
from models.units import conversion, to_canonical


@pytest.mark.parametrize(
    ("code", "factor"),
    [
        ("m", 1),
        ("km/h", 1000 / 3600),
        ("m.s-1", 1),
        ("/s", 1),
        ("kg/(m.s2)", 1000),
        ("J/m2/s", 1000),
        ("10*-3.m", 1e-3),
        ("mg{water}/L", 1.0),
        ("m[H2O]", 9.80665e6),
        ("mm[Hg]", 133322.4),
        ("dam", 10),
        ("cd", 1),
        ("min", 60),
    ],
)
def test_codes_of_the_standard(code, factor):
    assert ucum.parsed(code).factor == pytest.approx(factor)


@pytest.mark.parametrize(
    "code",
    ["", "m//s", "m s", "m.", "(m", "m)", "furlong", "m2m", "°C", "m" * 99, "{x", "..", "m^2"],
)
def test_what_is_not_a_code_is_refused(code):
    with pytest.raises(Invalid):
        ucum.parsed(code)


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "canonical"),
    [
        (1, "S/m", "soil_ec", 10),
        (250, "mS/m", "soil_ec", 2.5),
        (1.013, "bar", "air_pressure", 1013),
        (29.92, "[in_i'Hg]", "air_pressure", 1013.2),
        (14.7, "[psi]", "air_pressure", 1013.5),
        (1, "[ft_i]/s", "wind_speed", 0.3048),
        (0.5, "kW/m2", "solar_radiation", 500),
        (8, "g/m3", "dissolved_oxygen", 8),
        (8000, "ug/L", "dissolved_oxygen", 8),
        (0.002, "m", "precipitation", 2),
        (3.3e6, "uV", "battery_voltage", 3.3),
    ],
)
def test_units_of_the_same_dimension_convert(value, unit, quantity, canonical):
    assert to_canonical(value, unit, quantity) == pytest.approx(canonical, rel=2e-4)


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [
        ("g/g", "soil_moisture"),
        ("kg/kg", "soil_moisture"),
        ("mm", "soil_moisture"),
        ("m/s", "soil_ec"),
        ("mol/L", "dissolved_oxygen"),
        ("W", "solar_radiation"),
        ("L/m2/h", "precipitation"),
        ("1", "air_temperature"),
    ],
)
def test_units_of_another_dimension_are_refused(unit, quantity):
    with pytest.raises(UnknownUnit, match="unit"):
        conversion(unit, quantity)


def test_every_canonical_unit_converts_to_itself():
    for key, quantity in QUANTITIES.items():
        assert conversion(quantity.unit, key) == (1.0, 0.0)
