"""Conditions on items of the scene catalogue as SQL: fields from a list, every value bound."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple

import shapely
from shapely import Geometry

from models.errors import BadQuery
from models.predicate import Call, Constant, Expression, Operation, Path

_COMPARE: Final = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_DEEPEST = 40
_MOST_CORNERS = 2000
_CASTS: Final = {"number": "float8", "text": "text", "instant": "timestamptz", "boolean": "boolean"}

# what may be asked of an item: SQL and kind of its value
FIELDS: Final[dict[str, tuple[str, str]]] = {
    "id": ("s.id", "text"),
    "collection": ("s.collection", "text"),
    "datetime": ("s.time", "instant"),
    "eo:cloud_cover": (
        "(100 * CAST(CAST(s.lineage AS jsonb) ->> 'cloud_share' AS float8))",
        "number",
    ),
    "proj:epsg": ("CAST(s.epsg AS float8)", "number"),
    "proj:code": ("('EPSG:' || s.epsg)", "text"),
    "heitu:valid_share": ("s.valid_share", "number"),
    "heitu:provenance": ("s.provenance", "text"),
}


class Term(NamedTuple):
    """An expression in SQL and the kind of its values."""

    sql: str
    kind: str


def _bad(why: str) -> BadQuery:
    return BadQuery(option="filter", why=why)


@dataclass(slots=True)
class Clauses:
    """Conditions of one statement, and the values bound in it."""

    bound: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: object, kind: str) -> str:
        """Bind a value; returns the text that stands for it."""
        name = f"v{len(self.bound)}"
        self.bound[name] = value
        return f"CAST(:{name} AS {kind})"

    def condition(self, expression: Expression) -> str:
        """Write a condition."""
        return self._boolean(expression, 0)

    def _boolean(self, expression: Expression, depth: int) -> str:
        term = self._term(expression, depth)
        if term.kind != "boolean":
            raise _bad("it is not a condition")
        return term.sql

    def _term(self, expression: Expression, depth: int) -> Term:
        if depth > _DEEPEST:
            raise _bad(f"it is nested more than {_DEEPEST} deep")
        if isinstance(expression, Constant):
            return self._constant(expression.value)
        if isinstance(expression, Path):
            name = str(expression).removeprefix("properties.")
            if name not in FIELDS:
                raise _bad(f"{name!r} is not one of {', '.join(FIELDS)}")
            return Term(*FIELDS[name])
        if isinstance(expression, Operation):
            return self._joined(expression, depth)
        return self._call(expression, depth)

    def _constant(self, value: object) -> Term:
        if isinstance(value, bool):
            return Term(self.bind(value, "boolean"), "boolean")
        if isinstance(value, int | float):
            return Term(self.bind(float(value), "float8"), "number")
        if isinstance(value, datetime):
            return Term(self.bind(value, "timestamptz"), "instant")
        return Term(self.bind(value, "text"), "text")

    def _joined(self, given: Operation, depth: int) -> Term:
        if given.sign in ("and", "or"):
            sides = [self._boolean(one, depth + 1) for one in (given.left, given.right)]
            return Term(f"({f' {given.sign.upper()} '.join(sides)})", "boolean")
        left, right = (self._term(one, depth + 1) for one in (given.left, given.right))
        left = self._instant(left, right.kind, given.left)
        right = self._instant(right, left.kind, given.right)
        if left.kind != right.kind:
            raise _bad(f"a value of kind {left.kind} is compared with {right.kind}")
        return Term(f"({left.sql} {_COMPARE[given.sign]} {right.sql})", "boolean")

    def _instant(self, term: Term, other: str, given: Expression) -> Term:
        """Take a text for a time where a time is asked for."""
        if other != "instant" or term.kind != "text" or not isinstance(given, Constant):
            return term
        try:
            moment = datetime.fromisoformat(str(given.value))
        except ValueError:
            raise _bad(f"{given.value!r} is not a time") from None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return Term(self.bind(aware, "timestamptz"), "instant")

    def _call(self, given: Call, depth: int) -> Term:
        if given.name == "not":
            return Term(f"(NOT {self._boolean(given.given[0], depth + 1)})", "boolean")
        if given.name == "s_intersects":
            shape = given.given[1]
            assert isinstance(shape, Constant)
            return Term(self.touching(shapely.from_wkt(str(shape.value))), "boolean")
        parts = [self._term(one, depth + 1) for one in given.given]
        if given.name == "isnull":
            return Term(f"({parts[0].sql} IS NULL)", "boolean")
        if given.name == "like" and all(part.kind == "text" for part in parts):
            return Term(f"({parts[0].sql} LIKE {parts[1].sql})", "boolean")
        raise _bad(f"{given.name} does not take these")

    def touching(self, shape: Geometry) -> str:
        """Write the condition that the extent of a scene shares a point with a geometry."""
        if shapely.get_num_coordinates(shape) > _MOST_CORNERS:
            raise BadQuery(option="intersects", why=f"it has more than {_MOST_CORNERS} corners")
        west, south, east, north = shape.bounds
        near = f"s.extent && box({self._point(west, south)}, {self._point(east, north)})"
        parts = [self._part(one) for one in _parts(shape)]
        return f"({near} AND ({' OR '.join(parts)}))"

    def _part(self, shape: Geometry) -> str:
        if shape.geom_type == "Point":
            return f"s.extent @> {self._point(shape.x, shape.y)}"
        if shape.geom_type == "LineString":
            corners = [self._point(x, y) for x, y, *_ in shape.coords]
            sides = pairwise(corners)
            return f"({' OR '.join(f'lseg({a}, {b}) ?# s.extent' for a, b in sides)})"
        over = f"polygon(s.extent) && {self._ring(shape.exterior)}"
        # a scene that lies wholly in a hole shares nothing with the polygon
        holes = [f" AND NOT {self._ring(hole)} @> polygon(s.extent)" for hole in shape.interiors]
        return f"({over}{''.join(holes)})"

    def _point(self, x: float, y: float) -> str:
        return f"point({self.bind(float(x), 'float8')}, {self.bind(float(y), 'float8')})"

    def _ring(self, ring: Geometry) -> str:
        text = ",".join(f"({float(x)!r},{float(y)!r})" for x, y, *_ in ring.coords)
        return self.bind(f"({text})", "polygon")


def _parts(shape: Geometry) -> list[Geometry]:
    """Take a collection of geometries apart."""
    inner = getattr(shape, "geoms", None)
    if inner is None:
        return [shape]
    return [part for one in inner for part in _parts(one)]
