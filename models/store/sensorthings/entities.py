"""Entities of a region: one by its key, a page of many, and those that others lead to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from models.errors import BadQuery, TooBroad
from models.predicate import Options, Order
from models.store.database import ReadTx
from models.store.sensorthings.clauses import Scope, Statement, Term, type_of
from models.store.sensorthings.model import KEY_KINDS, Entity, Kind, Navigation

_PATIENCE = 10  # s; a filter over every reading of the province must not hold the database
_MARK = "after_"  # columns of a row that say where it stands in the order
Link = tuple[str, object]  # column of the relation, value
Place = tuple[Any, ...]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some entities of a collection.

    Attributes
    ----------
    following : tuple or None
        Place of the last one in the order when there are more.
    count : int or None
        How many there are in all, when asked for.
    """

    rows: Sequence[Row]
    following: Place | None = None
    count: int | None = None


def one(tx: ReadTx, entity: Entity, key: Sequence[object]) -> Row | None:
    """Return an entity of any region by its key, or None."""
    statement = Statement(prefix="")
    scope = Scope(statement, entity)
    where = [_equal(statement, scope.alias, c, v) for c, v in zip(entity.key, key, strict=True)]
    sql = f"SELECT {scope.alias}.* FROM {scope.tables} WHERE {' AND '.join(where)}"
    found = _run(tx, sql, statement)
    return found[0] if found else None


def page(
    tx: ReadTx,
    entity: Entity,
    prefix: str,
    options: Options,
    limit: int,
    *,
    links: Sequence[Link] = (),
    only: str = "",
    after: Place | None = None,
) -> Page:
    """Return a page of a collection.

    Parameters
    ----------
    prefix : str
        Division-code prefix of the region.
    links : sequence of (column, value)
        What the entities are reached from.
    only : str
        Further condition of the navigation.
    after : tuple, optional
        `Page.following` of the page before.
    """
    asked = _Asked(entity, prefix, options, links, only)
    sql = asked.listing(limit + 1, after)
    rows = _run(tx, sql, asked.statement)
    count = None
    if options.count:
        counting = _Asked(entity, prefix, options, links, only)
        count = int(_run(tx, counting.counting(), counting.statement)[0]["n"])
    return _cut(rows, limit, count)


def children(
    tx: ReadTx,
    entity: Entity,
    navigation: Navigation,
    keys: Sequence[object],
    prefix: str,
    options: Options,
    limit: int,
) -> dict[object, Page]:
    """Return, for each of some parents, a page of the entities it leads to."""
    asked = _Asked(entity, prefix, options, (), navigation.only)
    sql = asked.for_each(navigation.there, keys, limit + 1)
    grouped: dict[object, list[Row]] = {key: [] for key in keys}
    for row in _run(tx, sql, asked.statement):
        grouped[row["parent_key"]].append(row)
    counts: dict[object, int] = {}
    if options.count:
        counting = _Asked(entity, prefix, options, (), navigation.only)
        found = _run(tx, counting.counting_each(navigation.there, keys), counting.statement)
        counts = dict.fromkeys(keys, 0) | {row["parent_key"]: row["n"] for row in found}
    return {key: _cut(rows, limit, counts.get(key)) for key, rows in grouped.items()}


def _cut(rows: Sequence[Row], limit: int, count: int | None) -> Page:
    if len(rows) <= limit:
        return Page(rows, None, count)
    kept = rows[:limit]
    if not kept:
        return Page(kept, None, count)
    marks = [name for name in kept[-1] if name.startswith(_MARK)]
    return Page(kept, tuple(kept[-1][name] for name in marks), count)


def _equal(statement: Statement, alias: str, column: str, value: object) -> str:
    return f"{alias}.{column} = {statement.bind(value, type_of(KEY_KINDS[column]))}"


class _Asked:
    """The statements that one question takes."""

    def __init__(
        self, entity: Entity, prefix: str, options: Options, links: Sequence[Link], only: str
    ) -> None:
        self.statement = Statement(prefix)
        self.scope = Scope(self.statement, entity)
        self.options = options
        alias = self.scope.alias
        self.where = [_equal(self.statement, alias, column, value) for column, value in links]
        if only:
            self.where.append(only.format(alias))
        if options.filter is not None:
            self.where.append(self.scope.condition(options.filter))
        self.order = self._order(entity, options.orderby)

    def _order(self, entity: Entity, given: Sequence[Order]) -> list[tuple[Term, bool]]:
        terms = [(self.scope.term(part.by), part.descending) for part in given]
        # the key settles ties, in the direction of the first term, so that an index serves both
        down = bool(given) and given[0].descending
        keys = (Term(f"{self.scope.alias}.{c}", KEY_KINDS[c], nullable=False) for c in entity.key)
        return [*terms, *((term, down) for term in keys)]

    def _tail(self) -> str:
        parts = []
        for term, down in self.order:
            sql = f'{term.sql} COLLATE "C"' if term.kind == "text" else term.sql
            # a nullable term says where nulls go; on others the words would rule an index out
            nulls = " NULLS LAST" if term.nullable else ""
            parts.append(f"{sql} {'DESC' if down else 'ASC'}{nulls}")
        return ", ".join(parts)

    def _shown(self) -> str:
        marks = [f"{term.sql} AS {_MARK}{i}" for i, (term, _) in enumerate(self.order)]
        return ", ".join([f"{self.scope.alias}.*", *marks])

    def listing(self, limit: int, after: Place | None) -> str:
        if after is not None:
            self.where.append(self._beyond(after))
        skip = f" OFFSET {int(self.options.skip)}" if self.options.skip and after is None else ""
        return (
            f"SELECT {self._shown()} FROM {self.scope.tables} WHERE {self._conditions()} "
            f"ORDER BY {self._tail()} LIMIT {int(limit)}{skip}"
        )

    def counting(self) -> str:
        return f"SELECT count(*) AS n FROM {self.scope.tables} WHERE {self._conditions()}"

    def counting_each(self, column: str, keys: Sequence[object]) -> str:
        link = f"{self.scope.alias}.{column}"
        self.where.append(f"{link} = ANY({self._array(column, keys)})")
        return (
            f"SELECT {link} AS parent_key, count(*) AS n FROM {self.scope.tables} "
            f"WHERE {self._conditions()} GROUP BY 1"
        )

    def for_each(self, column: str, keys: Sequence[object], limit: int) -> str:
        array, link = self._array(column, keys), f"{self.scope.alias}.{column}"
        skip = int(self.options.skip)
        if self.scope.entity.relation == "observations":
            # the index finds the few readings of each parent that are wanted
            self.where.append(f"{link} = p.parent_key")
            return (
                f"SELECT p.parent_key, c.* FROM unnest({array}) AS p (parent_key) "
                f"CROSS JOIN LATERAL (SELECT {self._shown()} FROM {self.scope.tables} "
                f"WHERE {self._conditions()} ORDER BY {self._tail()} "
                f"LIMIT {int(limit)} OFFSET {skip}) AS c"
            )
        self.where.append(f"{link} = ANY({array})")
        ranked = (
            f"SELECT {self._shown()}, {link} AS parent_key, "
            f"row_number() OVER (PARTITION BY {link} ORDER BY {self._tail()}) AS place "
            f"FROM {self.scope.tables} WHERE {self._conditions()}"
        )
        last = skip + int(limit)
        return (
            f"SELECT * FROM ({ranked}) AS r WHERE place > {skip} AND place <= {last} ORDER BY place"
        )

    def _array(self, column: str, keys: Sequence[object]) -> str:
        return self.statement.bind(list(keys), type_of(KEY_KINDS[column]) + "[]")

    def _conditions(self) -> str:
        return " AND ".join(self.where) or "true"

    def _beyond(self, after: Place) -> str:
        """Write that a row comes after a place, so that an index can begin there."""
        if len(after) != len(self.order):
            raise BadQuery(option="$skiptoken", why="it does not fit the order")
        pairs = [(*pair, value) for pair, value in zip(self.order, after, strict=True)]
        ways, ties = [], ["true"]
        for term, down, value in pairs:
            same = f"{term.sql} IS NULL"
            if value is not None:
                bound = self._value(term.kind, value)
                sql = f'{term.sql} COLLATE "C"' if term.kind == "text" else term.sql
                nulls = f" OR {term.sql} IS NULL" if term.nullable else ""
                beyond = f"({sql} {'<' if down else '>'} {bound}{nulls})"
                ways.append(f"({' AND '.join([*ties, beyond])})")
                same = f"{term.sql} = {bound}"
            ties.append(same)
        chain = f"({' OR '.join(ways)})" if ways else "false"
        first, down, value = pairs[0]
        if first.nullable or value is None:
            return chain
        sql = f'{first.sql} COLLATE "C"' if first.kind == "text" else first.sql
        return f"{sql} {'<=' if down else '>='} {self._value(first.kind, value)} AND {chain}"

    def _value(self, kind: Kind | None, value: object) -> str:
        if not _is(kind, value) or kind is None:
            raise BadQuery(option="$skiptoken", why="it does not fit the order")
        return self.statement.bind(value, type_of(kind))


def _is(kind: Kind | None, value: object) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("integer", "number"):
        fits = isinstance(value, int | float) if kind == "number" else isinstance(value, int)
        return fits and not isinstance(value, bool)
    return isinstance(value, datetime if kind == "instant" else str)


def _run(tx: ReadTx, sql: str, statement: Statement) -> Sequence[Row]:
    tx.connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_PATIENCE}s'"))
    try:
        found = tx.connection.execute(sa.text(sql), statement.bound).mappings()
        return [dict(row) for row in found]
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise TooBroad(seconds=_PATIENCE) from None
        raise
