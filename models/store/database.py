"""The database: engine, read and write transactions, named queries.

Read transactions and write transactions are different types: a function that changes
something takes a `WriteTx`, so that a read path cannot call it by mistake. Repositories
never commit; leaving the `writing` block does.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any, Literal

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from models.errors import HeituError, Invalid, Unavailable

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
# connection lost, server shutting down or starting, too many connections, disk full
_OUTAGE = ("08", "57P", "53", "58")


@cache
def queries(noun: str) -> dict[str, sa.TextClause]:
    """Read sql/<noun>.sql: query name -> statement (``:name`` marks a bound parameter)."""
    text = resources.files("models.store").joinpath(f"sql/{noun}.sql").read_text("utf-8")
    parts = _NAME.split(text)
    return {name: sa.text(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


class ReadTx:
    """A transaction that may only read."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, noun: str, name: str, /, **bound: Any) -> Sequence[Row[Any]]:  # noqa: ANN401
        """Run the named query and return all rows."""
        return self.connection.execute(queries(noun)[name], bound).all()

    def row(self, noun: str, name: str, /, **bound: Any) -> Row[Any] | None:  # noqa: ANN401
        """Run the named query and return its first row, or None."""
        return self.connection.execute(queries(noun)[name], bound).first()

    def tuples(self, noun: str, name: str, **bound: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        """Run the named query and return bare tuples: a third cheaper for a thousand rows."""
        with self.connection.execute(queries(noun)[name], bound) as result:
            return list(result.cursor.fetchall())

    def streamed(
        self,
        noun: str,
        name: str,
        /,
        **bound: Any,  # noqa: ANN401
    ) -> Iterator[tuple[Any, ...]]:
        """Run the named query and yield its rows by a server-side cursor: bounded memory."""
        options = {"stream_results": True, "yield_per": 5_000}
        with self.connection.execute(queries(noun)[name], bound, execution_options=options) as rows:
            for row in rows:
                yield tuple(row)

    @property
    def driver(self) -> "psycopg.Connection[Any]":
        """The psycopg connection underneath, for COPY and binary results."""
        found = self.connection.connection.driver_connection
        assert isinstance(found, psycopg.Connection)
        return found


class WriteTx(ReadTx):
    """A transaction that may read and write; commits when its block ends well.

    Attributes
    ----------
    known_weeks : frozenset of int
        Partitions of `reading` known to exist when the transaction began.
    new_weeks : set of int
        Partitions this transaction made; they exist once it commits.
    known_units, new_units : dict of int to int
        The store's number of a unit by this process's number (`models.units.number`); known
        when the transaction began, and looked up or made by it.
    """

    def __init__(
        self,
        connection: Connection,
        known_weeks: frozenset[int] = frozenset(),
        known_units: dict[int, int] | None = None,
    ) -> None:
        super().__init__(connection)
        self.known_weeks = known_weeks
        self.new_weeks: set[int] = set()
        self.known_units = known_units or {}
        self.new_units: dict[int, int] = {}

    def run(self, noun: str, name: str, /, **bound: Any) -> int:  # noqa: ANN401
        """Run the named statement and return the number of rows it touched."""
        return self.connection.execute(queries(noun)[name], bound).rowcount

    def run_many(self, noun: str, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run the named statement once for each row of parameters."""
        if rows:
            self.connection.execute(queries(noun)[name], rows)


class Database:
    """A pool of connections to PostgreSQL, with TimescaleDB or without.

    Parameters
    ----------
    url : str
        libpq connection string or ``postgresql://`` URL.
    pool_size : int
        Connections kept; as many again may be opened under load.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        # partitions of `reading` that exist, so that the steady state asks nothing
        self._known_weeks: frozenset[int] = frozenset()
        self._known_units: dict[int, int] = {}
        self._timescale: bool | None = None
        self.engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self.connect,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=10,
        )

    def connect(self) -> "psycopg.Connection[Any]":
        """Open a connection outside the pool (UTC, 5 s to answer)."""
        return psycopg.connect(
            self.url,
            connect_timeout=5,
            application_name="heitu",
            options="-c timezone=UTC",
            # a network that swallows packets is noticed within half a minute, not in two hours
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=30_000,
        )

    @property
    def timescale(self) -> bool:
        """Whether the schema was built on TimescaleDB (recorded by the migration)."""
        if self._timescale is None:
            with self.reading() as tx:
                found = tx.row("platform", "engine")
            self._timescale = found is not None and found.value == "timescale"
        return self._timescale

    @contextmanager
    def reading(self) -> Iterator[ReadTx]:
        """Open a read-only transaction.

        Raises
        ------
        Unavailable
            The database does not answer.
        """
        with self._transaction(read_only=True) as connection:
            yield ReadTx(connection)

    @contextmanager
    def writing(self) -> Iterator[WriteTx]:
        """Open a transaction that commits when the block ends without an exception."""
        try:
            with self._transaction(read_only=False) as connection:
                tx = WriteTx(connection, self._known_weeks, self._known_units)
                yield tx
        except Exception:
            self._known_weeks = frozenset()  # retention may have removed one
            raise
        self._known_weeks |= tx.new_weeks
        if tx.new_units:
            self._known_units = self._known_units | tx.new_units

    @contextmanager
    def _transaction(self, *, read_only: bool) -> Iterator[Connection]:
        try:
            with self.engine.connect() as raw:
                connection = raw.execution_options(postgresql_readonly=read_only)
                with connection.begin():
                    yield connection
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, psycopg.Error, UnicodeError) as error:
            known = explained(error)
            if known is None:
                raise
            raise known from error

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def explained(error: Exception) -> HeituError | None:
    """Name what a driver error means for the caller; None for a fault of our own."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(error, sa.exc.TimeoutError):
        return Unavailable(part="database", why="all connections are busy")
    if isinstance(cause, (psycopg.DataError, UnicodeError)):
        return Invalid(why=str(cause).splitlines()[0])
    state = getattr(cause, "sqlstate", None)
    lost = isinstance(cause, psycopg.OperationalError) and state is None
    if lost or (state is not None and state.startswith(_OUTAGE)):
        return Unavailable(part="database", why=_plain(cause))
    return None


def _plain(cause: object) -> str:
    lines = str(cause).strip().splitlines()
    return lines[-1] if lines else "no answer"


def lock(tx: WriteTx, key: Literal["migrate", "partitions", "rollup", "revise"]) -> None:
    """Hold an advisory lock until the transaction ends."""
    numbers = {"migrate": 7000, "partitions": 7001, "rollup": 7002, "revise": 7003}
    tx.connection.execute(sa.text("SELECT pg_advisory_xact_lock(:k)"), {"k": numbers[key]})
