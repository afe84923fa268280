"""Values under keys that have no datastream: kept, reported once, stored once they have one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.engine import Row

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


def claimable(
    tx: ReadTx, device_id: int, names: Sequence[str], limit: int = 10_000
) -> Sequence[Row[Any]]:
    """Return values of some keys, oldest first: channel, value, us and received since 2000."""
    return tx.rows("companions", "claimable", device=device_id, channels=list(names), limit=limit)


def claimed(tx: WriteTx, device_id: int, rows: Sequence[Row[Any]]) -> None:
    """Take values off that became readings."""
    names, times = [r.channel for r in rows], [r.us for r in rows]
    tx.run("companions", "claimed", device=device_id, channels=names, times=times)
