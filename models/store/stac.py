"""The scene catalogue as STAC asks for it: filters, orders and pages as SQL with bound values."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from shapely import Geometry

from models.errors import BadQuery
from models.predicate import Expression
from models.scene import Layer, Scene
from models.store.database import ReadTx, queries
from models.store.places import Box
from models.store.scenes import read_layer, read_scene
from models.store.stac_clauses import FIELDS, Clauses

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 1e300  # stands for a missing number in an order: after every real one
_CASTS = {"number": "float8", "text": "text", "instant": "timestamptz"}


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of an order of items."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for; None leaves a condition out."""

    ids: tuple[str, ...] | None = None
    collections: tuple[str, ...] | None = None
    bbox: Box | None = None
    intersects: Geometry | None = None
    since: datetime | None = None
    until: datetime | None = None
    filter: Expression | None = None
    sort: tuple[Sort, ...] = (Sort("datetime", descending=True), Sort("id", descending=True))


@dataclass(frozen=True, slots=True)
class Holding:
    """A collection: how many scenes, when and where."""

    key: str
    n: int
    first: datetime
    last: datetime
    bbox: Box
    epsgs: tuple[int, ...]


def collections(tx: ReadTx, collection: str | None = None) -> list[Holding]:
    """Return the collections that hold scenes, by name."""
    rows = tx.rows("stac", "collections", collection=collection)
    return [
        Holding(
            r.collection,
            r.n,
            r.first,
            r.last,
            (r.west, r.south, r.east, r.north),
            tuple(sorted(r.epsgs)),
        )
        for r in rows
    ]


def items(
    tx: ReadTx, search: Search, *, after: tuple[str, ...] = (), limit: int = 10
) -> list[tuple[Scene, tuple[str, ...]]]:
    """Return scenes in the order asked, from the one after the key ``after``, with their keys."""
    text, clauses = _where(search)
    terms = [(_ordering(one), one) for one in search.sort]
    if after:
        text += f" AND ({_beyond(terms, after, clauses)})"
    keys = ", ".join(f"{sql} AS k{i}" for i, (sql, _) in enumerate(terms))
    order = ", ".join(f"{sql} {'DESC' if one.descending else 'ASC'}" for sql, one in terms)
    statement = f"SELECT s.*, {keys} FROM ({text}) s ORDER BY {order} LIMIT :limit"  # noqa: S608
    rows = tx.connection.execute(sa.text(statement), clauses.bound | {"limit": limit}).all()
    return [
        (read_scene(r), tuple(_written(getattr(r, f"k{i}")) for i in range(len(terms))))
        for r in rows
    ]


def count(tx: ReadTx, search: Search) -> int:
    """Return how many scenes a search finds."""
    text, clauses = _where(search)
    statement = sa.text(f"SELECT count(*) AS n FROM ({text}) s")  # noqa: S608
    return int(tx.connection.execute(statement, clauses.bound).scalar_one())


def layers(tx: ReadTx, scene_ids: list[str]) -> dict[str, list[Layer]]:
    """Return the layers of some scenes by scene."""
    found: dict[str, list[Layer]] = {key: [] for key in scene_ids}
    for row in tx.rows("stac", "layers", scene_ids=scene_ids):
        found[row.scene_id].append(read_layer(row))
    return found


def _where(search: Search) -> tuple[str, Clauses]:
    west, south, east, north = search.bbox or (None,) * 4
    clauses = Clauses()
    clauses.bound |= {
        "ids": None if search.ids is None else list(search.ids),
        "collections": None if search.collections is None else list(search.collections),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "since": search.since,
        "until": search.until,
    }
    text = queries("stac")["items"].text.strip()
    if search.intersects is not None:
        text += f" AND {clauses.touching(search.intersects)}"
    if search.filter is not None:
        text += f" AND {clauses.condition(search.filter)}"
    return text, clauses


def _ordering(term: Sort) -> str:
    known = FIELDS.get(term.field.removeprefix("properties."))
    if known is None:
        raise BadQuery(option="sortby", why=f"{term.field!r} is not one of {', '.join(FIELDS)}")
    sql, kind = known
    return f"COALESCE({sql}, {_LAST!r})" if kind == "number" else sql


def _beyond(terms: list[tuple[str, Sort]], after: tuple[str, ...], clauses: Clauses) -> str:
    """Write the keyset condition of terms that may run in different directions."""
    kinds = [FIELDS[one.field.removeprefix("properties.")][1] for _, one in terms]
    bound = [
        clauses.bind(_read(text, kind), _CASTS[kind])
        for text, kind in zip(after, kinds, strict=True)
    ]
    steps = []
    for i, (sql, one) in enumerate(terms):
        same = [f"{terms[j][0]} = {bound[j]}" for j in range(i)]
        steps.append(" AND ".join([*same, f"{sql} {'<' if one.descending else '>'} {bound[i]}"]))
    return " OR ".join(f"({step})" for step in steps)


def _written(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, datetime):
        return str((value - _EPOCH) // timedelta(microseconds=1))
    return repr(value) if isinstance(value, float) else str(value)


def _read(text: str, kind: str) -> object:
    """Read one part of a key that `_written` wrote."""
    try:
        if kind == "instant":
            return _EPOCH + int(text) * timedelta(microseconds=1)
        return float(text) if kind == "number" else text
    except (ValueError, OverflowError):
        raise BadQuery(option="token", why="it is not the token of a page") from None
