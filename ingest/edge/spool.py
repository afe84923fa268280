"""The spool of an edge station: messages on disk until the province has acknowledged them.

SQLite with a write-ahead log and synchronous=FULL: what `put` has returned from survives a
power cut. Its size is bounded; beyond the mark it refuses, and drops nothing.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from models.errors import SpoolFull

_LOW = 0.9  # of the limit: below it a full spool takes messages again
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    arrived INTEGER NOT NULL,
    retained INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL
)"""


class Arrived(NamedTuple):
    """A message as it came, and when (microseconds since 1970-01-01T00:00Z)."""

    topic: str
    payload: bytes
    arrived: int
    retained: bool = False


class Kept(NamedTuple):
    """A message of the spool; ids grow in the order of arrival and are never used again."""

    id: int
    arrived: int
    retained: bool
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """How full the spool is.

    Attributes
    ----------
    oldest : int or None
        Arrival of the oldest message, microseconds.
    used, limit : int
        Bytes.
    why : str
        Why it refuses; empty when it does not.
    """

    messages: int
    oldest: int | None
    used: int
    limit: int
    why: str


class Spool:
    """A file of messages; for several threads.

    Parameters
    ----------
    limit : int
        Bytes at which it refuses.
    """

    def __init__(self, path: Path, limit: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._limit = limit
        self._why = ""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA journal_size_limit = 16777216")
        self._db.execute(_SCHEMA)
        self._messages: int = self._db.execute("SELECT count(*) FROM message").fetchone()[0]
        (self._page,) = self._db.execute("PRAGMA page_size").fetchone()

    def put(self, messages: Sequence[Arrived]) -> None:
        """Keep messages, all or none; they are on disk when this returns.

        Raises
        ------
        SpoolFull
            The limit is reached, or the disk is full.
        """
        rows = [(m.arrived, m.retained, m.topic, m.payload) for m in messages]
        with self._lock:
            self._check()
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(
                    "INSERT INTO message (arrived, retained, topic, payload) VALUES (?, ?, ?, ?)",
                    rows,
                )
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as problem:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._why = str(problem)
                raise SpoolFull(why=self._why) from None
            self._messages += len(rows)

    def _check(self) -> None:
        """Refuse from the limit on, until there is room again."""
        used = self._used()
        if used >= self._limit or (self._why and used >= self._limit * _LOW):
            self._why = f"{used >> 20} MB are waiting, {self._limit >> 20} are allowed"
            raise SpoolFull(why=self._why)
        self._why = ""

    def _used(self) -> int:
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        return int((pages - free) * self._page)

    def between(self, after: int, until: int | None, most: int) -> list[Kept]:
        """Return the first messages with ids in (after, until], in order of arrival."""
        query = "SELECT id, arrived, retained, topic, payload FROM message WHERE id > ? AND id <= ?"
        with self._lock:
            found = self._db.execute(
                f"{query} ORDER BY id LIMIT ?", (after, until or 2**62, most)
            ).fetchall()
        return [Kept(i, at, bool(held), topic, payload) for i, at, held, topic, payload in found]

    def drop(self, ids: Iterable[int]) -> None:
        """Forget messages that the province has acknowledged."""
        rows = [(id_,) for id_ in ids]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM message WHERE id = ?", rows)
            self._db.execute("COMMIT")
            self._messages -= len(rows)

    def newest(self) -> int:
        """Return the id of the newest message; 0 when there is none."""
        with self._lock:
            (found,) = self._db.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
        return int(found)

    def standing(self) -> Standing:
        """Return how full it is."""
        with self._lock:
            row = self._db.execute("SELECT arrived FROM message ORDER BY id LIMIT 1").fetchone()
            used = self._used()
            if used < self._limit * _LOW:
                self._why = ""
            oldest = None if row is None else int(row[0])
            return Standing(self._messages, oldest, used, self._limit, self._why)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
