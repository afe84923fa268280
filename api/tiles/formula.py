"""Arithmetic over bands, ``(nir - red) / (nir + red)``, parsed to a tree: nothing is evaluated."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.remote.indices import Index
from models.errors import BadQuery

Array = NDArray[np.float32]
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)|([a-z][a-z0-9]*)|([-+*/()]))")
_LONGEST, _MOST, _DEEPEST, _LARGEST = 300, 100, 20, 1e6
_SIGNS: Final = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


@dataclass(frozen=True, slots=True)
class Joined:
    """Two parts joined by a sign."""

    sign: str
    left: "Part"
    right: "Part"


Part = float | str | Joined


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula over bands; equal ones are one key of the caches."""

    tree: Part
    bands: tuple[str, ...]

    def __call__(self, *values: Array) -> Array:
        """Compute it from one array a band; NaN where it is not finite."""
        given = dict(zip(self.bands, values, strict=True))
        with np.errstate(all="ignore"):
            made = np.asarray(_computed(self.tree, given), np.float32)
        return np.where(np.isfinite(made), made, np.float32(np.nan))


def _computed(part: Part, given: dict[str, Array]) -> Array | float:
    if isinstance(part, Joined):
        made: Array = _SIGNS[part.sign](_computed(part.left, given), _computed(part.right, given))
        return made
    return given[part] if isinstance(part, str) else part


def formula(text: str, roles: tuple[str, ...]) -> Index:
    """Read a formula over bands as an index.

    Raises
    ------
    BadQuery
        It is too long, too deep, names an unknown band or none, or cannot be read.
    """
    parser = _Parser(text)
    tree = parser.whole()
    bands = tuple(sorted(set(_named(tree))))
    if not bands:
        raise _bad("it names no band")
    for band in bands:
        if band not in roles:
            raise _bad(f"{band!r} is not one of {', '.join(roles)}")
    return Index(text, bands, Formula(tree, bands))


def _named(part: Part) -> list[str]:
    if isinstance(part, Joined):
        return _named(part.left) + _named(part.right)
    return [part] if isinstance(part, str) else []


def _bad(why: str) -> BadQuery:
    return BadQuery(option="expression", why=why)


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise _bad(f"it is longer than {_LONGEST} characters")
        self.tokens: list[str] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None or len(self.tokens) >= _MOST:
                raise _bad(f"cannot be read from {text[at : at + 20]!r} on")
            self.tokens.append(found[0].strip())
            at = found.end()
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def taken(self) -> str:
        token = self.next
        self.at += 1
        return token

    def whole(self) -> Part:
        made = self.sum(0)
        if self.next:
            raise _bad(f"{self.next!r} stands where a sign belongs")
        return made

    def sum(self, depth: int) -> Part:
        made = self.product(depth)
        while self.next in ("+", "-"):
            made = Joined(self.taken(), made, self.product(depth))
        return made

    def product(self, depth: int) -> Part:
        made = self.factor(depth)
        while self.next in ("*", "/"):
            made = Joined(self.taken(), made, self.factor(depth))
        return made

    def factor(self, depth: int) -> Part:
        if depth > _DEEPEST:
            raise _bad(f"it is nested more than {_DEEPEST} deep")
        word = self.taken()
        if word == "-":
            return Joined("-", 0.0, self.factor(depth + 1))
        if word == "(":
            inner = self.sum(depth + 1)
            if self.taken() != ")":
                raise _bad("a bracket is not closed")
            return inner
        if word[:1].isdigit() or word.startswith("."):
            number = float(word)
            if number > _LARGEST:
                raise _bad(f"a number is above {_LARGEST:.0f}")
            return number
        if not word.isalnum():
            raise _bad(f"{word or 'the end'!r} stands where a value belongs")
        return word
