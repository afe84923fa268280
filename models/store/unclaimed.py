"""Values under keys that have no datastream: kept, reported once, stored once they have one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from models.store.database import ReadTx, WriteTx
from models.store.recording import EPOCH_US


class Value(NamedTuple):
    """A value as text; time and arrival in microseconds since 1970."""

    device_id: int
    channel: str
    time: int
    text: str
    received: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A key of a device's payloads that has no datastream, with its newest value."""

    channel: str
    first: datetime
    last: datetime
    n: int
    example: str


def keep(tx: WriteTx, values: Sequence[Value]) -> None:
    """Keep values; of one key and instant the first."""
    if values:
        tx.run(
            "companions",
            "keep_unclaimed",
            devices=[v.device_id for v in values],
            channels=[v.channel[:200].replace("\0", "\ufffd") for v in values],
            times=[v.time - EPOCH_US for v in values],
            values=[v.text[:200].replace("\0", "\ufffd") for v in values],
            received=[v.received - EPOCH_US for v in values],
        )


def channels(tx: ReadTx, device_id: int) -> list[Channel]:
    """Return the keys of a device that have no datastream, each once."""
    rows = tx.rows("companions", "unclaimed_channels", device=device_id)
    return [Channel(r.channel, r.first, r.last, r.n, r.example) for r in rows]


class Unclaimed(NamedTuple):
    """An unclaimed value; time and arrival in microseconds since 2000."""

    channel: str
    text: str
    us: int
    received: int


def claimable(
    tx: ReadTx, device_id: int, names: Sequence[str], limit: int = 10_000
) -> list[Unclaimed]:
    """Return unclaimed values of some keys of a device, oldest first."""
    rows = tx.tuples("companions", "claimable", device=device_id, channels=list(names), limit=limit)
    return [Unclaimed(*row) for row in rows]


def claimed(tx: WriteTx, device_id: int, values: Sequence[Unclaimed]) -> None:
    """Take values off that became readings."""
    tx.run(
        "companions",
        "claimed",
        device=device_id,
        channels=[v.channel for v in values],
        times=[v.us for v in values],
    )
