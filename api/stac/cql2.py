"""CQL2 filters (OGC 21-065r2) as JSON into trees of `models.predicate`.

Read are: and, or, not, comparisons, isNull, like, between, in, s_intersects and the t_ functions
of one instant. A condition of many values is written as many of one: the store knows few words.
"""

from datetime import datetime
from typing import Any, Final, NoReturn

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape

from api.schemas.shape import parse_instant, plausible
from models.errors import BadQuery
from models.predicate import Call, Constant, Expression, Operation, Path

COMPARE: Final = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_TEMPORAL: Final = {"t_after": "gt", "t_before": "lt", "t_equals": "eq"}
_LARGEST = 1e300
DEEPEST, MOST = 20, 200  # nested parts, and parts in a row


def bad(why: str) -> BadQuery:
    """Make the error of a filter that cannot be used."""
    return BadQuery(option="filter", why=why)


def refuse(why: str) -> NoReturn:
    """Raise that error, where an expression stands."""
    raise bad(why)


def instant(text: object) -> datetime:
    """Read an RFC 3339 time or a date."""
    try:
        parsed = parse_instant(text)
        moment = parsed if isinstance(parsed, datetime) else datetime.fromisoformat(str(parsed))
        if moment.tzinfo is None:
            refuse(f"{text!r} has no zone")
        return plausible(moment)
    except ValueError:
        refuse(f"{str(text)[:40]!r} is not a time")


def geometry(given: object) -> shapely.Geometry:
    """Read a GeoJSON geometry in degrees.

    Raises
    ------
    BadQuery
        It is none, empty, broken, or leaves the globe.
    """
    try:
        made = shape(given)
    except (ShapelyError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        refuse("a geometry cannot be read")
    return sound(made)


def sound(made: shapely.Geometry) -> shapely.Geometry:
    """Hand a geometry on if it is one of the globe."""
    if made.is_empty or not made.is_valid:
        refuse("a geometry is empty or crosses itself")
    west, south, east, north = made.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        refuse("a geometry leaves -180..180, -90..90 degrees")
    return made


def from_json(given: object, depth: int = 0) -> Expression:
    """Read one node of CQL2 JSON."""
    if depth > DEEPEST:
        refuse(f"it is nested more than {DEEPEST} deep")
    if isinstance(given, bool | str):
        return Constant(given)
    if isinstance(given, int | float):
        return Constant(float(given) if abs(given) < _LARGEST else refuse("a number is too large"))
    if not isinstance(given, dict):
        refuse(f"{str(given)[:40]!r} has no meaning here")
    if isinstance(given.get("property"), str):
        return Path((given["property"],))
    for word in ("timestamp", "date"):
        if word in given:
            return Constant(instant(given[word]))
    op, args = given.get("op"), given.get("args")
    if not isinstance(op, str) or not isinstance(args, list) or not 1 <= len(args) <= MOST:
        refuse("a node takes op and args")
    return _operation(op.lower(), args, depth + 1)


def _operation(op: str, args: list[Any], depth: int) -> Expression:
    if op == "s_intersects":
        _two(op, args)
        at = from_json(args[0], depth)
        return spatial(at, geometry(args[1]))
    if op.startswith("t_"):
        _two(op, args)
        return temporal(op, from_json(args[0], depth), span_of(args[1]))
    if op == "in":
        _two(op, args)
        among = args[1] if isinstance(args[1], list) else refuse("in takes a list")
        at = from_json(args[0], depth)
        return among_of(at, [from_json(one, depth) for one in among])
    parts = [from_json(one, depth) for one in args]
    return combined(op, parts)


def _two(op: str, args: list[Any]) -> None:
    if len(args) != 2:
        refuse(f"{op} takes two arguments")


def span_of(given: object) -> tuple[datetime | None, datetime | None]:
    """Read an instant or an interval, open where it says '..'."""
    if isinstance(given, dict) and isinstance(given.get("interval"), list):
        ends = given["interval"]
        if len(ends) != 2:
            refuse("an interval has two ends")
        start, end = (_end(one) for one in ends)
        return start, end
    moment = from_json(given)
    value = moment.value if isinstance(moment, Constant) else None
    at = value if isinstance(value, datetime) else instant(value)
    return at, at


def _end(given: object) -> datetime | None:
    if given == "..":
        return None
    if isinstance(given, dict):
        given = given.get("timestamp", given.get("date"))
    return instant(given)


def spatial(at: Expression, what: shapely.Geometry) -> Expression:
    """Say that the geometry of an item and another share a point."""
    if not isinstance(at, Path) or str(at) != "geometry":
        refuse("s_intersects takes the property geometry first")
    return Call("s_intersects", (at, Constant(shapely.to_wkt(what, rounding_precision=-1))))


def temporal(op: str, at: Expression, span: tuple[datetime | None, datetime | None]) -> Expression:
    """Say how an instant lies to a span."""
    start, end = span
    if op in ("t_intersects", "t_during"):
        signs = ("ge", "le") if op == "t_intersects" else ("gt", "lt")
        ends = zip(signs, (start, end), strict=True)
        sides = [Operation(sign, at, Constant(one)) for sign, one in ends if one is not None]
        if not sides:
            refuse("an interval that is open on both sides says nothing")
        return folded("and", sides)
    if op not in _TEMPORAL:
        refuse(f"there is no {op!r}")
    limit = end if op == "t_after" else start
    if limit is None or (op == "t_equals" and start != end):
        refuse(f"{op} takes an instant")
    return Operation(_TEMPORAL[op], at, Constant(limit))


def folded(sign: str, parts: list[Any]) -> Expression:
    """Join conditions as a balanced tree: a list of 200 must not nest 200 deep."""
    if len(parts) == 1:
        only: Expression = parts[0]
        return only
    half = len(parts) // 2
    return Operation(sign, folded(sign, parts[:half]), folded(sign, parts[half:]))


def among_of(at: Expression, values: list[Expression]) -> Expression:
    """Say that a value is one of some."""
    if not 1 <= len(values) <= MOST:
        refuse(f"in takes 1 to {MOST} values")
    return folded("or", [Operation("eq", at, one) for one in values])


def combined(op: str, parts: list[Expression]) -> Expression:
    """Join the parts of an operation that takes plain expressions."""
    if op in ("and", "or") and len(parts) >= 2:
        return folded(op, parts)
    sizes = {"not": 1, "isnull": 1, "like": 2, "between": 3} | dict.fromkeys(COMPARE, 2)
    if sizes.get(op) != len(parts):
        refuse(f"there is no {op[:40]!r} of {len(parts)}")
    if op == "between":
        at, low, high = parts
        return Operation("and", Operation("ge", at, low), Operation("le", at, high))
    if op in COMPARE:
        return Operation(COMPARE[op], parts[0], parts[1])
    return Call(op, tuple(parts))
