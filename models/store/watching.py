"""What the watch over alarms reads and keeps: arrivals, states, windows of readings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from models.reading import SPAN
from models.store.database import ReadTx, WriteTx

_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[int, str]  # rule and subject


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of one datastream; times in microseconds since 1970.

    Attributes
    ----------
    oldest, newest : int
        Phenomenon times.
    at : int
        When it was stored.
    """

    datastream_id: int
    oldest: int
    newest: int
    at: int


@dataclass(frozen=True, slots=True)
class KeptState:
    """What the watch knew of a rule at a subject; `state` is JSON."""

    evaluated: int
    open: bool
    state: str


@dataclass(frozen=True, slots=True)
class Watch:
    """How the watch and the intake stood when it last looked."""

    looked: datetime | None
    resumed: datetime
    back: datetime
    settling: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The last sign of life of an ingestor."""

    name: str
    age_s: float
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sign:
    """When a device, or one of its datastreams, last brought something new."""

    device_id: int
    datastream_id: int | None
    heard: int
    cadence_s: float | None
    gateway: str | None


def instant(us: int) -> datetime:
    """Return the instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=us)


def microseconds(at: datetime) -> int:
    """Return an instant in microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def alone(tx: WriteTx) -> bool:
    """Hold the watch until the transaction ends; False when another process does."""
    row = tx.row("watching", "alone")
    return bool(row and row.mine)


def watch(tx: ReadTx) -> Watch:
    """Return how the watch and the intake stood when it last looked."""
    row = tx.row("watching", "watch")
    assert row is not None
    return Watch(row.looked, row.resumed, row.back, row.settling)


def keep_watch(tx: WriteTx, it: Watch) -> None:
    """Keep how the watch and the intake stand."""
    bound = {"looked": it.looked, "resumed": it.resumed, "back": it.back}
    tx.run("watching", "looked", settling=it.settling, **bound)


def versions(tx: ReadTx) -> tuple[str, ...]:
    """Return what changes with every change of a rule, a device or a datastream."""
    return tuple(r.value for r in tx.rows("watching", "versions"))


def intake(tx: ReadTx) -> list[Part]:
    """Return the last sign of life of every ingestor."""
    return [Part(r.part, r.age_s, r.detail) for r in tx.rows("watching", "intake")]


def take_arrivals(tx: WriteTx, upto: datetime, limit: int = 500) -> list[Arrival]:
    """Take what arrived up to an instant off the queue; at most ``limit`` batches."""
    batches = tx.tuples("watching", "take_arrivals", upto=upto, limit=limit)
    if not batches:
        return []
    spans = np.concatenate([np.frombuffer(packed, SPAN) for _, packed in batches])
    at = np.repeat([at for at, _ in batches], [len(p) // SPAN.itemsize for _, p in batches])
    ids, place = np.unique(spans["datastream_id"], return_inverse=True)
    oldest = np.full(len(ids), np.iinfo(np.int64).max)
    newest, stored = np.full((2, len(ids)), np.iinfo(np.int64).min)
    np.minimum.at(oldest, place, spans["oldest"])
    np.maximum.at(newest, place, spans["newest"])
    np.maximum.at(stored, place, at)
    columns = (column.tolist() for column in (ids, oldest, newest, stored))
    return [Arrival(*row) for row in zip(*columns, strict=True)]


def waiting(tx: ReadTx, upto: datetime) -> bool:
    """Tell whether something that arrived up to an instant is still in the queue."""
    row = tx.row("watching", "waiting", upto=upto)
    return bool(row and row.n)


def due(tx: ReadTx, now: datetime, limit: int = 20_000) -> list[Key]:
    """Return rules at subjects that time alone may change by now."""
    return [(r.rule_id, r.subject) for r in tx.rows("watching", "due", now=now, limit=limit)]


def states(tx: ReadTx, keys: Iterable[Key]) -> dict[Key, KeptState]:
    """Return what is known of some rules at some subjects."""
    wanted = list(keys)
    if not wanted:
        return {}
    rules, subjects = [rule for rule, _ in wanted], [subject for _, subject in wanted]
    found = tx.tuples("watching", "states", rules=rules, subjects=subjects)
    return {(rule, subject): KeptState(*rest) for rule, subject, *rest in found}


def keep_states(tx: WriteTx, kept: Sequence[tuple[Key, int, int | None, bool, str]]) -> None:
    """Keep states: (rule and subject, evaluated, due, open, JSON), microseconds."""
    if not kept:
        return
    rows = [
        {
            "rule_id": rule,
            "subject": subject,
            "evaluated": evaluated - _EPOCH_US,
            "due": None if due is None else due - _EPOCH_US,
            "open": is_open,
            "state": state,
        }
        for (rule, subject), evaluated, due, is_open, state in kept
    ]
    # one document: the driver takes 80 us to quote a state as an element of an array
    tx.run("watching", "keep_states", rows=msgspec.json.encode(rows).decode())


def open_keys(tx: ReadTx) -> list[Key]:
    """Return the rules at subjects that are open."""
    return [(r.rule_id, r.subject) for r in tx.rows("watching", "open_states")]


def expect(tx: WriteTx, rule_id: int, subjects: Sequence[str], now: datetime) -> None:
    """See to it that the silence of devices is judged, from now on."""
    tx.run("watching", "expect", rule_id=rule_id, subjects=list(subjects), now=now)


def forget(tx: WriteTx, rule_id: int, subjects: Sequence[str]) -> None:
    """Forget subjects that a rule watches no more."""
    tx.run("watching", "forget_subjects", rule_id=rule_id, subjects=list(subjects))


def windows(
    tx: ReadTx, wanted: Sequence[tuple[int, int, int]], most: int
) -> list[tuple[int, int, float, int, int]]:
    """Return readings of datastreams, each over its own span.

    Parameters
    ----------
    wanted : sequence of (datastream id, after, upto)
        Microseconds; the start is excluded.
    most : int
        Readings of each span at most, the oldest first.

    Returns
    -------
    list of (place in ``wanted`` from 1, time, value, quality, received)
        By place and time.
    """
    if not wanted:
        return []
    return tx.tuples(
        "watching",
        "windows",
        datastreams=[stream for stream, _, _ in wanted],
        after=[after - _EPOCH_US for _, after, _ in wanted],
        upto=[upto - _EPOCH_US for _, _, upto in wanted],
        floor=instant(min(after for _, after, _ in wanted)),
        ceiling=instant(max(upto for _, _, upto in wanted)),
        most=most,
    )


def signs(
    tx: ReadTx, *, by_stream: bool = False, devices: Sequence[int] | None = None
) -> list[Sign]:
    """Return when devices, or their datastreams, last brought something new."""
    chosen = None if devices is None else list(devices)
    return [
        Sign(*row) for row in tx.tuples("watching", "signs", by_stream=by_stream, devices=chosen)
    ]


def signs_of_life(
    tx: ReadTx, datastream_ids: Sequence[int], start: datetime, end: datetime
) -> list[int]:
    """Return the minutes in which a device brought values over [start, end), microseconds."""
    ids = list(datastream_ids)
    found = tx.tuples("watching", "day_of_signs", datastreams=ids, start=start, end=end)
    return [us for (us,) in found]


def ground(tx: ReadTx) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    """Return the rows of every active datastream, device and place that a rule may be about."""
    return tuple(tx.rows("watching", name) for name in ("streams", "devices", "places"))  # type: ignore[return-value]
