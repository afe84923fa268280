"""UCUM unit codes, the part that multiplies: prefixes, powers, products and quotients.

Enough to compare the dimension of what a device declares with that of a quantity. Units with
an offset (Cel, [degF]) and units that only a quantity can tell apart (%, g/g, pH) are not
here: `models.units` has them by name.

Source: The Unified Code for Units of Measure 2.1, tables 1 to 3 and the grammar of section 2.
"""

import re
from functools import cache
from typing import NamedTuple

from models.errors import Invalid

_PREFIXES = {
    "G": 1e9,
    "M": 1e6,
    "k": 1e3,
    "h": 1e2,
    "da": 1e1,
    "d": 1e-1,
    "c": 1e-2,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
}

# exponents of metre, second, gram, kelvin, ampere, candela, mole
Dimension = tuple[int, int, int, int, int, int, int]
NONE: Dimension = (0, 0, 0, 0, 0, 0, 0)


class Unit(NamedTuple):
    """A factor to the base units, and the dimension."""

    factor: float
    dimension: Dimension

    def times(self, other: "Unit", power: int = 1) -> "Unit":
        """Multiply by another unit to a power."""
        raised = (a + power * b for a, b in zip(self.dimension, other.dimension, strict=True))
        return Unit(self.factor * other.factor**power, tuple(raised))  # type: ignore[arg-type]


# metric atoms take prefixes
_METRIC: dict[str, Unit] = {
    "m": Unit(1, (1, 0, 0, 0, 0, 0, 0)),
    "s": Unit(1, (0, 1, 0, 0, 0, 0, 0)),
    "g": Unit(1, (0, 0, 1, 0, 0, 0, 0)),
    "K": Unit(1, (0, 0, 0, 1, 0, 0, 0)),
    "A": Unit(1, (0, 0, 0, 0, 1, 0, 0)),
    "cd": Unit(1, (0, 0, 0, 0, 0, 1, 0)),
    "mol": Unit(1, (0, 0, 0, 0, 0, 0, 1)),
    "L": Unit(1e-3, (3, 0, 0, 0, 0, 0, 0)),
    "l": Unit(1e-3, (3, 0, 0, 0, 0, 0, 0)),
    "Hz": Unit(1, (0, -1, 0, 0, 0, 0, 0)),
    "N": Unit(1e3, (1, -2, 1, 0, 0, 0, 0)),
    "Pa": Unit(1e3, (-1, -2, 1, 0, 0, 0, 0)),
    "bar": Unit(1e8, (-1, -2, 1, 0, 0, 0, 0)),
    "J": Unit(1e3, (2, -2, 1, 0, 0, 0, 0)),
    "cal": Unit(4184.0, (2, -2, 1, 0, 0, 0, 0)),
    "W": Unit(1e3, (2, -3, 1, 0, 0, 0, 0)),
    "V": Unit(1e3, (2, -3, 1, 0, -1, 0, 0)),
    "Ohm": Unit(1e3, (2, -3, 1, 0, -2, 0, 0)),
    "S": Unit(1e-3, (-2, 3, -1, 0, 2, 0, 0)),
    "lm": Unit(1, (0, 0, 0, 0, 0, 1, 0)),
    "lx": Unit(1, (-2, 0, 0, 0, 0, 1, 0)),
    "m[H2O]": Unit(9.80665e6, (-1, -2, 1, 0, 0, 0, 0)),
    "m[Hg]": Unit(133.3224e6, (-1, -2, 1, 0, 0, 0, 0)),
    "t": Unit(1e6, (0, 0, 1, 0, 0, 0, 0)),
}
_PLAIN: dict[str, Unit] = {
    "min": Unit(60, (0, 1, 0, 0, 0, 0, 0)),
    "h": Unit(3600, (0, 1, 0, 0, 0, 0, 0)),
    "d": Unit(86400, (0, 1, 0, 0, 0, 0, 0)),
    "har": Unit(1e4, (2, 0, 0, 0, 0, 0, 0)),
    "atm": Unit(101325e3, (-1, -2, 1, 0, 0, 0, 0)),
    "[in_i]": Unit(0.0254, (1, 0, 0, 0, 0, 0, 0)),
    "[ft_i]": Unit(0.3048, (1, 0, 0, 0, 0, 0, 0)),
    "[mi_i]": Unit(1609.344, (1, 0, 0, 0, 0, 0, 0)),
    "[nmi_i]": Unit(1852.0, (1, 0, 0, 0, 0, 0, 0)),
    "[kn_i]": Unit(1852 / 3600, (1, -1, 0, 0, 0, 0, 0)),
    "[lb_av]": Unit(453.59237, (0, 0, 1, 0, 0, 0, 0)),
    "[psi]": Unit(6894.757293168e3, (-1, -2, 1, 0, 0, 0, 0)),
    "[in_i'Hg]": Unit(133.3224e6 * 0.0254, (-1, -2, 1, 0, 0, 0, 0)),
    "1": Unit(1, NONE),
    "10*": Unit(10, NONE),
    "10^": Unit(10, NONE),
}

# an atom, perhaps with an exponent, an operator, a bracket; {...} is an annotation
_TOKEN = re.compile(r"(?P<op>[./])|(?P<open>\()|(?P<close>\))|(?P<atom>10[*^]|1(?![0-9])|"
                    r"(?:[A-Za-z]+|\[[^\]\s]+\])(?:\[[^\]\s]+\])?)(?P<power>[+-]?\d{1,2})?|"
                    r"(?P<note>\{[^{}]*\})")  # fmt: skip
_LONGEST = 60


@cache
def parsed(code: str) -> Unit:
    """Read a unit code.

    Raises
    ------
    Invalid
        It is not UCUM, or not of the part that multiplies.
    """
    if not 0 < len(code) <= _LONGEST or not code.isascii():
        raise Invalid(why=f"{code[:_LONGEST]!r} is not a UCUM unit code")
    tokens, at = [], 0
    while at < len(code):
        found = _TOKEN.match(code, at)
        if found is None:
            raise Invalid(why=f"{code!r} is not a UCUM unit code at {code[at:]!r}")
        tokens.append(found)
        at = found.end()
    unit, rest = _term(tokens, 0, code)
    if rest != len(tokens):
        raise Invalid(why=f"{code!r} closes a bracket that was not opened")
    return unit


def _term(tokens: list[re.Match[str]], at: int, code: str) -> tuple[Unit, int]:
    """Read components joined by . and /, from left to right as UCUM has it."""
    unit, power, wanted = Unit(1, NONE), 1, True
    while at < len(tokens) and not tokens[at]["close"]:
        token = tokens[at]
        at += 1
        if token["op"]:
            if wanted and not (token["op"] == "/" and at == 1):
                raise Invalid(why=f"{code!r} has two operators in a row")
            power, wanted = (-1 if token["op"] == "/" else 1), True
        elif token["note"]:
            wanted = False  # {water}: a note that means nothing to arithmetic
        elif not wanted:
            raise Invalid(why=f"{code!r} lacks an operator")
        elif token["open"]:
            inner, at = _term(tokens, at, code)
            if at >= len(tokens):
                raise Invalid(why=f"{code!r} does not close a bracket")
            unit, wanted, at = unit.times(inner, power), False, at + 1
        else:
            exponent = power * int(token["power"] or 1)
            unit, wanted = unit.times(_atom(token["atom"], code), exponent), False
    if wanted:
        raise Invalid(why=f"{code!r} ends before its last unit")
    return unit, at


def _atom(name: str, code: str) -> Unit:
    known = _METRIC.get(name) or _PLAIN.get(name)
    if known is not None:
        return known
    for length in (2, 1):
        prefix, rest = _PREFIXES.get(name[:length]), _METRIC.get(name[length:])
        if prefix is not None and rest is not None:
            return Unit(prefix * rest.factor, rest.dimension)
    raise Invalid(why=f"{name!r} in {code!r} is not a unit known here")
