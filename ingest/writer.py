"""The writer: batches from the inbox into the database, settled only after the commit.

Outages are waited out, with the messages unacknowledged. A message that cannot be handled
for any other reason is isolated by halving its batch, tried three times in all, and set
aside, so that the stream goes on behind it.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ingest.attendance import Attendance
from ingest.batch import Batch, Outdated, store
from ingest.flood import Limiter
from ingest.intake import digest, parted, unknown
from ingest.mqtt.inbox import Inbox, Message
from ingest.mqtt.pace import Pace
from ingest.placement import Placement
from ingest.status import Status
from models.errors import Unavailable
from models.reading import UNKNOWN, Reason
from models.store import catalogue
from models.store.database import Database

_LOG = logging.getLogger(__name__)
_BACK_OFF_S = (0.1, 5.0)
_TRIES = 3
_LOOK_S = 5.0  # how often a changed catalogue is looked for when nothing is unknown


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a batch is closed.

    Attributes
    ----------
    most : int
        Messages.
    most_bytes : int
        Of payload: 4 MiB of messages of 50 readings are 50,000 readings.
    linger, quiet : float
        Seconds after the first message; seconds without any.
    """

    most: int = 5_000
    most_bytes: int = 4 << 20
    linger: float = 0.05
    quiet: float = 0.005


class _Stopped(Exception):  # noqa: N818
    """Asked to end while waiting for the database."""


class Writer:
    """Takes messages from the inbox, stores them, and hands them back to be acknowledged."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        status: Status,
        settle: Callable[[list[Message]], None],
        rhythm: Rhythm | None = None,
        limiter: Limiter | None = None,
        reply: Callable[[list[tuple[str, bytes]]], None] | None = None,
    ) -> None:
        self.attendance = Attendance()
        self.explained = threading.Event()  # births came: data without one may be read now
        self._reply, self._pace = reply or _unanswered, Pace()
        self._limiter = limiter or Limiter()
        self.in_hand: Sequence[Message] = ()
        self._database, self._inbox, self._status, self._settle = database, inbox, status, settle
        self._rhythm = rhythm or Rhythm()
        self._placement: Placement | None = None
        self._looked = 0.0
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until stopped; what is not committed then comes again at the next start."""
        rhythm = self._rhythm
        with suppress(_Stopped):
            while not self._stopping.is_set():
                messages = self._inbox.take(
                    rhythm.most,
                    wait=0.5,
                    linger=rhythm.linger,
                    quiet=rhythm.quiet,
                    most_bytes=rhythm.most_bytes,
                )
                self.in_hand = messages
                if messages:
                    self._handle(self._limiter.judge(messages, self._registered))
                self.in_hand = ()

    def stop(self) -> None:
        """End after the batch in hand, or at once when the database is away."""
        self._stopping.set()

    def _registered(self, key: str) -> str | None:
        """Return the name of a device, of all those registered when last looked."""
        device = self._placement.device(key) if self._placement else None
        return None if device is None else device.key

    def _handle(self, messages: list[Message]) -> None:
        """Store a batch and settle it; when that cannot be done, do so with its halves."""
        failure = self._tried(lambda: self._store(messages))
        if failure is None:
            self._settle(messages)
        elif len(messages) == 1:
            self._isolate(messages, failure)
        else:
            middle = len(messages) // 2
            self._handle(messages[:middle])
            self._handle(messages[middle:])

    def _isolate(self, messages: list[Message], failure: Exception) -> None:
        """Try one message again, then set it aside; when not even that works, start over."""
        outcome: Exception | None = failure
        rounds = 0
        while outcome is not None:
            for _ in range(_TRIES - 1):
                outcome = self._tried(lambda: self._store(messages))
                if outcome is None:
                    return self._settle(messages)
            cause = outcome or failure
            _LOG.error("set aside after %d tries: %r on %s", _TRIES, cause, messages[0].topic)
            outcome = self._tried(lambda: self._set_aside(messages, cause))  # noqa: B023
            if outcome is not None:
                self._pause(outcome, rounds)
                rounds += 1
        return self._settle(messages)

    def _tried(self, work: Callable[[], None]) -> Exception | None:
        """Do the work, waiting out outages; return what else went wrong."""
        rounds = 0
        while True:
            try:
                work()
            except Unavailable as outage:
                self._pause(outage, rounds)
                rounds += 1
            except Exception as error:
                self._status.failed("poison", repr(error))
                return error
            else:
                return None

    def _pause(self, outage: Exception, rounds: int) -> None:
        if not rounds:
            _LOG.warning("%s; messages stay unacknowledged", outage)
        self._status.failed("outage", str(outage))
        if self._stopping.wait(min(_BACK_OFF_S[1], _BACK_OFF_S[0] * 2**rounds)):
            raise _Stopped

    def _store(self, messages: list[Message]) -> None:
        started = time.perf_counter()
        outcome = None
        while outcome is None:
            batch = self._digest(messages)
            try:
                with self._database.writing() as tx:
                    outcome = store(tx, batch)
            except Outdated:
                self._load()
        self._status.committed(outcome, len(messages), time.perf_counter() - started)
        if batch.memory.changed and self._placement is not None:
            self._placement.remember(batch.memory.changed)
        if batch.memory.explains:
            self.explained.set()
        self.attendance.note(batch)
        if batch.replies:
            self._reply(self._pace.due(batch.replies))

    def _set_aside(self, messages: list[Message], error: Exception) -> None:
        batch = Batch(messages, [UNKNOWN])
        batch.refuse_whole(0, Reason.POISON, f"{type(error).__name__}: {error}")
        with self._database.writing() as tx:
            outcome = store(tx, batch)
        self._status.committed(outcome, len(messages), 0.0)

    def _digest(self, messages: list[Message]) -> Batch:
        placement, parts = self._catalogue(), parted(messages)
        batch = digest(parts, placement)
        if unknown(batch) and (newer := self._newer(placement)) is not None:
            batch = digest(parts, newer)
        return batch

    def look_again(self) -> None:
        """Load the catalogue, and what messages said for later ones, before the next batch."""
        self._placement = None

    def _catalogue(self) -> Placement:
        if self._placement is None:
            return self._load()
        if time.monotonic() - self._looked > _LOOK_S:
            return self._newer(self._placement) or self._placement
        return self._placement

    def _newer(self, known: Placement) -> Placement | None:
        """Load the catalogue when it has changed: one row tells, so looking is cheap."""
        with self._database.reading() as tx:
            version = catalogue.version(tx)
        self._looked = time.monotonic()
        return self._load() if version != known.version else None

    def _load(self) -> Placement:
        with self._database.reading() as tx:
            self._placement = Placement(catalogue.load(tx))
        self._looked = time.monotonic()
        return self._placement


def _unanswered(replies: list[tuple[str, bytes]]) -> None:
    """Leave replies unsent, where there is no connection to send them by."""
