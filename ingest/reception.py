"""Reception: messages handed in by request rather than by the broker, stored at once.

The same intake, batch and account as over MQTT; the caller waits for the commit and is told
what became of every reading.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.attendance import Attendance
from ingest.batch import Batch, Outdated, store
from ingest.intake import digest, parted, unknown
from ingest.mqtt.inbox import Message
from ingest.placement import Placement
from models.errors import HeituError
from models.reading import UNKNOWN, Reason
from models.store import catalogue, readings
from models.store.database import Database

_LOG = logging.getLogger(__name__)
Whys = Mapping[int, tuple[Reason, str]]
_NOTED_S = 2.0  # signs of devices are written this long after the first one


@dataclass(frozen=True, slots=True)
class Became:
    """What became of one reading, or of a message as a whole.

    Attributes
    ----------
    message : int
        Place of its message among those handed in.
    item : int
        Place in the message; 0 of a whole message.
    datastream_id, time, seq : int
        Key of the stored reading (microseconds); 0 of a quarantined one.
    outcome : int or None
        As `readings.add` has it; None is quarantined, for ``reason``.
    n : int
        Readings it stands for.
    """

    message: int
    item: int
    datastream_id: int = 0
    time: int = 0
    seq: int = 0
    outcome: int | None = None
    reason: Reason | None = None
    detail: str = ""
    n: int = 1


class Reception:
    """Takes messages in from many threads; holds the compiled catalogue between them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attendance = Attendance()
        self._placing = threading.Lock()
        self._placement: Placement | None = None
        self._noting: threading.Timer | None = None

    def take(
        self,
        messages: Sequence[Message],
        by: str,
        why: Whys | None = None,
    ) -> list[Became]:
        """Store messages and return what became of them, in their order; committed by then.

        Parameters
        ----------
        by : str
            Who hands them in; kept with every value that is replaced.
        why : mapping, optional
            Place of a message that is of no device -> how its refusal is worded.

        Raises
        ------
        Unavailable
            The database is away; nothing was stored, or not all of it: hand it in again.
        """
        whole = list(range(len(messages)))
        found = self._handle(messages, whole, by, why or {})
        return sorted(found, key=lambda it: (it.message, it.item))

    def _handle(
        self, messages: Sequence[Message], places: list[int], by: str, why: Whys
    ) -> list[Became]:
        """Store messages; when that cannot be done, their halves, and one alone is set aside."""
        try:
            return self._store(messages, places, by, why)
        except HeituError:
            raise
        except Exception as error:
            if len(messages) == 1:
                _LOG.exception("set aside: %s", messages[0].topic)
                return self._set_aside(messages, places, error)
            middle = len(messages) // 2
            first = self._handle(messages[:middle], places[:middle], by, why)
            return first + self._handle(messages[middle:], places[middle:], by, why)

    def _store(
        self, messages: Sequence[Message], places: list[int], by: str, why: Whys
    ) -> list[Became]:
        parts, origin = _apart(messages, places)
        while True:
            batch = self._digested(parts)
            for refused in batch.refused:
                told = refused.reason, refused.detail
                refused.reason, refused.detail = why.get(origin[refused.message], told)
            try:
                with self._database.writing() as tx:
                    store(tx, batch, by)
            except Outdated:
                self._placement = None
            else:
                break
        self._attendance.note(batch)
        self._note_later()
        return _became(batch, origin)

    def _set_aside(
        self, messages: Sequence[Message], places: list[int], error: Exception
    ) -> list[Became]:
        batch = Batch(messages, [UNKNOWN])
        batch.refuse_whole(0, Reason.POISON, f"{type(error).__name__}: {error}")
        with self._database.writing() as tx:
            store(tx, batch)
        return _became(batch, places)

    def _digested(self, messages: list[Message]) -> Batch:
        # the compiled catalogue grows while it is used, and takes about 4 us a message
        with self._placing:
            placement = self._current()
            batch = digest(messages, placement)
            if unknown(batch) and (newer := self._current()) is not placement:
                batch = digest(messages, newer)
        return batch

    def _current(self) -> Placement:
        """Return the compiled catalogue, compiled anew when it has changed: one row tells."""
        with self._database.reading() as tx:
            known = self._placement
            if known is None or catalogue.version(tx) != known.version:
                known = self._placement = Placement(catalogue.load(tx))
        return known

    def _note_later(self) -> None:
        """Write the signs of devices in a while, those of several requests at once."""
        if self._noting is None or not self._noting.is_alive():
            self._noting = threading.Timer(_NOTED_S, self._note)
            self._noting.daemon = True
            self._noting.start()

    def _note(self) -> None:
        try:
            self._attendance.flush(self._database)
        except HeituError as outage:
            _LOG.info("signs of devices: %s", outage)


def message(topic: str, payload: bytes, received: int | None = None) -> Message:
    """Make a message that was handed in; it has no packet to acknowledge."""
    now = time.time_ns() // 1_000 if received is None else received
    return Message(topic, payload, now, len(payload))


def _apart(messages: Sequence[Message], places: list[int]) -> tuple[list[Message], list[int]]:
    """Split what gateways say for several devices; return also whose part each is."""
    parts: list[Message] = []
    origin: list[int] = []
    for place, one in zip(places, messages, strict=True):
        found = parted([one])
        parts += found
        origin += [place] * len(found)
    return parts, origin


def _became(batch: Batch, origin: list[int]) -> list[Became]:
    block = batch.block
    stored = zip(
        batch.message.tolist(),
        batch.item.tolist(),
        block["datastream_id"].tolist(),
        block["phenomenon_time"].tolist(),
        block["seq"].tolist(),
        batch.outcomes.tolist(),
        strict=True,
    )
    found = [Became(origin[number], *rest) for number, *rest in stored]
    for refused in batch.refused:
        place, why = origin[refused.message], (None, refused.reason, refused.detail)
        if refused.items is None:
            found.append(Became(place, 0, 0, 0, 0, *why, refused.n))
        else:
            found += [Became(place, item, 0, 0, 0, *why) for item in refused.items]
    return found


def word(outcome: int | None) -> str:
    """Name an outcome as the API does."""
    if outcome is None:
        return "quarantined"
    return {readings.STORED: "stored", readings.DUPLICATE: "duplicate"}.get(outcome, "revised")
