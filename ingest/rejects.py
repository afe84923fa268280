"""Replay: quarantined readings decoded again, after the cause of their refusal is fixed.

What is cured is stored and leaves the quarantine in the same transaction, and the ledger
moves its count from quarantined to stored or duplicate, on the day of receipt: a replay may
be killed anywhere and run again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from ingest.batch import Batch, Refused, day_of, quarantined, store_readings
from ingest.intake import digest, parted
from ingest.mqtt import topics
from ingest.mqtt.format import Undecodable
from ingest.mqtt.inbox import Message
from ingest.mqtt.wire import micros
from ingest.placement import Placement
from models.errors import Unavailable
from models.reading import UNKNOWN, LedgerEntry, Quarantined, Reason
from models.store import catalogue, ledger, quarantine, readings, rollups
from models.store.database import Database, WriteTx

_PAGE = 200  # entries a transaction
_Key = tuple[datetime, str, Reason, tuple[int, ...]]


@dataclass(slots=True)
class Report:
    """What a replay did, in readings (`entries` in quarantine entries).

    Attributes
    ----------
    remaining : dict
        Readings left in quarantine, of those looked at, by reason.
    """

    entries: int = 0
    stored: int = 0
    duplicate: int = 0
    remaining: dict[Reason, int] = field(default_factory=dict)

    def leave(self, reason: Reason, n: int) -> None:
        """Count readings that stay."""
        self.remaining[reason] = self.remaining.get(reason, 0) + n

    def count(self, became: Sequence["_Became"]) -> None:
        """Count what became of one entry, part by part."""
        self.entries += 1
        for part in became:
            self.stored += part.stored
            self.duplicate += part.duplicate
            for refused in part.left:
                self.leave(refused.reason, refused.n)


@dataclass(frozen=True, slots=True)
class _Became:
    """What became of the readings of one entry or part of it, and on whose account."""

    account: str
    day: date
    stored: int
    duplicate: int
    left: list[Refused]

    @property
    def waiting(self) -> int:
        return sum(refused.n for refused in self.left)


@dataclass(slots=True)
class _Replay:
    database: Database
    placement: Placement
    judged_at: int | None
    report: Report = field(default_factory=Report)
    # entries written by this run: they come up again, behind the ones they replace
    written: set[_Key] = field(default_factory=set)


def replay(
    database: Database,
    clock: Callable[[], datetime],
    *,
    reason: Reason | None = None,
    device_key: str | None = None,
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """Put through what can be put through now.

    Parameters
    ----------
    clock : callable
        The present. A stated time is judged against its arrival, except when
        ``impossible_time`` is asked for by name: then our own clock was the cause, and
        the present decides.
    reason, device_key : optional
        Restrict the replay.
    progress : callable, optional
        Called after each page with the report so far.
    """
    with database.reading() as tx:
        placement = Placement(catalogue.load(tx))
    judged_at = micros(clock()) if reason == Reason.IMPOSSIBLE_TIME else None
    run = _Replay(database, placement, judged_at)
    for page in _pages(database, reason, device_key):
        _put_through(run, [entry for entry in page if _worth_trying(run, entry)])
        if progress is not None:
            progress(run.report)
    rollups.refresh(database)
    return run.report


def _pages(
    database: Database, reason: Reason | None, device_key: str | None
) -> Iterator[list[Quarantined]]:
    # what came while the device was not registered is kept under UNKNOWN, by topic
    for account in (None,) if device_key is None else (device_key, UNKNOWN):
        after = 0
        while True:
            with database.reading() as tx:
                page = quarantine.open_ones(
                    tx, reason=reason, device_key=account, after=after, limit=_PAGE
                )
            if not page:
                break
            after = page[-1].id
            yield [e for e in page if account != UNKNOWN or _device(e.topic) == device_key]


def _device(topic: str) -> str | None:
    try:
        return topics.parse(topic).device_key
    except Undecodable:
        return None


def _worth_trying(run: _Replay, entry: Quarantined) -> bool:
    if entry.reason == Reason.TOO_LARGE:  # only its head was kept
        _leave(run, entry)
        return False
    return _key(entry) not in run.written


def _leave(run: _Replay, entry: Quarantined) -> None:
    run.report.entries += 1
    run.report.leave(entry.reason, entry.n)


def _key(entry: Quarantined) -> _Key:
    return entry.received, entry.topic, entry.reason, tuple(entry.items or ())


def _put_through(run: _Replay, entries: Sequence[Quarantined]) -> None:
    """Replay entries; when something in them cannot be handled, their halves."""
    if not entries:
        return
    tally = Report()
    try:
        with run.database.writing() as tx:
            written = _attempt(tx, run, entries, tally)
    except Unavailable:
        raise
    except Exception:
        if len(entries) == 1:
            _leave(run, entries[0])
            return
        middle = len(entries) // 2
        _put_through(run, entries[:middle])
        _put_through(run, entries[middle:])
        return
    run.written |= {_key(entry) for entry in written}
    _add(run.report, tally)


def _add(report: Report, more: Report) -> None:
    report.entries += more.entries
    report.stored += more.stored
    report.duplicate += more.duplicate
    for reason, n in more.remaining.items():
        report.leave(reason, n)


def _attempt(
    tx: WriteTx, run: _Replay, entries: Sequence[Quarantined], tally: Report
) -> list[Quarantined]:
    taken = quarantine.take(tx, [entry.id for entry in entries])
    # a gateway's message that was set aside unread stands for several devices
    of_entry = [parted([_message(entry)]) for entry in taken]
    messages = [message for parts in of_entry for message in parts]
    only = [
        None if entry.items is None else set(entry.items)
        for entry, parts in zip(taken, of_entry, strict=True)
        for _ in parts
    ]
    batch = digest(messages, run.placement, judged_at=run.judged_at, only=only)
    # what old messages say for later ones explains their own kind, not what comes in now
    told, batch.memory.changed = batch.memory.changed, {}
    outcomes = store_readings(tx, batch)
    run.placement.remember(told)
    changed: list[int] = []
    moves: list[LedgerEntry] = []
    written: list[Quarantined] = []
    number = 0
    for entry, parts in zip(taken, of_entry, strict=True):
        now = [_became(batch, outcomes, number + i) for i in range(len(parts))]
        number += len(parts)
        tally.count(now)
        if any(each.stored or each.duplicate for each in now) or _changed(entry, now):
            changed.append(entry.id)
            written += [quarantined(batch, refused) for each in now for refused in each.left]
            moves += _moves(entry, now)
    quarantine.resolve(tx, changed)
    quarantine.put(tx, written)
    ledger.record(tx, moves)
    return written


def _became(batch: Batch, outcomes: NDArray[np.uint8], number: int) -> _Became:
    of_entry = outcomes[batch.message == number]
    return _Became(
        batch.accounts[number][:200],
        day_of(batch.messages[number].received),
        int(np.count_nonzero(of_entry != readings.DUPLICATE)),
        int(np.count_nonzero(of_entry == readings.DUPLICATE)),
        [refused for refused in batch.refused if refused.message == number],
    )


def _changed(entry: Quarantined, now: Sequence[_Became]) -> bool:
    if len(now) > 1:
        return True
    same = all(refused.reason == entry.reason for refused in now[0].left)
    return not (same and now[0].account == entry.device_key and now[0].waiting == entry.n)


def _moves(entry: Quarantined, now: Sequence[_Became]) -> list[LedgerEntry]:
    """Take an entry off its account and put what became of it on the right ones."""
    gone = LedgerEntry(entry.device_key, now[0].day, received=-entry.n, quarantined=-entry.n)
    return [gone] + [
        LedgerEntry(
            each.account,
            each.day,
            each.stored + each.duplicate + each.waiting,
            each.stored,
            each.duplicate,
            each.waiting,
        )
        for each in now
    ]


def _message(entry: Quarantined) -> Message:
    return Message(entry.topic, entry.payload, micros(entry.received), len(entry.payload))
