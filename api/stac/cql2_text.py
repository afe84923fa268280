"""CQL2 filters (OGC 21-065r2) as text: a scanner and a recursive-descent parser."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import box

from api.stac.cql2 import (
    COMPARE,
    DEEPEST,
    MOST,
    among_of,
    bad,
    combined,
    folded,
    instant,
    refuse,
    sound,
    span_of,
    spatial,
    temporal,
)
from models.predicate import Call, Constant, Expression, Path

_LONGEST = 8_000  # characters
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<wkt>(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\s*(?=\())
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^']|'')*')
    | "(?P<quoted>[^"]+)"
    | (?P<word>[A-Za-z_][\w.:-]*)
    | (?P<mark><=|>=|<>|[(),=<>])
    )""",
    re.VERBOSE | re.IGNORECASE,
)


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind in ("word", "mark") else ""


def from_text(source: str) -> Expression:
    """Read CQL2 text.

    Raises
    ------
    BadQuery
        It cannot be read.
    """
    if len(source) > _LONGEST:
        refuse(f"it is longer than {_LONGEST} characters")
    parser = _Parser(_scanned(source))
    made = parser.either(0)
    if parser.next.kind != "end":
        refuse(f"cannot be read from {parser.next.text[:20]!r} on")
    return made


def _scanned(source: str) -> list[_Token]:
    found, at, end = [], 0, len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            refuse(f"cannot be read from {source[at : at + 20]!r} on")
        kind = match.lastgroup or ""
        at = match.end() if kind != "wkt" else _closed(source, match.end())
        found.append(_Token(kind, source[match.start(kind) : at] if kind == "wkt" else match[kind]))
    return [*found, _Token("end", "")]


def _closed(source: str, at: int) -> int:
    """Return where the bracket that opens at a place is closed."""
    depth = 0
    for end in range(at, len(source)):
        depth += (source[end] == "(") - (source[end] == ")")
        if depth == 0:
            return end + 1
    raise bad("a bracket is not closed")


class _Parser:
    """Recursive descent: or, and, not, predicate."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def taken(self) -> _Token:
        token = self.next
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def accepts(self, word: str) -> bool:
        if self.next.word != word:
            return False
        self.taken()
        return True

    def expect(self, word: str) -> None:
        if not self.accepts(word):
            refuse(f"{word!r} is missing before {self.next.text[:20]!r}")

    def either(self, depth: int) -> Expression:
        if depth > DEEPEST:
            refuse(f"it is nested more than {DEEPEST} deep")
        return self._row("or", lambda: self._row("and", lambda: self.denied(depth)))

    def _row(self, word: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self.accepts(word):
            parts.append(part())
        if len(parts) > MOST:
            refuse(f"it joins more than {MOST} conditions")
        return folded(word, parts)

    def denied(self, depth: int) -> Expression:
        if self.accepts("not"):
            if depth > DEEPEST:
                refuse(f"it is nested more than {DEEPEST} deep")
            return Call("not", (self.denied(depth + 1),))
        if self.accepts("("):
            inner = self.either(depth + 1)
            self.expect(")")
            return inner
        word = self.next.word
        if word == "s_intersects" or word.startswith("t_"):
            return self._function(word)
        return self._predicate(self.operand())

    def _function(self, word: str) -> Expression:
        self.taken()
        self.expect("(")
        at = self.operand()
        self.expect(",")
        made = (
            spatial(at, self._shape())
            if word == "s_intersects"
            else temporal(word, at, self._time())
        )
        self.expect(")")
        return made

    def _shape(self) -> shapely.Geometry:
        token = self.taken()
        if token.kind == "wkt":
            try:
                return sound(shapely.from_wkt(token.text))
            except ShapelyError:
                refuse("a geometry cannot be read")
        if token.word == "bbox":
            sides = self._list()
            numbers = [one.value for one in sides if isinstance(one, Constant)]
            if len(numbers) == 4 and all(isinstance(one, int | float) for one in numbers):
                return sound(box(*numbers))
        raise bad("s_intersects takes a WKT geometry or BBOX(...)")

    def _time(self) -> tuple[datetime | None, datetime | None]:
        if self.accepts("interval"):
            ends = [one.value for one in self._list() if isinstance(one, Constant)]
            return span_of({"interval": ends})
        made = self.operand()
        value = made.value if isinstance(made, Constant) else None
        at = value if isinstance(value, datetime) else instant(value)
        return at, at

    def _list(self) -> list[Expression]:
        self.expect("(")
        found = [self.operand()]
        while self.accepts(","):
            found.append(self.operand())
        self.expect(")")
        return found

    def _predicate(self, left: Expression) -> Expression:
        if self.next.text in COMPARE and self.next.kind == "mark":
            return combined(self.taken().text, [left, self.operand()])
        if self.accepts("is"):
            denied = self.accepts("not")
            self.expect("null")
            made = Call("isnull", (left,))
            return Call("not", (made,)) if denied else made
        denied = self.accepts("not")
        made_of = self._worded(left)
        return Call("not", (made_of,)) if denied else made_of

    def _worded(self, left: Expression) -> Expression:
        if self.accepts("like"):
            return combined("like", [left, self.operand()])
        if self.accepts("in"):
            return among_of(left, self._list())
        if self.accepts("between"):
            low = self.operand()
            self.expect("and")
            return combined("between", [left, low, self.operand()])
        raise bad(f"{self.next.text[:20]!r} is no comparison")

    def operand(self) -> Expression:
        token = self.taken()
        if token.kind == "number":
            number = float(token.text)
            return Constant(number) if abs(number) < 1e300 else refuse("a number is too large")
        if token.kind == "text":
            return Constant(token.text[1:-1].replace("''", "'"))
        if token.kind == "quoted":
            return Path((token.text,))
        if token.word in ("true", "false"):
            return Constant(token.word == "true")
        if token.word in ("timestamp", "date"):
            value = self._list()[0]
            return Constant(instant(value.value if isinstance(value, Constant) else None))
        if token.kind == "word":
            return Path((token.text,))
        raise bad(f"{token.text[:20]!r} stands where a value belongs")
