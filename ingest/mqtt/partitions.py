"""The share of the topics that this ingestor reads, when several share the stream.

A partition is a set of topic filters and one persistent session at the broker, named after
its number. Whoever has its lease reads it. The session of an ingestor that was killed keeps
its queue, unacknowledged messages included, for the next owner; shared subscriptions would
not hand those over. A message that comes twice is recognised by the store.
"""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from zlib import crc32

from ingest.mqtt import topics
from ingest.mqtt.client import Subscriber
from ingest.mqtt.inbox import Inbox, Message
from ingest.mqtt.link import Link, discard_session
from ingest.mqtt.payloads.heitu import BY_COUNTY
from models.errors import HeituError
from models.store import partitions
from models.store.database import Database, WriteTx
from models.store.partitions import Partition, Turn

_LOG = logging.getLogger(__name__)
LOOK_S = 2.0  # between two looks at the shares
LEASE_S = 10.0  # a killed ingestor's partitions are taken over within this and two looks
_DEAD_S = 60.0  # then its last sign of life is forgotten
_PATIENCE_S = 5.0  # for what is in hand, before a partition is handed over nevertheless
_QUIET_S = 5.0  # a session that is to be closed is empty when nothing came for so long


@dataclass(frozen=True, slots=True)
class Share:
    """How many partitions there are, and the name of this ingestor among the others."""

    count: int
    name: str
    lease_s: float = LEASE_S


@dataclass(slots=True)
class _Own:
    """A partition in our hands."""

    number: int
    filters: tuple[str, ...]
    subscriber: Subscriber
    leaving_since: float | None = None  # time.monotonic
    empty: bool = False
    asked: dict[int, set[str]] = field(default_factory=dict)  # to drop, by connection

    @property
    def left(self) -> bool:
        """Whether nothing of it is in hand any more, or it was waited for long enough."""
        if self.leaving_since is None:
            return False
        waited = time.monotonic() - self.leaving_since
        return self.subscriber.unsettled == 0 or waited > _PATIENCE_S


def shares(count: int, counties: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the topic filters of every partition.

    A county's topics belong to one partition, by a hash of its code; what has no county in
    its topic belongs to partition 0.
    """
    if count == 1:
        return [topics.subscriptions()]
    made: list[list[str]] = [[] for _ in range(count)]
    made[0] += [filter_ for filter_ in topics.subscriptions() if filter_ != BY_COUNTY]
    for code in counties:
        made[crc32(code.encode()) % count].append(BY_COUNTY.replace("+", code, 1))
    return [tuple(filters) for filters in made]


def link_of(link: Link, number: int) -> Link:
    """Return how the session of a partition is reached; partition 0 has the plain name.

    A broker may name the session after the account, so each partition has an account too.
    """
    if number == 0:
        return link
    account = link.username and f"{link.username}-{number}"
    return replace(link, client_id=f"{link.client_id}-{number}", username=account, host_id="")


class Partitions:
    """Reads the partitions it holds a lease of; call `look` every `LOOK_S`."""

    def __init__(
        self, database: Database, link: Link, inbox: Inbox, share: Share, *, max_payload: int
    ) -> None:
        self._database, self._link, self._inbox, self._share = database, link, inbox, share
        self._max_payload = max_payload
        self._own: dict[int, _Own] = {}
        self._sessions: dict[int, Subscriber] = {}  # replaced, never changed: others read it
        self._serial = 0
        self._looked = self._steady_since = -math.inf
        self._divisions: list[str] | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The partitions read now."""
        return tuple(sorted(self._own))

    @property
    def why(self) -> str:
        """Why some messages cannot arrive; empty when all can, or when others read them all."""
        if self._looked == -math.inf:
            return "no share of the topics yet"
        whys = ((number, own.subscriber.why) for number, own in sorted(self._own.items()))
        return next((f"partition {number}: {why}" for number, why in whys if why), "")

    @property
    def connected(self) -> bool:
        """Whether messages of every partition held can arrive."""
        return self.why == ""

    def start(self) -> None:
        """Do nothing: the first look takes what is free."""

    def settle(self, messages: list[Message]) -> None:
        """Acknowledge messages, each on its own session, in their order of arrival."""
        by_session: dict[int, list[Message]] = {}
        for message in messages:
            by_session.setdefault(message.session, []).append(message)
        sessions = self._sessions
        for number, settled in by_session.items():
            if number in sessions:
                sessions[number].settle(settled)

    def resend(self) -> None:
        """Cut every connection, so that the broker sends again what is not acknowledged."""
        for subscriber in self._sessions.values():
            subscriber.resend()

    def look(self) -> None:
        """Renew the leases, take what is free, hand over what is too much."""
        given, closed = self._handed_over(), self._emptied()
        with self._database.writing() as tx:
            divisions = self._plan(tx)
            turn = partitions.turn(
                tx, self._share.name, lease_s=self._share.lease_s, dead_s=_DEAD_S
            )
            partitions.release(tx, self._share.name, given)
            for number in closed:
                partitions.remove(tx, self._share.name, number)
            self._remember()
            mine = self._held(turn, {*given, *closed})
            mine |= self._take(tx, turn, mine, {*given, *closed})
            self._note(tx, turn)
        self._divisions = divisions
        self._read(turn, mine)
        self._make_room(turn)

    @property
    def opened(self) -> int:
        """How many sessions were opened since the start."""
        return self._serial

    def reply(self, replies: Sequence[tuple[str, bytes]]) -> None:
        """Publish by any session that is connected."""
        for own in list(self._own.values()):
            if own.subscriber.connected:
                return own.subscriber.reply(replies)
        return None

    def stop(self) -> None:
        """Hand everything over; what is not settled waits at the broker."""
        for own in self._own.values():
            own.subscriber.stop()
        try:
            with self._database.writing() as tx:
                partitions.release(tx, self._share.name, list(self._own))
                partitions.leave(tx, self._share.name)
        except HeituError as problem:
            _LOG.warning("%s; the leases run out by themselves", problem)
        self._own, self._sessions = {}, {}

    def _plan(self, tx: WriteTx) -> list[str] | None:
        """Say what each partition shall hold, at the start and when divisions changed."""
        divisions = partitions.counties(tx)
        if divisions != self._divisions:
            planned = shares(self._share.count, divisions)
            partitions.plan(tx, planned, first_held=topics.subscriptions())
            partitions.silence(tx, "ingestor")  # of one that had no partitions
        return divisions

    def _held(self, turn: Turn, gone: set[int]) -> set[int]:
        own = {p.number for p in turn.partitions if p.owner == self._share.name}
        return own - gone

    def _remember(self) -> None:
        now = time.monotonic()
        if now - self._looked > self._share.lease_s:
            self._steady_since = now
        self._looked = now

    def _take(self, tx: WriteTx, turn: Turn, mine: set[int], gone: set[int]) -> set[int]:
        """Claim free partitions up to our part of them.

        A lease that ran out is taken only by one who renewed its own all the while: after an
        outage of the database all have run out, and everybody first gets time to renew.
        """
        steady = self._looked - self._steady_since > self._share.lease_s
        room = math.ceil(len(turn.partitions) / max(turn.living, 1)) - len(mine)
        free = [
            p.number
            for p in turn.partitions
            if p.number not in mine | gone and (p.owner is None or (steady and not p.owned))
        ]
        taken = free[: max(room, 0)]
        if taken:
            partitions.claim(tx, self._share.name, taken, lease_s=self._share.lease_s)
            _LOG.info("reads partitions %s now", taken)
        return set(taken)

    def _note(self, tx: WriteTx, turn: Turn) -> None:
        """Keep the account of what each session holds, and drop what others hold by now."""
        all_held = all(set(p.filters) <= set(p.held) for p in turn.partitions)
        for partition in turn.partitions:
            own = self._own.get(partition.number)
            if own is None or not own.subscriber.connected:
                continue
            held = ({*partition.held} | {*own.filters}) - own.subscriber.dropped
            if held != {*partition.held}:
                partitions.hold(tx, self._share.name, partition.number, sorted(held))
            extra = held - {*partition.filters}
            asked = own.asked.setdefault(own.subscriber.generation, set())
            if all_held and extra - asked:
                own.subscriber.drop(sorted(extra - asked))
                asked |= extra
            quiet = time.monotonic() - own.subscriber.last_arrival > _QUIET_S
            own.empty = not (partition.filters or held or own.subscriber.unsettled) and quiet

    def _read(self, turn: Turn, mine: set[int]) -> None:
        """Open the sessions of what is ours, close those of what is not."""
        wanted = {p.number: p for p in turn.partitions if p.number in mine}
        for number, own in list(self._own.items()):
            if number not in wanted or own.filters != wanted[number].filters:
                self._close(own)
        for number, partition in wanted.items():
            if number not in self._own:
                self._open(partition)

    def _open(self, partition: Partition) -> None:
        self._serial += 1
        subscriber = Subscriber(
            link_of(self._link, partition.number),
            partition.filters,
            self._inbox,
            max_payload=self._max_payload,
            session=self._serial,
        )
        self._own[partition.number] = _Own(partition.number, partition.filters, subscriber)
        self._sessions = self._sessions | {self._serial: subscriber}
        subscriber.start()

    def _close(self, own: _Own) -> None:
        own.subscriber.stop()
        del self._own[own.number]
        self._sessions = {n: s for n, s in self._sessions.items() if s is not own.subscriber}

    def _make_room(self, turn: Turn) -> None:
        """Begin to hand over what is more than our part, the highest numbers first."""
        part = math.ceil(len(turn.partitions) / max(turn.living, 1))
        for number in sorted(self._own)[part:]:
            own = self._own[number]
            if own.leaving_since is None:
                own.subscriber.paused, own.leaving_since = True, time.monotonic()

    def _handed_over(self) -> Sequence[int]:
        done = [own for own in self._own.values() if own.left]
        for own in done:
            self._close(own)
            _LOG.info("hands partition %d over", own.number)
        return [own.number for own in done]

    def _emptied(self) -> list[int]:
        """Close the sessions of retired partitions that are empty."""
        closed = []
        for own in [own for own in self._own.values() if own.empty]:
            self._close(own)
            try:
                discard_session(link_of(self._link, own.number))
            except OSError as problem:
                _LOG.warning("partition %d is not closed yet: %s", own.number, problem)
                continue
            closed.append(own.number)
        return closed
