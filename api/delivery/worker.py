"""From the outbox to the channels: attempt, back off, give up.

The inbox of the API needs no delivery: an outbox entry is in it from the beginning. With no
channel configured an entry counts as delivered when the worker meets it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.delivery.advisory import Advisory, compose, compose_alarm
from api.delivery.channel import Channel
from models import calendar
from models.store import alarms, outbox, places, recommendations
from models.store.database import Database, WriteTx
from models.store.outbox import Delivery

log = logging.getLogger(__name__)

# waits after the 1st, 2nd ... failed attempt; a 7th failure, two days on, gives up
BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 720, 2160))


@dataclass(slots=True)
class Round:
    """What one pass over the outbox did."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


def deliver_due(
    database: Database,
    channels: Sequence[Channel],
    *,
    clock: Callable[[], datetime] = calendar.now,
) -> Round:
    """Try every entry whose time has come, each in a transaction of its own."""
    done = Round()
    while True:
        with database.writing() as tx:
            entries = outbox.due(tx, clock(), limit=1)
            if not entries:
                return done
            _attempt(tx, entries[0], channels, clock(), done)


def _attempt(
    tx: WriteTx, entry: Delivery, channels: Sequence[Channel], now: datetime, done: Round
) -> None:
    why = _send(_advisory(tx, entry), channels)
    if why is None:
        outbox.delivered(tx, entry.id)
        done.delivered += 1
        return
    following = next_attempt(entry.attempts, now)
    outbox.failed(tx, entry.id, why, following)
    done.failed += 1
    done.given_up += following is None
    log.warning("advisory %s not delivered (%s); next attempt %s", entry.id, why, following)


def _advisory(tx: WriteTx, entry: Delivery) -> Advisory:
    region = places.region(tx, entry.region_code)
    if entry.alarm_id is not None:
        alarm = alarms.get(tx, entry.alarm_id)
        return compose_alarm(entry.id, alarm, entry.occasion, region.code, region.name)
    assert entry.recommendation_id is not None  # the table takes one of the two
    it = recommendations.get(tx, entry.recommendation_id)
    return compose(entry.id, it, places.field(tx, it.field_id), region.name)


def _send(advisory: Advisory, channels: Sequence[Channel]) -> str | None:
    """Hand an advisory to every channel; return why it failed, None when all took it."""
    for channel in channels:
        try:
            channel.send(advisory)
        except Exception as error:  # a channel is foreign code: any failure is a reason to wait
            return f"{channel.name}: {error}"[:500]
    return None


def next_attempt(attempts: int, now: datetime) -> datetime | None:
    """Return when to try again after ``attempts`` earlier failures, None to give up."""
    return now + BACK_OFF[attempts] if attempts < len(BACK_OFF) else None
