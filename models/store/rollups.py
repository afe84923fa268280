"""Hourly and daily aggregates, kept equal to a recompute by a queue of dirty hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import psycopg

from models.calendar import DAY, HOUR, day_of, day_start
from models.store.database import Database, lock

_BATCH = 500  # hours a transaction: about 0.1 s of work for 200 sensors


def refresh(database: Database, max_hours: int = 10_000) -> int:
    """Compute every queued hour and its day again; return how many hours were done.

    Safe to run from several processes at once, and to be killed anywhere: an hour leaves
    the queue only with, or after, its aggregate.
    """
    done = 0
    while done < max_hours:
        step = _refresh_timescale if database.timescale else _refresh_plain
        count = step(database)
        done += count
        if count < _BATCH:
            break
    return done


def _days(hours: Iterable[datetime]) -> list[datetime]:
    return sorted({day_start(day_of(hour)) for hour in hours})


def _refresh_plain(database: Database) -> int:
    with database.writing() as tx:
        # one refresher at a time: an older snapshot must not overwrite a newer aggregate
        lock(tx, "rollup")
        queued = tx.rows("readings", "dirty", limit=_BATCH)
        if queued:
            hours = sorted({row.hour for row in queued})
            tx.run("readings", "roll_hours", hours=hours)
            tx.run("readings", "roll_days", days=_days(hours))
            tx.run("readings", "clean", ids=[row.id for row in queued])
    return len(queued)


def _refresh_timescale(database: Database) -> int:
    with database.reading() as tx:
        queued = tx.rows("readings", "dirty", limit=_BATCH)
        expired = tx.row("readings", "expired_before")
    if not queued:
        return 0
    # an hour whose readings have expired keeps its aggregate, whatever comes late
    hours = [row.hour for row in queued if expired is None or row.hour >= expired.instant]
    # a refresh cannot run inside a transaction; within the range TimescaleDB computes only
    # what its own invalidation log names
    connection = database.connect()
    connection.autocommit = True
    with connection:
        if hours:
            floor = datetime.min.replace(tzinfo=UTC) if expired is None else expired.instant
            _refresh_aggregate(connection, "reading_hourly", hours, HOUR, floor)
            _refresh_aggregate(connection, "reading_daily", _days(hours), DAY, floor)
    with database.writing() as tx:
        tx.run("readings", "clean", ids=[row.id for row in queued])
    return len(queued)


def _refresh_aggregate(
    connection: "psycopg.Connection[object]",
    view: str,
    dirty: list[datetime],
    width: timedelta,
    floor: datetime,
) -> None:
    # one bucket wider on both sides: a window that covers no whole bucket is refused
    connection.execute(
        "CALL refresh_continuous_aggregate(%s::regclass, %s::timestamptz, %s::timestamptz)",
        (view, max(min(dirty) - width, floor), max(dirty) + 2 * width),
    )
