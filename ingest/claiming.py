"""Claiming: values that came under keys without a datastream, stored once the keys have one.

They take the way of every message, so that units, time and range are checked, and enter the
ledger of the device on the day of their receipt.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from ingest.batch import store
from ingest.intake import digest
from ingest.mqtt.inbox import Message
from ingest.placement import Device, Placement
from models.errors import NotFound
from models.store import catalogue, devices, rollups, unclaimed
from models.store.database import Database
from models.store.unclaimed import Unclaimed

_EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_2000_US = 946_684_800_000_000


def claim(database: Database, device_id: int) -> int:
    """Store the unclaimed values of keys that have a datastream by now; return how many.

    Raises
    ------
    NotFound
        No such device.
    """
    with database.reading() as tx:
        placement = Placement(catalogue.load(tx))
        key = devices.device(tx, device_id).key
        known = placement.device(key)
        if known is None:
            raise NotFound(noun="device", key=device_id)
        waiting = [c.channel for c in unclaimed.channels(tx, device_id)]
    names = [name for name in waiting if name in known.streams]
    done = 0
    while names:
        with database.writing() as tx:
            rows = unclaimed.claimable(tx, device_id, names)
            if not rows:
                break
            messages = _messages(known, rows)
            done += store(tx, digest(messages, placement), by="claimed").stored
            unclaimed.claimed(tx, device_id, rows)
    rollups.refresh(database)
    return done


def _messages(device: Device, rows: Sequence[Unclaimed]) -> list[Message]:
    topic = f"heitu/v1/{device.key}/readings"
    found = []
    for received, group in groupby(sorted(rows, key=_arrival), _arrival):
        payload = json.dumps([_reading(row) for row in group]).encode()
        found.append(Message(topic, payload, received + _2000_US, len(payload)))
    return found


def _arrival(row: Unclaimed) -> int:
    return row.received


def _reading(row: Unclaimed) -> dict[str, object]:
    time = (_EPOCH_2000 + timedelta(microseconds=row.us)).isoformat()
    try:
        return {"time": time, "channel": row.channel, "value": float(row.text)}
    except ValueError:  # a text: goes to quarantine with its reason, for the key is a number's
        return {"time": time, "channel": row.channel, "value": row.text}
