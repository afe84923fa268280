"""The query options of SensorThings 1.1 (OData 4 ABNF, the part that the standard names).

A scanner and a recursive-descent parser; what they make is a tree of `models.predicate`.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, NoReturn, TypeVar

from api.schemas.shape import parse_instant, plausible
from models.errors import BadQuery
from models.predicate import Call, Constant, Expansion, Expression, Operation, Options, Order, Path

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<instant>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+\- ]\d\d:\d\d))?)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^']|'')*')
    | (?P<option>\$[A-Za-z]+)
    | (?P<word>[A-Za-z_@][\w.@:]*)
    | (?P<mark>[(),;=/-])
    )""",
    re.VERBOSE,
)
_LONGEST = 8_000  # characters of an option
_DEEPEST = 40  # brackets within brackets
_MOST_DIGITS = 40
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
# binding from the loosest to the tightest, OData 4 section 5.1.1.14
_BINDING: Final = (
    ("or",),
    ("and",),
    ("eq", "ne"),
    ("gt", "ge", "lt", "le"),
    ("add", "sub"),
    ("mul", "div", "mod"),
)
_DENIAL = 2  # place of ``not``: tighter than "and", looser than a comparison
_MOST_JOINED, _MOST_COUNTED = 200, 30  # conditions in a row; sums and comparisons in a row
_MOST_TERMS = 10
_MOST_SKIPPED = 10_000_000
Made = TypeVar("Made")


class Token(NamedTuple):
    """A word of an option: its kind, its text and where it stands."""

    kind: str
    text: str
    at: int
    end: int


def _scanned(option: str, source: str) -> list[Token]:
    if len(source) > _LONGEST:
        raise BadQuery(option=option, why=f"it is longer than {_LONGEST} characters")
    tokens, at, end = [], 0, len(source.rstrip())
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None:
            raise BadQuery(option=option, why=f"cannot be read from {source[at : at + 20]!r} on")
        kind = found.lastgroup or ""
        tokens.append(Token(kind, found[kind], found.start(kind), found.end()))
        at = found.end()
    return [*tokens, Token("end", "", end, end)]


class _Parser:
    """Reads one option from its words."""

    def __init__(self, option: str, source: str) -> None:
        self.option = option
        self.source = source
        self.tokens = _scanned(option, source)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def taken(self) -> Token:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def accepts(self, *texts: str) -> bool:
        """Take the next word when it is one of some."""
        if self.next.kind in ("mark", "word") and self.next.text in texts:
            self.taken()
            return True
        return False

    def expects(self, text: str) -> None:
        if not self.accepts(text):
            self.fails(f"{text!r} is expected")

    def fails(self, why: str) -> NoReturn:
        there = self.source[self.next.at : self.next.at + 20]
        where = f"before {there!r}" if there else "at the end"
        raise BadQuery(option=self.option, why=f"{why} {where}")

    def expression(self, level: int = 0) -> Expression:
        if level == len(_BINDING):
            return self.unary()
        # "not a eq b" denies the comparison: the ABNF gives it all that follows
        if level == _DENIAL and self.next[:2] == ("word", "not"):
            self.taken()
            return Call("not", (self.nested(lambda: self.expression(_DENIAL)),))
        left = self.expression(level + 1)
        most = _MOST_JOINED if level < _DENIAL else _MOST_COUNTED
        while self.next.kind == "word" and self.next.text in _BINDING[level]:
            sign = self.taken().text
            left = Operation(sign, left, self.expression(level + 1))
            most -= 1
            if most == 0:
                self.fails("it has too many parts")
        return left

    def unary(self) -> Expression:
        if self.accepts("-"):
            return Call("-", (self.nested(self.unary),))
        return self.primary()

    def nested(self, parse: Callable[[], Made]) -> Made:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fails(f"it is nested more than {_DEEPEST} deep")
        made = parse()
        self.depth -= 1
        return made

    def primary(self) -> Expression:
        if self.accepts("("):
            inner = self.nested(self.expression)
            self.expects(")")
            return inner
        token = self.next
        if token.kind == "word":
            return self.named()
        if token.kind not in ("instant", "number", "text"):
            self.fails("a value is expected")
        return Constant(self.literal())

    def literal(self) -> int | float | str | datetime:
        token = self.taken()
        if token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "instant":
            return _instant(self.option, token.text)
        if len(token.text) > _MOST_DIGITS:
            self.fails("a number is too long")
        return float(token.text) if re.search(r"[.eE]", token.text) else int(token.text)

    def named(self) -> Expression:
        word = self.taken().text
        if word in _CONSTANTS:
            return Constant(_CONSTANTS[word])
        if self.accepts("("):
            return Call(word, self.nested(self.arguments))
        return Path(self.steps(word))

    def arguments(self) -> tuple[Expression, ...]:
        if self.accepts(")"):
            return ()
        given = [self.expression()]
        while self.accepts(","):
            given.append(self.expression())
        self.expects(")")
        return tuple(given)

    def steps(self, first: str | None = None) -> tuple[str, ...]:
        steps = [self.word() if first is None else first]
        while self.accepts("/"):
            steps.append(self.word())
        return tuple(steps)

    def word(self) -> str:
        if self.next.kind != "word":
            self.fails("a name is expected")
        return self.taken().text

    def orders(self) -> tuple[Order, ...]:
        return self.several(self.order)

    def order(self) -> Order:
        by = self.expression()
        down = self.next.text == "desc"
        self.accepts("asc", "desc")
        return Order(by, down)

    def several(self, parse: Callable[[], Made]) -> tuple[Made, ...]:
        found = [parse()]
        while self.accepts(","):
            found.append(parse())
            if len(found) > _MOST_TERMS:
                self.fails(f"more than {_MOST_TERMS} terms")
        return tuple(found)

    def selection(self) -> tuple[str, ...]:
        return tuple("/".join(steps) for steps in self.several(self.steps))

    def expansions(self) -> tuple[Expansion, ...]:
        return self.several(self.expansion)

    def expansion(self) -> Expansion:
        steps = self.steps()
        options = self.nested(self.options) if self.accepts("(") else Options()
        # Datastreams/Observations is Datastreams($expand=Observations)
        for step in reversed(steps[1:]):
            options = Options(expand=(Expansion(step, options),))
        return Expansion(steps[0], options)

    def options(self) -> Options:
        given: dict[str, object] = {}
        said: dict[str, str] = {}
        while True:
            if self.next.kind != "option":
                self.fails("an option is expected")
            name = self.taken().text
            self.expects("=")
            begin = self.next.at
            if name[1:] in given:
                self.fails(f"{name} comes twice")
            given[name[1:]] = self.value_of(name)
            said[name] = self.source[begin : self.tokens[self.at - 1].end].strip()
            if self.accepts(")"):
                return Options(said=said, **given)  # type: ignore[arg-type]
            self.expects(";")

    def value_of(self, name: str) -> object:
        parse = _OPTIONS.get(name)
        if parse is None:
            self.fails(f"there is no option {name!r} here")
        return parse(self)

    def number(self) -> int:
        token = self.next
        if token.kind != "number" or not token.text.isdecimal():
            self.fails("a whole number is expected")
        self.taken()
        return min(int(token.text[:_MOST_DIGITS]), _MOST_SKIPPED)

    def truth(self) -> bool:
        if self.next.text not in ("true", "false"):
            self.fails("true or false is expected")
        return self.taken().text == "true"

    def whole(self, parse: Callable[["_Parser"], Made]) -> Made:
        made = parse(self)
        if self.next.kind != "end":
            self.fails("nothing more is expected")
        return made


_OPTIONS: dict[str, Callable[[_Parser], object]] = {
    "$filter": _Parser.expression,
    "$orderby": _Parser.orders,
    "$select": _Parser.selection,
    "$expand": _Parser.expansions,
    "$top": _Parser.number,
    "$skip": _Parser.number,
    "$count": _Parser.truth,
}


def options_of(said: dict[str, str]) -> Options:
    """Read the options of a request.

    Parameters
    ----------
    said : dict of str
        Option, with its ``$``, and what was given for it.

    Raises
    ------
    BadQuery
        One of them cannot be read.
    """
    given = {name[1:]: _Parser(name, text).whole(_OPTIONS[name]) for name, text in said.items()}
    return Options(said=said, **given)  # type: ignore[arg-type]


def _instant(option: str, text: str) -> datetime:
    try:
        read = parse_instant(text)
        instant = read if isinstance(read, datetime) else datetime.fromisoformat(str(read))
        return plausible(instant)
    except ValueError as error:
        raise BadQuery(option=option, why=f"{text!r} is no time: {error}") from None


_SEGMENT = re.compile(r"(\$?[A-Za-z][\w.]*|@iot\.\w+)(?:\((-?\d{1,19}|'(?:[^']|'')*')\))?")


class Segment(NamedTuple):
    """A step of an address: a name and the key in brackets, if any."""

    name: str
    key: int | str | None


def address(path: str) -> list[Segment]:
    """Read the path of a resource: ``Things(1)/Datastreams/$ref``.

    Raises
    ------
    BadQuery
        It is no such path.
    """
    segments, at = [], 0
    while True:
        found = _SEGMENT.match(path, at)
        if found is None or (found.end() < len(path) and path[found.end()] != "/"):
            raise BadQuery(option="path", why=f"cannot be read from {path[at : at + 20]!r} on")
        key = found[2]
        text = key is not None and key.startswith("'")
        read = key[1:-1].replace("''", "'") if text else key
        segments.append(Segment(found[1], read if text or read is None else int(read)))
        if found.end() >= len(path):
            return segments
        at = found.end() + 1
