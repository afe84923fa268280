"""Expressions as SQL: names come from the model only, every value is bound."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from models.errors import BadQuery
from models.predicate import Call, Constant, Expression, Operation, Path, paths
from models.quantity import QUANTITIES
from models.store.database import queries
from models.store.sensorthings.model import ENTITIES, Entity, Kind, Navigation

_COMPARE = {"eq": "=", "ne": "IS DISTINCT FROM", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_COUNT = {"add": "+", "sub": "-", "mul": "*"}
_NUMBERS = ("integer", "number")
_TYPES: dict[Kind, str] = {
    "integer": "bigint",
    "number": "float8",
    "text": "text",
    "instant": "timestamptz",
    "boolean": "boolean",
}
_LARGEST = 2**63  # beyond int8 a number is a float8
_DEEPEST = 40  # nested parts of an expression

# function -> kinds of what is given, kind of the result, SQL
_FUNCTIONS: dict[str, tuple[tuple[Kind, ...], Kind, str]] = {
    "substringof": (("text", "text"), "boolean", "position({0} in {1}) > 0"),
    "contains": (("text", "text"), "boolean", "position({1} in {0}) > 0"),
    "startswith": (("text", "text"), "boolean", "starts_with({0}, {1})"),
    "endswith": (("text", "text"), "boolean", "right({0}, length({1})) = {1}"),
    "length": (("text",), "integer", "length({0})"),
    "indexof": (("text", "text"), "integer", "position({1} in {0}) - 1"),
    "tolower": (("text",), "text", "lower({0})"),
    "toupper": (("text",), "text", "upper({0})"),
    "trim": (("text",), "text", "btrim({0})"),
    "concat": (("text", "text"), "text", "{0} || {1}"),
    "year": (("instant",), "integer", "CAST(extract(year FROM {0}) AS bigint)"),
    "month": (("instant",), "integer", "CAST(extract(month FROM {0}) AS bigint)"),
    "day": (("instant",), "integer", "CAST(extract(day FROM {0}) AS bigint)"),
    "hour": (("instant",), "integer", "CAST(extract(hour FROM {0}) AS bigint)"),
    "minute": (("instant",), "integer", "CAST(extract(minute FROM {0}) AS bigint)"),
    "second": (("instant",), "integer", "CAST(floor(extract(second FROM {0})) AS bigint)"),
    "now": ((), "instant", "now()"),
    "mindatetime": ((), "instant", "CAST('-infinity' AS timestamptz)"),
    "maxdatetime": ((), "instant", "CAST('infinity' AS timestamptz)"),
    "round": (("number",), "number", "CAST(round(CAST({0} AS numeric)) AS float8)"),
    "floor": (("number",), "number", "floor({0})"),
    "ceiling": (("number",), "number", "ceil({0})"),
    "not": (("boolean",), "boolean", "NOT {0}"),
    "-": (("number",), "number", "- {0}"),
}


class Term(NamedTuple):
    """An expression in SQL and the kind of its values; NULL itself has none."""

    sql: str
    kind: Kind | None
    nullable: bool = True


@dataclass(slots=True)
class Statement:
    """What the parts of one statement share: bound values and the names of relations."""

    prefix: str
    bound: dict[str, Any] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    def bind(self, value: object, kind: str) -> str:
        """Bind a value; returns the text that stands for it."""
        name = f"v{next(self._numbers)}"
        self.bound[name] = value
        return f"CAST(:{name} AS {kind})"

    def relation(self, entity: Entity) -> tuple[str, str]:
        """Return a relation of entities in scope, and its alias."""
        alias = f"e{next(self._numbers)}"
        body = queries("sensorthings")[entity.relation].text.strip().rstrip(";")
        if ":prefix" in body:
            self.bound["prefix"] = self.prefix
        if ":keys" in body:
            self.bound |= _REGISTER
        return f"(\n{body}\n) AS {alias}", alias


_REGISTER: dict[str, Any] = {
    "keys": list(QUANTITIES),
    "names_zh": [q.zh for q in QUANTITIES.values()],
    "names_en": [q.en for q in QUANTITIES.values()],
    "units": [q.unit for q in QUANTITIES.values()],
}


class Scope:
    """A relation of entities, and those joined to it over navigations to one entity."""

    def __init__(self, statement: Statement, entity: Entity) -> None:
        self.statement = statement
        self.entity = entity
        self.source, self.alias = statement.relation(entity)
        self._joined: dict[tuple[str, ...], tuple[str, Entity]] = {}
        self._joins: list[str] = []

    @property
    def tables(self) -> str:
        """The relation with its joins, for FROM."""
        return " ".join([self.source, *self._joins])

    def condition(self, expression: Expression) -> str:
        """Write a condition."""
        term = self.term(expression)
        if term.kind != "boolean":
            raise BadQuery(option="$filter", why="it is not a condition")
        return term.sql

    def term(self, expression: Expression, depth: int = 0) -> Term:
        """Write an expression."""
        if depth > _DEEPEST:
            raise BadQuery(option="$filter", why=f"it is nested more than {_DEEPEST} deep")
        if isinstance(expression, Constant):
            return self._constant(expression)
        if isinstance(expression, Path):
            return self._property(expression.steps)
        if isinstance(expression, Operation) and expression.sign in ("and", "or"):
            return self._junction(expression, depth)
        if isinstance(expression, Operation) or expression.name != "not":
            there = self._many(expression)
            if there:
                return self._some(expression, there)
        if isinstance(expression, Call):
            return self._call(expression, depth)
        left, right = (self.term(e, depth + 1) for e in (expression.left, expression.right))
        if expression.sign in _COMPARE:
            return self._comparison(expression.sign, left, right)
        return self._arithmetic(expression.sign, left, right)

    def _constant(self, given: Constant) -> Term:
        value = given.value
        if value is None:
            return Term("NULL", None)
        kind: Kind = "text"
        if isinstance(value, bool):
            kind = "boolean"
        elif isinstance(value, int) and abs(value) < _LARGEST:
            kind = "integer"
        elif isinstance(value, int | float):
            kind, value = "number", float(value)
        elif isinstance(value, datetime):
            kind = "instant"
        return Term(self.statement.bind(value, _TYPES[kind]), kind, nullable=False)

    def _junction(self, given: Operation, depth: int) -> Term:
        # a chain leans to the left: it is written flat, or a long one would nest too deep
        chain, rest = [given.right], given.left
        while isinstance(rest, Operation) and rest.sign == given.sign:
            chain.append(rest.right)
            rest = rest.left
        parts = [self.term(part, depth + 1) for part in (rest, *reversed(chain))]
        if any(part.kind != "boolean" for part in parts):
            raise BadQuery(option="$filter", why=f"{given.sign!r} joins two conditions")
        return Term(f"({f' {given.sign.upper()} '.join(p.sql for p in parts)})", "boolean")

    def _comparison(self, sign: str, left: Term, right: Term) -> Term:
        if left.kind is None or right.kind is None:
            if sign not in ("eq", "ne"):
                raise BadQuery(option="$filter", why="null is only compared with eq and ne")
            other = left if right.kind is None else right
            word = "IS NULL" if sign == "eq" else "IS NOT NULL"
            return Term(f"({other.sql} {word})", "boolean")
        kinds = {left.kind, right.kind}
        if len(kinds) > 1 and not kinds <= set(_NUMBERS):
            raise BadQuery(
                option="$filter", why=f"a value of kind {left.kind} is compared with {right.kind}"
            )
        return Term(f"({left.sql} {_COMPARE[sign]} {right.sql})", "boolean")

    def _arithmetic(self, sign: str, left: Term, right: Term) -> Term:
        if left.kind not in _NUMBERS or right.kind not in _NUMBERS:
            raise BadQuery(option="$filter", why=f"{sign!r} takes two numbers")
        a, b = (f"CAST({part.sql} AS float8)" for part in (left, right))
        if sign in _COUNT:
            return Term(f"({a} {_COUNT[sign]} {b})", "number")
        if sign == "div":
            return Term(f"({a} / NULLIF({b}, 0))", "number")
        # float8 has no modulo of its own
        exact = f"mod(CAST({left.sql} AS numeric), NULLIF(CAST({right.sql} AS numeric), 0))"
        return Term(f"CAST({exact} AS float8)", "number")

    def _call(self, given: Call, depth: int) -> Term:
        if given.name == "substring" and len(given.given) in (2, 3):
            return self._substring(given, depth)
        known = _FUNCTIONS.get(given.name)
        if known is None or len(known[0]) != len(given.given):
            raise BadQuery(
                option="$filter", why=f"there is no function {given.name!r} of {len(given.given)}"
            )
        kinds, result, sql = known
        parts = [self.term(part, depth + 1) for part in given.given]
        for part, kind in zip(parts, kinds, strict=True):
            _fits(given.name, part, kind)
        return Term(f"({sql.format(*(part.sql for part in parts))})", result)

    def _substring(self, given: Call, depth: int) -> Term:
        text, *cuts = (self.term(part, depth + 1) for part in given.given)
        _fits("substring", text, "text")
        for cut in cuts:
            _fits("substring", cut, "integer")
        # OData counts from 0; a cut beyond int4 is clamped, not an overflow
        low, *size = (f"CAST(LEAST(GREATEST({c.sql}, 0), 1000000) AS int)" for c in cuts)
        given_to = "".join(f", {part}" for part in (f"{low} + 1", *size))
        return Term(f"substr({text.sql}{given_to})", "text")

    def _property(self, steps: tuple[str, ...]) -> Term:
        alias, entity = self.alias, self.entity
        walked: tuple[str, ...] = ()
        while len(steps) > len(walked) + 1 and steps[len(walked)] in entity.navigations:
            step = steps[len(walked)]
            navigation = entity.navigations[step]
            rest = steps[len(walked) + 1 :]
            other = ENTITIES[navigation.to]
            # the key of the other end is a column of ours: no join, and an index serves it
            if rest == ("id",) and other.key == (navigation.there,):
                return Term(f"{alias}.{navigation.here}", other.properties["id"].kind)
            walked = (*walked, step)
            alias, entity = self._join(walked, alias, navigation)
        name = "/".join(steps[len(walked) :])
        found = entity.properties.get("id" if name == "@iot.id" else name)
        if found is None:
            known = ", ".join(entity.properties)
            why = f"{entity.name} has no property {name!r} to ask for; it has: {known}"
            raise BadQuery(option="$filter or $orderby", why=why)
        return Term(found.of(alias), found.kind, found.nullable or bool(walked))

    def _join(
        self, walked: tuple[str, ...], alias: str, navigation: Navigation
    ) -> tuple[str, Entity]:
        if navigation.many:
            why = f"{'/'.join(walked)} leads to many entities, which have no order"
            raise BadQuery(option="$orderby", why=why)
        if walked not in self._joined:
            other = ENTITIES[navigation.to]
            source, name = self.statement.relation(other)
            on = f"{name}.{navigation.there} = {alias}.{navigation.here}"
            self._joins.append(f"LEFT JOIN {source} ON {on}")
            self._joined[walked] = name, other
        return self._joined[walked]

    def _many(self, expression: Expression) -> tuple[str, ...]:
        """Return the way to the first navigation to many that the expression takes, if any."""
        ways = {self._way(path.steps) for path in paths(expression)}
        if len(ways) > 1 and any(ways):
            why = "a comparison cannot mix properties of many entities with others"
            raise BadQuery(option="$filter", why=why)
        return ways.pop() if ways else ()

    def _way(self, steps: tuple[str, ...]) -> tuple[str, ...]:
        entity = self.entity
        for i, step in enumerate(steps[:-1]):
            navigation = entity.navigations.get(step)
            if navigation is None:
                return ()
            if navigation.many:
                return steps[: i + 1]
            entity = ENTITIES[navigation.to]
        return ()

    def _some(self, expression: Expression, way: tuple[str, ...]) -> Term:
        """Write that some of the many entities fulfil the expression."""
        alias, entity = self.alias, self.entity
        for i in range(1, len(way)):
            alias, entity = self._join(way[:i], alias, entity.navigations[way[i - 1]])
        navigation = entity.navigations[way[-1]]
        inner = Scope(self.statement, ENTITIES[navigation.to])
        conditions = [f"{inner.alias}.{navigation.there} = {alias}.{navigation.here}"]
        if navigation.only:
            conditions.append(navigation.only.format(inner.alias))
        conditions.append(inner.condition(_shortened(expression, len(way))))
        return Term(
            f"EXISTS (SELECT 1 FROM {inner.tables} WHERE {' AND '.join(conditions)})", "boolean"
        )


def _fits(function: str, part: Term, kind: Kind) -> None:
    if part.kind != kind and not {part.kind, kind} <= set(_NUMBERS):
        why = f"{function} takes {kind}, not {part.kind or 'null'}"
        raise BadQuery(option="$filter", why=why)


def _shortened(expression: Expression, by: int) -> Expression:
    """Return the expression with the first steps of each property left out."""
    if isinstance(expression, Path):
        return Path(expression.steps[by:])
    if isinstance(expression, Call):
        return Call(expression.name, tuple(_shortened(part, by) for part in expression.given))
    if isinstance(expression, Operation):
        left, right = (_shortened(e, by) for e in (expression.left, expression.right))
        return Operation(expression.sign, left, right)
    return expression


def type_of(kind: Kind) -> str:
    """Return the SQL type of a kind of value."""
    return _TYPES[kind]
