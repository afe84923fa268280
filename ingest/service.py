"""The ingestor process: subscriber, writer, rollups, heartbeat and metrics, as one part."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import start_http_server

from ingest.alarms.watch import Patience, Watchman
from ingest.flood import Allowance as Allowance
from ingest.flood import Limiter
from ingest.intake import MAX_PAYLOAD
from ingest.mqtt import topics
from ingest.mqtt.client import Link, Subscriber
from ingest.mqtt.inbox import Inbox
from ingest.mqtt.partitions import LOOK_S, Partitions, Share
from ingest.recalibration import catch_up
from ingest.rejects import replay
from ingest.review import Reviewer
from ingest.status import STALLED_S, Snapshot, Status
from ingest.writer import Rhythm, Writer
from models import calendar
from models.errors import HeituError, Unavailable
from models.reading import Reason
from models.store import cadences, heartbeats, partitions, rollups
from models.store.database import Database
from models.store.partitions import BEAT_PREFIX

_LOG = logging.getLogger(__name__)
_HOURS = 5_000  # hours refreshed before the thread looks whether it should stop
_PRESSED = 1_000  # messages that wait when the intake is at its limit
_PRESSED_S = 60.0  # between two turns of the review meanwhile
PART = "ingestor"  # its name among the heartbeats


@dataclass(frozen=True, slots=True)
class Options:
    """How the ingestor runs.

    Attributes
    ----------
    metrics_port : int
        Loopback port of the Prometheus page; 0 for none.
    rollup_every, beat_every, upkeep_every : float
        Seconds.
    capacity : int
        Messages held in memory at most; reading pauses beyond.
    allowance : Allowance
        What one device may send.
    share : Share, optional
        Several ingestors share the topics; None for one that reads them all.
    patience : Patience
        How the watch over alarms waits; one of several ingestors keeps it at a time.
    """

    metrics_port: int = 0
    rollup_every: float = 2.0
    beat_every: float = 2.0
    review_every: float = 2.0
    upkeep_every: float = 10.0
    capacity: int = 20_000
    rhythm: Rhythm = field(default_factory=Rhythm)
    allowance: Allowance = field(default_factory=Allowance)
    share: Share | None = None
    patience: Patience = field(default_factory=Patience)


class Ingestor:
    """Everything between the broker and the store."""

    def __init__(self, database: Database, link: Link, options: Options | None = None) -> None:
        self._database = database
        self._options = options or Options()
        self._inbox = Inbox(self._options.capacity)
        self._status = Status()
        self._limiter = Limiter(self._options.allowance)
        self._watchman = Watchman(database, self._options.patience)
        self._reviewer = Reviewer(database)
        self._reviewed = time.monotonic()
        self._part = PART
        self._subscriber = self._source(link)
        self._writer = Writer(
            database,
            self._inbox,
            self._status,
            self._subscriber.settle,
            self._options.rhythm,
            self._limiter,
            self._subscriber.reply,
        )
        self._stopping = threading.Event()
        self._rolled: object = None
        every = self._options
        self._threads = [
            threading.Thread(target=self._write, name="writer", daemon=True),
            self._periodic("rollups", every.rollup_every, self._roll),
            self._periodic("heartbeat", every.beat_every, self._beat),
            self._periodic("upkeep", every.upkeep_every, self._keep_up),
            self._periodic("alarms", every.patience.every_s, self._watchman.look),
            self._periodic("review", every.review_every, self._review),
        ]
        if isinstance(self._subscriber, Partitions):
            self._threads.append(self._periodic("partitions", LOOK_S, self._share_out))
        self._gauge("lag_seconds", "Age of the oldest message not committed", "lag_s")
        self._gauge("waiting_messages", "Messages received and not committed", "waiting")
        self._gauge("connected", "1 when subscribed at the broker", "connected")
        self._gauge("ready", "1 when connected and committing", "ready")
        lag = self._status.gauge("review_lag_seconds", "Age of the oldest batch not reviewed")
        lag.set_function(lambda: self._reviewer.lag_s)
        waiting = self._status.gauge("review_waiting_batches", "Batches not reviewed yet")
        waiting.set_function(lambda: float(self._reviewer.waiting))

    def _source(self, link: Link) -> Subscriber | Partitions:
        share = self._options.share
        if share is None:
            return Subscriber(link, topics.subscriptions(), self._inbox, max_payload=MAX_PAYLOAD)
        self._part = BEAT_PREFIX + share.name
        return Partitions(self._database, link, self._inbox, share, max_payload=MAX_PAYLOAD)

    def start(self) -> None:
        """Start every thread; broker and database may come later."""
        for thread in self._threads:
            thread.start()
        self._subscriber.start()

    def stop(self) -> None:
        """Finish the batch in hand, acknowledge it, and leave."""
        self._stopping.set()
        self._writer.stop()
        for thread in self._threads:
            thread.join(timeout=10)
        self._subscriber.stop()

    def status(self) -> Snapshot:
        """Return how the ingestor fares now."""
        in_hand, waiting = self._writer.in_hand, len(self._inbox)
        oldest = in_hand[0].received if in_hand else self._inbox.oldest()
        lag = 0.0 if oldest is None else max(0.0, time.time() - oldest / 1e6)
        why = self._subscriber.why or self._status.database_why
        if not why and lag > STALLED_S:
            why = f"nothing committed for {lag:.0f} s, {len(in_hand) + waiting} messages wait"
        total = self._status.total
        return Snapshot(
            ready=not why,
            why=why,
            connected=self._subscriber.connected,
            database=not self._status.database_why,
            lag_s=lag,
            waiting=len(in_hand) + waiting,
            last_commit=self._status.last_commit,
            received=total.received,
            stored=total.stored,
            duplicate=total.duplicate,
            quarantined={reason.value: n for reason, n in total.quarantined.items()},
            partitions=getattr(self._subscriber, "numbers", ()),
            flooding=self._limiter.flooding(),
        )

    def _write(self) -> None:
        """Run the writer; should it fail, what it had in hand comes again and it starts over."""
        while not self._stopping.is_set():
            try:
                return self._writer.run()
            except BaseException as error:  # whatever it is, the stream must go on
                _LOG.exception("the writer failed; it starts over")
                self._status.failed("writer", repr(error))
            self._writer.in_hand = ()
            self._subscriber.resend()
            self._stopping.wait(1)
        return None

    def _gauge(self, name: str, text: str, attribute: str) -> None:
        gauge = self._status.gauge(name, text)
        gauge.set_function(lambda: float(getattr(self.status(), attribute)))

    def _periodic(self, name: str, every: float, work: Callable[[], object]) -> threading.Thread:
        def repeat() -> None:
            while True:
                try:
                    work()
                except HeituError as error:
                    _LOG.info("%s: %s", name, error)
                except Exception:
                    _LOG.exception("%s failed; it will be tried again", name)
                if self._stopping.wait(every):
                    return

        return threading.Thread(target=repeat, name=name, daemon=True)

    def _share_out(self) -> None:
        """Look after our partitions; of a new one, others may have read the beginnings."""
        assert isinstance(self._subscriber, Partitions)
        before = self._subscriber.opened
        self._subscriber.look()
        if self._subscriber.opened != before:
            self._writer.look_again()

    def _keep_up(self) -> None:
        """Learn cadences, and finish what calibrations and births have begun."""
        with self._database.writing() as tx:
            cadences.learn(tx)
        catch_up(self._database)
        if self._writer.explained.is_set():
            self._writer.explained.clear()
            replay(self._database, calendar.now, reason=Reason.NO_BIRTH)

    def _review(self) -> None:
        """Review the quality of what was stored; while messages pile up, once a minute only.

        Both need the interpreter: at its limit the intake would lose a third of its rate.
        """
        now = time.monotonic()
        if len(self._inbox) < _PRESSED or now - self._reviewed > _PRESSED_S:
            self._reviewer.turn()
            self._reviewed = now

    def _roll(self) -> None:
        """Refresh the rollups when something was committed since, and at the start."""
        seen = (self._status.last_commit,)
        if seen != self._rolled and rollups.refresh(self._database, _HOURS) < _HOURS:
            self._rolled = seen

    def _beat(self) -> None:
        try:
            with self._database.writing() as tx:
                heartbeats.beat(tx, self._part, self.status().detail())
        except Unavailable as outage:
            self._status.database_why = outage.message
            raise
        self._writer.attendance.flush(self._database)
        if not self._writer.in_hand:  # else the writer itself knows best
            self._status.database_why = ""


def share_of(database: Database, count: int, name: str = "") -> Share | None:
    """Return how this ingestor shares the topics; None when it reads them all alone.

    Parameters
    ----------
    count : int
        Partitions wanted. With 1, those of an earlier larger number are emptied and closed first.
    name : str
        Unlike that of any other ingestor; one that starts again under its name keeps its
        partitions. Empty: one is made up.
    """
    if count == 1 and _alone(database):
        return None
    made_up = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
    return Share(count, name or made_up)


def _alone(database: Database) -> bool:
    try:
        with database.writing() as tx:
            return partitions.undo(tx)
    except Unavailable:  # as it nearly always is
        return True


def run(
    database: Database, link: Link, stopping: threading.Event, options: Options | None = None
) -> None:
    """Run the ingestor until ``stopping`` is set.

    Parameters
    ----------
    database : Database
        The store; may be away for now.
    link : Link
        The broker; may be away for now.
    stopping : threading.Event
        Set it (from a signal handler, say) to end in good order.
    options : Options, optional
        Defaults suit one machine.
    """
    ingestor = Ingestor(database, link, options)
    port = options.metrics_port if options else 0
    server = None
    if port:
        server, _ = start_http_server(port, "127.0.0.1", ingestor._status.registry)
    ingestor.start()
    try:
        stopping.wait()
    finally:
        ingestor.stop()
        if server is not None:
            server.shutdown()
            server.server_close()
