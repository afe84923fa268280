"""Conversions to canonical units; refuses unknown ones.

A unit is accepted only for quantities it can measure: a percentage is a volumetric share
for ``soil_moisture`` because the quantity is volumetric by definition; a gravimetric unit
(g/g, kg/kg) is refused there, for it measures something else. Any other UCUM code is compared by
its dimension.
"""

from threading import Lock

from models import ucum
from models.errors import Invalid, UnknownUnit
from models.quantity import quantity

# unit as written -> (factor, offset): canonical = value * factor + offset.
# UCUM codes first, then spellings met in real payloads. Source of factors: SI Brochure 9th
# ed.; inch = 25.4 mm, knot = 1852/3600 m/s, mmHg = 1.333224 hPa are exact or conventional.
_SAME = (1.0, 0.0)
_TEMPERATURE = {
    "Cel": _SAME,
    "°C": _SAME,
    "℃": _SAME,
    "C": _SAME,
    "degC": _SAME,
    "[degF]": (5 / 9, -160 / 9),
    "°F": (5 / 9, -160 / 9),
    "F": (5 / 9, -160 / 9),
    "K": (1.0, -273.15),
}
_PERCENT = {"%": _SAME, "1": (100.0, 0.0), "%RH": _SAME, "%{RH}": _SAME}
_DEPTH = {"mm": _SAME, "cm": (10.0, 0.0), "[in_i]": (25.4, 0.0), "in": (25.4, 0.0)}
_INDICES = ("ndvi", "evi", "evi2", "savi", "ndwi", "mndwi", "ndmi", "ndre", "gndvi", "bsi")
_CONCENTRATION = {"mg/L": _SAME, "mg/l": _SAME, "g/m3": _SAME}

_UNITS: dict[str, dict[str, tuple[float, float]]] = {
    "soil_temperature": _TEMPERATURE,
    "air_temperature": _TEMPERATURE,
    "water_temperature": _TEMPERATURE,
    "dew_point": _TEMPERATURE,
    "soil_moisture": {
        "m3/m3": _SAME,
        "m³/m³": _SAME,
        "%": (0.01, 0.0),
        "%{vol}": (0.01, 0.0),
        "%VWC": (0.01, 0.0),
        "cm3/cm3": _SAME,
    },
    "soil_ec": {
        "dS/m": _SAME,
        "mS/cm": _SAME,
        "uS/cm": (0.001, 0.0),
        "µS/cm": (0.001, 0.0),
        "us/cm": (0.001, 0.0),
        "mS/m": (0.01, 0.0),
    },
    "air_humidity": _PERCENT,
    "precipitation": _DEPTH,
    "precipitation_total": _DEPTH,
    "wind_speed": {
        "m/s": _SAME,
        "km/h": (1 / 3.6, 0.0),
        "[kn_i]": (1852 / 3600, 0.0),
        "[mi_i]/h": (0.44704, 0.0),
        "mph": (0.44704, 0.0),
    },
    "wind_direction": {"deg": _SAME, "°": _SAME, "rad": (57.29577951308232, 0.0)},
    "air_pressure": {
        "hPa": _SAME,
        "mbar": _SAME,
        "kPa": (10.0, 0.0),
        "Pa": (0.01, 0.0),
        "mm[Hg]": (1.333224, 0.0),
    },
    "solar_radiation": {
        "W/m2": _SAME,
        "W/m²": _SAME,
        # a langley is 1 cal_th/cm2 = 41,840 J/m2 (NIST SP 811, appendix B.8): the mean of an hour
        "cal_th/cm2/h": (41_840 / 3600, 0.0),
        "Ly/h": (41_840 / 3600, 0.0),
        "MJ/m2/h": (1e6 / 3600, 0.0),
    },
    "illuminance": {"lx": _SAME, "klx": (1000.0, 0.0)},
    "co2": {"[ppm]": _SAME, "ppm": _SAME},
    "water_ph": {"[pH]": _SAME, "pH": _SAME, "1": _SAME},
    "dissolved_oxygen": _CONCENTRATION,
    "turbidity": {"[NTU]": _SAME, "NTU": _SAME, "{NTU}": _SAME},
    "battery_voltage": {"V": _SAME, "mV": (0.001, 0.0)},
    "battery_level": _PERCENT,
    **{key: {"1": _SAME} for key in _INDICES},
    "water_share": {"1": _SAME, "%": (0.01, 0.0)},
    "bare_share": {"1": _SAME, "%": (0.01, 0.0)},
    "vci": _PERCENT,
    "valid_share": _PERCENT,
}


def conversion(unit: str, quantity_key: str) -> tuple[float, float]:
    """Factor and offset that take ``unit`` to the canonical unit of a quantity.

    Parameters
    ----------
    unit : str
        UCUM code or a spelling met in real payloads.
    quantity_key : str
        Key in the register of quantities.

    Returns
    -------
    tuple of float
        ``(factor, offset)`` with canonical = value * factor + offset.

    Raises
    ------
    UnknownQuantity, UnknownUnit
        The quantity is not registered, or the unit does not measure it.
    """
    canonical = quantity(quantity_key).unit
    known = _UNITS[quantity_key]
    try:
        return known[unit]
    except KeyError:
        factor = _by_dimension(unit, canonical)
    if factor is None:
        names = ", ".join(known)
        raise UnknownUnit(unit=unit, quantity=quantity_key, known=names)
    return factor, 0.0


def _by_dimension(unit: str, canonical: str) -> float | None:
    """Compare two UCUM codes; None unless they measure the same dimension.

    Two shares have the same dimension and may be different things (by volume, by mass):
    where the canonical unit is one, only the units named above are taken.
    """
    try:
        given, wanted = ucum.parsed(unit), ucum.parsed(canonical)
    except Invalid:
        return None
    if given.dimension != wanted.dimension or wanted.dimension == ucum.NONE:
        return None
    return given.factor / wanted.factor


def to_canonical(value: float, unit: str, quantity_key: str) -> float:
    """Convert one value to the canonical unit of its quantity (see `conversion`)."""
    factor, offset = conversion(unit, quantity_key)
    return value * factor + offset


def known(unit: str) -> bool:
    """Tell whether a unit measures any registered quantity."""
    return any(unit in spellings for spellings in _UNITS.values())


_numbers: dict[str, int] = {"": 0}
_codes: list[str] = [""]
_numbering = Lock()


def number(code: str) -> int:
    """Return the number that stands for a unit in blocks of readings of this process.

    0 is the empty code: the canonical unit of the quantity. The store has its own numbers.
    """
    found = _numbers.get(code)
    if found is None:
        with _numbering:
            if code not in _numbers:
                _codes.append(code)  # first: whoever finds the number may ask for the code
                _numbers[code] = len(_codes) - 1
        found = _numbers[code]
    return found


def code(numbered: int) -> str:
    """Return the unit that a number of `number` stands for."""
    return _codes[numbered]
