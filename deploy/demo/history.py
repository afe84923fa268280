"""What the demonstration's devices have recorded, published through MQTT like live values."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from deploy.demo.farms import DemoDevice, all_farms
from deploy.demo.logs import DailyLog, Log, LoopLog
from ingest.mqtt.publisher import Publisher
from models.errors import Unavailable
from models.store import heartbeats, ledger
from models.store.database import Database

PACK = 500  # readings a message, as a gateway that was offline for a while would send
_REACH = {DailyLog: timedelta(days=730), LoopLog: timedelta(days=6)}  # what each log can fill
_GENERATED_REACH = timedelta(days=690)  # as far back as the real probes
_PATIENCE = 120.0  # seconds without progress before we give up

Progress = Callable[[int, int], None]  # done, total


def players() -> list[DemoDevice]:
    """Return the devices that play a log."""
    return [device for farm in all_farms() for device in farm.devices if device.log is not None]


def publish(
    publisher: Publisher, since: datetime | None, until: datetime, progress: Progress
) -> int:
    """Publish what lies between two instants; None is as far back as each log reaches.

    Returns
    -------
    int
        Readings sent.
    """
    sent, devices = 0, players()
    for number, device in enumerate(devices):
        assert device.log is not None
        earliest = until - reach(device.log)
        for pack in _packs(device.log, max(since or earliest, earliest), until):
            publisher.send(device.key, {"readings": pack})
            sent += len(pack)
        progress(number + 1, len(devices))
    publisher.flush()
    return sent


def reach(log: Log) -> timedelta:
    """Return how far back a log can tell."""
    return _REACH.get(type(log), _GENERATED_REACH)


def _packs(log: Log, start: datetime, end: datetime) -> Iterator[list[dict[str, Any]]]:
    readings = (
        {"time": moment.isoformat(), "channel": channel, "value": value}
        for moment, values in log.between(start, end)
        for channel, value in values.items()
    )
    while pack := list(islice(readings, PACK)):
        yield pack


def await_ingestor(database: Database, since: datetime) -> None:
    """Wait until the ingestor has said, after an instant, that it is subscribed.

    The embedded broker forgets sessions when it restarts: what is published before the
    subscription would be lost.
    """

    def listening() -> bool:
        with database.reading() as tx:
            beats = [b for b in heartbeats.beats(tx) if b.part.startswith("ingestor")]
        return any(b.at > since and b.detail.get("connected") is True for b in beats)

    _wait(listening, "the ingestor does not listen")


def received(database: Database) -> int:
    """Return the readings received so far, by the ledger."""
    with database.reading() as tx:
        return ledger.totals(tx, ledger.Selection()).received


def await_received(database: Database, before: int, sent: int, progress: Progress) -> None:
    """Wait until the ledger accounts for everything that was sent."""
    seen = 0

    def all_in() -> bool:
        nonlocal seen
        seen = received(database) - before
        progress(min(seen, sent), sent)
        return seen >= sent

    _wait(all_in, "the ingestor does not take in what was published", lambda: seen)


def _wait(done: Callable[[], bool], why: str, mark: Callable[[], int] = lambda: 0) -> None:
    until, last = time.monotonic() + _PATIENCE, mark()
    while not done():
        if mark() != last:
            until, last = time.monotonic() + _PATIENCE, mark()
        if time.monotonic() > until:
            raise Unavailable(part="ingestor", why=why)
        time.sleep(0.2)
