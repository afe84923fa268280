"""A batch: readings ready to store, refusals with their reasons, and the account of both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.mqtt.format import Memory, Signs
from ingest.mqtt.inbox import KEPT, Message
from models.reading import BLOCK, LedgerEntry, Quarantined, Reason
from models.store import (
    announcements,
    calibrations,
    ledger,
    quarantine,
    readings,
    unclaimed,
    uplinks,
)
from models.store.database import WriteTx
from models.store.unclaimed import Value
from models.store.uplinks import Frame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_SHANGHAI_US = 8 * 3_600_000_000  # UTC+8 the whole year, no summer time since 1991
_DETAIL = 500  # characters of a detail worth keeping


@dataclass(slots=True)
class Refused:
    """Readings of one message refused for one reason; items None is the whole message."""

    message: int
    reason: Reason
    detail: str
    items: list[int] | None
    n: int


@dataclass(slots=True)
class Outcome:
    """What became of the readings of a batch."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: dict[Reason, int] = field(default_factory=dict)
    undated: int = 0


@dataclass(slots=True)
class Batch:
    """Messages decoded and placed, not stored yet.

    Attributes
    ----------
    accounts : list of str
        Ledger account of each message: its device's key, or `UNKNOWN`. Its quarantined
        readings are kept under the same name, so that the two can be held together.
    block : ndarray of BLOCK
        Readings to store.
    message, item : ndarray of int
        Message and position in it of each row of the block.
    devices : dict
        Message -> id of its device, of messages from known devices.
    frames, signs : dict
        Message -> LoRaWAN frame that carried it, what it told about the device itself.
    unclaimed : list of Value
        Values under keys without a datastream.
    replies : list of (str, bytes)
        To publish once the batch is committed.
    undated : int
        Values of retained messages, of unknown age, that were left out.
    calibration : int
        Version of the calibrations that the values were converted with.
    outcomes : ndarray of uint8
        Once stored, what became of each row of the block (`readings.add`).
    """

    messages: Sequence[Message]
    accounts: list[str]
    block: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, BLOCK))
    message: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    item: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    refused: list[Refused] = field(default_factory=list)
    devices: dict[int, int] = field(default_factory=dict)
    frames: dict[int, Frame] = field(default_factory=dict)
    signs: dict[int, Signs] = field(default_factory=dict)
    unclaimed: list[Value] = field(default_factory=list)
    replies: list[tuple[str, bytes]] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    undated: int = 0
    calibration: int | None = None
    outcomes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    def refuse(self, message: int, item: int, reason: Reason, detail: str) -> None:
        """Refuse one reading; those of one message and reason share an entry."""
        last = self.refused[-1] if self.refused else None
        if last and last.message == message and last.reason == reason and last.items is not None:
            last.items.append(item)
            last.n += 1
        else:
            self.refused.append(Refused(message, reason, detail[:_DETAIL], [item], 1))

    def refuse_whole(self, message: int, reason: Reason, detail: str, n: int = 1) -> None:
        """Refuse a message; ``n`` is the number of readings it stands for."""
        self.refused.append(Refused(message, reason, detail[:_DETAIL], None, n))


class Outdated(Exception):  # noqa: N818
    """A calibration has changed since the batch was converted: convert it again."""


def store(tx: WriteTx, batch: Batch, by: str = "mqtt") -> Outcome:
    """Store a batch, its refusals and its account in the caller's transaction.

    Raises
    ------
    Outdated
        A calibration has changed meanwhile.
    """
    batch.outcomes = outcomes = store_readings(tx, batch, by)
    quarantine.put(tx, [quarantined(batch, refused) for refused in batch.refused])
    entries = _entries(batch, outcomes)
    ledger.record(tx, entries)
    return _outcome(batch, entries)


def store_readings(tx: WriteTx, batch: Batch, by: str = "mqtt") -> NDArray[np.uint8]:
    """Store the readings and what comes along with them; return the outcome of each row."""
    if batch.calibration is not None and calibrations.held_version(tx) != batch.calibration:
        raise Outdated
    if batch.frames:
        _settle_times(tx, batch)
    unclaimed.keep(tx, batch.unclaimed)
    announcements.keep(tx, batch.memory.changed)
    return readings.add(tx, batch.block, by)


def _settle_times(tx: WriteTx, batch: Batch) -> None:
    """Give every copy of a LoRaWAN frame the time of the first one."""
    numbers = list(batch.frames)
    first = uplinks.first_times(tx, [batch.frames[number] for number in numbers])
    times = batch.block["phenomenon_time"]
    for number, time in zip(numbers, first, strict=True):
        stated = batch.frames[number].time
        if time != stated:
            times[(batch.message == number) & (times == stated)] = time


def quarantined(batch: Batch, refused: Refused) -> Quarantined:
    """Word a refusal for the quarantine."""
    message = batch.messages[refused.message]
    return Quarantined(
        _EPOCH + timedelta(microseconds=message.received),
        batch.accounts[refused.message][:200],
        message.topic[:1000],
        bytes(message.payload[:KEPT]) if refused.reason == Reason.TOO_LARGE else message.payload,
        refused.items,
        refused.n,
        refused.reason,
        refused.detail,
    )


def day_of(received: int) -> date:
    """Return the Asia/Shanghai day of an arrival given in microseconds."""
    return _EPOCH.date() + timedelta(days=(received + _SHANGHAI_US) // _DAY_US)


def _days(messages: Sequence[Message]) -> list[date]:
    """Return the day of each message; a batch nearly always lies within one."""
    arrivals = [message.received for message in messages]
    if not arrivals:
        return []
    first, last = day_of(min(arrivals)), day_of(max(arrivals))
    return [first] * len(arrivals) if first == last else [day_of(at) for at in arrivals]


def _entries(batch: Batch, outcomes: NDArray[np.uint8]) -> list[LedgerEntry]:
    numbers: dict[tuple[str, date], int] = {}
    days = _days(batch.messages)
    account = np.fromiter(
        (numbers.setdefault(key, len(numbers)) for key in zip(batch.accounts, days, strict=True)),
        np.intp,
        len(days),
    )
    of_row = account[batch.message]
    stored = np.bincount(of_row[outcomes != readings.DUPLICATE], minlength=len(numbers))
    duplicate = np.bincount(of_row[outcomes == readings.DUPLICATE], minlength=len(numbers))
    quarantined = np.zeros(len(numbers), int)
    for refused in batch.refused:
        quarantined[account[refused.message]] += refused.n
    received = stored + duplicate + quarantined
    return [
        LedgerEntry(key[:200], day, int(received[i]), int(stored[i]), int(duplicate[i]), int(q))
        for ((key, day), i), q in zip(numbers.items(), quarantined, strict=True)
        if received[i]
    ]


def _outcome(batch: Batch, entries: list[LedgerEntry]) -> Outcome:
    total = Outcome(
        sum(entry.received for entry in entries),
        sum(entry.stored for entry in entries),
        sum(entry.duplicate for entry in entries),
    )
    for refused in batch.refused:
        known = total.quarantined.get(refused.reason, 0)
        total.quarantined[refused.reason] = known + refused.n
    total.undated = batch.undated
    return total
