"""The intake: messages in, a batch of canonical, checked readings and refusals out.

Pure but for the catalogue it is given: decode, place, convert, check time, finiteness and
range. Python handles a message and its readings by dictionary lookups; everything
numerical is done once for the whole batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from analytics.quality.ranges import range_flags
from ingest.batch import Batch
from ingest.mqtt import topics
from ingest.mqtt.format import Decoded, Undecodable
from ingest.mqtt.inbox import Message
from ingest.placement import Device, Placement, Unplaced
from models.reading import BLOCK, UNKNOWN, Quality, Reason

MAX_PAYLOAD = 262_144  # bytes: 3,000 readings of Heitu JSON
_FIRST_US = 946_684_800_000_000  # 2000-01-01T00:00Z; before it a clock was never set
_AHEAD_US = int(timedelta(minutes=10) / timedelta(microseconds=1))
# a stated time, shown to people, stays within what a calendar can express
_SHOWN_US = 250_000_000_000_000_000


@dataclass(slots=True)
class _Rows:
    """Readings that have a datastream, column by column."""

    row: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    message: list[int] = field(default_factory=list)
    item: list[int] = field(default_factory=list)


def digest(
    messages: Sequence[Message],
    placement: Placement,
    *,
    judged_at: int | None = None,
    only: Sequence[set[int] | None] | None = None,
) -> Batch:
    """Decode, place and check messages.

    Parameters
    ----------
    messages : sequence of Message
        In order of arrival.
    placement : Placement
        The compiled catalogue.
    judged_at : int, optional
        Present instant of the time rule, microseconds; a message's arrival by default.
    only : sequence of (set of int or None), optional
        For each message the positions of the readings to take, the others being settled
        already; None takes all.
    """
    batch = Batch(messages, [UNKNOWN] * len(messages))
    rows = _Rows()
    for number, message in enumerate(messages):
        try:
            _take(batch, rows, number, message, placement, only[number] if only else None)
        except Undecodable as fault:
            batch.refuse_whole(number, fault.reason, fault.detail)
    _check(batch, rows, placement.table(), judged_at)
    return batch


def unknown(batch: Batch) -> bool:
    """Tell whether a newer catalogue might cure some refusals of a batch."""
    curable = (Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_QUANTITY)
    return any(refused.reason in curable for refused in batch.refused)


def _take(
    batch: Batch,
    rows: _Rows,
    number: int,
    message: Message,
    placement: Placement,
    only: set[int] | None,
) -> None:
    address = topics.parse(message.topic)
    device = placement.device(address.device_key)
    if device is not None:
        batch.accounts[number] = device.key
    if message.flooding:
        raise Undecodable(Reason.FLOODING, "more messages than the device may send")
    if message.size > MAX_PAYLOAD:
        detail = f"{message.size} bytes; {MAX_PAYLOAD} are allowed"
        raise Undecodable(Reason.TOO_LARGE, detail)
    decoded = address.format.decode(address, message.payload)
    if only is not None:
        decoded = _selected(decoded, only)
    if device is None:
        n = 1 if decoded.selective else len(decoded.sent) + len(decoded.refused)
        if n:
            detail = f"no device {address.device_key[:80]!r} is registered"
            batch.refuse_whole(number, Reason.UNKNOWN_DEVICE, detail, n)
        return
    if decoded.selective:
        decoded = _registered(decoded, device)
    _place(batch, rows, number, decoded, device, placement)


def _selected(decoded: Decoded, only: set[int]) -> Decoded:
    return decoded._replace(
        sent=[sent for sent in decoded.sent if sent.item in only],
        refused=[refused for refused in decoded.refused if refused.item in only],
    )


def _registered(decoded: Decoded, device: Device) -> Decoded:
    """Keep what has a datastream; if nothing has, the message is of no use yet."""
    sent = [s for s in decoded.sent if s.channel in device.streams]
    refused = [r for r in decoded.refused if r.channel in device.streams]
    if not sent and not refused:
        names = [str(s.channel) for s in decoded.sent] + [str(r.channel) for r in decoded.refused]
        detail = f"none of {', '.join(names)[:300]} is a channel of the device"
        raise Undecodable(Reason.UNKNOWN_QUANTITY, detail)
    return Decoded(sent, refused)


def _place(
    batch: Batch,
    rows: _Rows,
    number: int,
    decoded: Decoded,
    device: Device,
    placement: Placement,
) -> None:
    channels = device.rows
    for sent in decoded.sent:
        row: int | Unplaced | None = None
        if sent.unit is None and sent.quantity is None:
            row = channels.get(sent.channel)
        if row is None:
            row = placement.row(device, sent)
        if isinstance(row, Unplaced):
            batch.refuse(number, sent.item, row.reason, row.detail)
            continue
        rows.row.append(row)
        rows.time.append(sent.time)
        rows.value.append(sent.value)
        rows.message.append(number)
        rows.item.append(sent.item)
    for refused in decoded.refused:
        batch.refuse(number, refused.item, refused.reason, refused.detail)


def _check(batch: Batch, rows: _Rows, table: NDArray[np.void], judged_at: int | None) -> None:
    """Convert to canonical units, apply the time rule, drop what is not finite, flag."""
    placed = table[rows.row]
    time = np.array(rows.time, np.int64)
    message = np.array(rows.message, np.intp)
    item = np.array(rows.item, np.intp)
    with np.errstate(over="ignore", invalid="ignore"):
        value = np.array(rows.value, np.float64) * placed["factor"] + placed["offset"]
    arrivals = np.array([m.received for m in batch.messages], np.int64)
    present = arrivals[message]
    judged = present if judged_at is None else np.full_like(present, judged_at)
    possible = (time >= _FIRST_US) & (time <= judged + _AHEAD_US)
    finite = np.isfinite(value)
    good = possible & finite
    for row in np.flatnonzero(~good):
        at = int(message[row]), int(item[row])
        if finite[row]:
            batch.refuse(*at, Reason.IMPOSSIBLE_TIME, _when(int(time[row])))
        else:
            batch.refuse(*at, Reason.NOT_A_NUMBER, f"the value is {value[row]}")
    flags = range_flags(value, placed["low"], placed["high"])
    flags[time > present] |= Quality.CLOCK
    block = np.zeros(int(good.sum()), BLOCK)
    block["datastream_id"] = placed["datastream_id"][good]
    block["phenomenon_time"] = time[good]
    block["value"] = value[good]
    block["quality"] = flags[good]
    batch.block, batch.message, batch.item = block, message[good], item[good]


def _when(time: int) -> str:
    shown = np.datetime64(max(-_SHOWN_US, min(_SHOWN_US, time)), "us")
    return f"the stated time is {shown}Z"
