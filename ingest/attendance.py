"""Attendance: what is known of devices themselves, gathered in memory, written now and then.

Operational and not part of the account: a kill loses the last two seconds of it.
"""

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ingest.batch import Batch
from ingest.mqtt.format import Signs
from models.reading import Quality
from models.store import presence
from models.store.database import Database
from models.store.presence import Presence

_LIVE_US = 3_600_000_000  # older values are backlog and tell nothing about the clock
_WINDOW_US = 600_000_000  # the smallest delay of this and the last ten minutes


@dataclass(slots=True)
class _Delay:
    """Smallest delay of the current and of the previous window, microseconds."""

    since: int
    now: float = float("inf")
    before: float = float("inf")

    def note(self, at: int, delay: float) -> None:
        if at - self.since > _WINDOW_US:
            fresh = at - self.since <= 2 * _WINDOW_US
            self.before = self.now if fresh else float("inf")
            self.since, self.now = at, float("inf")
        self.now = min(self.now, delay)

    @property
    def smallest(self) -> float:
        return min(self.now, self.before)


class Attendance:
    """The newest signs of every device heard since the last flush."""

    def __init__(self) -> None:
        self._heard: dict[int, Presence] = {}
        self._delays: dict[int, _Delay] = {}
        self._changing = threading.Lock()

    def note(self, batch: Batch) -> None:
        """Note the devices of a committed batch."""
        smallest: dict[int, float] = {}
        for number, delay in _delays(batch).items():
            device = batch.devices[number]
            if delay < smallest.get(device, float("inf")):
                smallest[device] = delay
        # signs in their order, else only a device's last message of the batch counts
        last = {device: number for number, device in batch.devices.items()}
        telling = sorted({*last.values(), *batch.signs}) if batch.signs else last.values()
        with self._changing:
            for device, delay in smallest.items():
                received = batch.messages[last[device]].received
                self._delays.setdefault(device, _Delay(received)).note(received, delay)
            for number in telling:
                received = batch.messages[number].received
                self._hear(batch.devices[number], received, batch.signs.get(number))

    def _hear(self, device: int, received: int, signs: Signs | None) -> None:
        seen = datetime.fromtimestamp(received / 1e6, UTC)
        known = self._heard.get(device)
        heard = Presence(device, seen) if known is None else replace(known, seen=seen)
        if signs is not None:
            said: dict[str, Any] = {k: v for k, v in signs._asdict().items() if v is not None}
            heard = replace(heard, **said)
        self._heard[device] = heard

    def flush(self, database: Database) -> None:
        """Write what was heard; what cannot be written is kept for the next time."""
        with self._changing:
            heard, self._heard = self._heard, {}
            signs = [self._timed(one) for one in heard.values()]
        try:
            with database.writing() as tx:
                presence.note(tx, signs)
        except BaseException:
            with self._changing:
                self._heard = heard | self._heard
            raise

    def _timed(self, one: Presence) -> Presence:
        delay = self._delays.get(one.device_id)
        if delay is None or delay.smallest == float("inf"):
            return one
        seconds = delay.smallest / 1e6
        return replace(one, lag_s=seconds, skew_s=-seconds)


def _delays(batch: Batch) -> dict[int, float]:
    """Return for each message the smallest delay [us] of its live readings."""
    block = batch.block
    if not len(block):
        return {}
    delay = block["received"] - block["phenomenon_time"]
    timed = (block["quality"] & int(Quality.ARRIVAL) == 0) & (delay < _LIVE_US)
    smallest = np.full(len(batch.messages), np.inf)
    np.minimum.at(smallest, batch.message[timed], delay[timed].astype(float))
    found = np.flatnonzero(np.isfinite(smallest))
    return dict(zip(found.tolist(), smallest[found].tolist(), strict=True))
