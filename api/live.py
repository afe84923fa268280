"""Newest values as they are committed, to many listeners from one look at the store.

A value is stamped before its transaction commits, so a look goes back a few seconds and
leaves out what was told already. What a listener has not taken yet is kept by datastream:
a newer value replaces an older one, so a slow listener costs no more than one value of each.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from api import present
from models.errors import HeituError
from models.place import scope_prefix
from models.store import live
from models.store.database import Database

_LOG = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OVERLAP = timedelta(seconds=10)  # a batch of 2,000 readings commits within 0.2 s
_EVERY = 1.0  # s between two looks
_RECHECK = 5.0  # s between two looks at the tokens
_MOST, _MOST_OF_ONE = 500, 20  # listeners of a process, of an account
_AT_ONCE = 200  # values of one piece, about 100 kB
_FAR = 2**53  # us; the year 2255


@dataclass(frozen=True, slots=True)
class Wish:
    """What a listener wants to hear of, and by which token it may."""

    person: int
    region_code: str
    digest: bytes
    farm: int | None = None
    field: int | None = None
    device: int | None = None
    streams: frozenset[int] = frozenset()
    since: datetime | None = None

    def covers(self, row: tuple[Any, ...]) -> bool:
        """Tell whether a row of `live.values` is wanted, and in the region."""
        stream, device, farm, place = row[0], row[5], row[9], row[10]
        return (
            row[18].startswith(scope_prefix(self.region_code))
            and self.farm in (None, farm)
            and self.field in (None, place)
            and self.device in (None, device)
            and (not self.streams or stream in self.streams)
        )


@dataclass(eq=False, slots=True)
class Listener:
    """One who listens: what waits for it, and why it ended."""

    wish: Wish
    waiting: dict[int, tuple[datetime, bytes]] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ended: str = ""

    def offer(self, stream: int, stamp: datetime, event: bytes) -> None:
        """Keep a value until it is taken; the newest of a datastream only."""
        held = self.waiting.get(stream)
        if held is None or held[0] < stamp:
            self.waiting[stream] = stamp, event
            self.wake.set()

    def taken(self) -> bytes:
        """Take some of what waits, oldest stamps first."""
        order = sorted(self.waiting.items(), key=lambda item: item[1][0])[:_AT_ONCE]
        for stream, _ in order:
            del self.waiting[stream]
        if not self.waiting and not self.ended:
            self.wake.clear()
        return b"".join(event for _, (_, event) in order)

    def end(self, why: str) -> None:
        """Say that no more comes."""
        self.ended = why
        self.wake.set()


class Feed:
    """Looks at the store while anyone listens, and tells the listeners.

    Parameters
    ----------
    clock : callable
        Present instant, for the age of a value.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._told: dict[int, datetime] = {}
        self._look: asyncio.Task[None] | None = None

    def full(self, person: int) -> bool:
        """Tell whether there is no room for another listener of an account."""
        held = Counter(listener.wish.person for listener in tuple(self._listeners))
        return held[person] >= _MOST_OF_ONE or len(self._listeners) >= _MOST

    @asynccontextmanager
    async def listening(self, wish: Wish, seconds: float | None = None) -> AsyncIterator[Listener]:
        """Listen within a block; what was stored since the wished instant comes first."""
        listener = Listener(wish)
        self._listeners.add(listener)
        try:
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, listener.end, "time")
            if self._look is None or self._look.done():
                self._look = asyncio.create_task(self._watch())
            if wish.since is not None:
                # from now on newer values are offered too, so none falls between the two
                for row in await asyncio.to_thread(self._since, wish.since - _OVERLAP):
                    self._tell(row, (listener,))
            yield listener
        finally:
            self._listeners.discard(listener)

    async def _watch(self) -> None:
        since: datetime | None = None
        turn = 0
        while self._listeners:
            try:
                if since is None:
                    since = await asyncio.to_thread(self._now)
                rows, since = await asyncio.to_thread(self._fresh, since)
                for row in rows:
                    self._tell(row, tuple(self._listeners))
                if turn % round(_RECHECK / _EVERY) == 0:
                    await self._recheck()
            except HeituError as outage:
                _LOG.info("live values: %s", outage)
            except Exception:
                _LOG.exception("live values failed; the next look comes in %g s", _EVERY)
            turn += 1
            await asyncio.sleep(_EVERY)

    def _tell(self, row: tuple[Any, ...], listeners: Iterable[Listener]) -> None:
        wanting = [listener for listener in listeners if listener.wish.covers(row)]
        event = self._event(row) if wanting else b""
        for listener in wanting:
            listener.offer(row[0], row[17], event)

    def _event(self, row: tuple[Any, ...]) -> bytes:
        data = msgspec.json.encode(present.latest(row[:18], self._clock()))
        return b"event: reading\nid: %b\ndata: %b\n\n" % (event_id(row[17], row[0]).encode(), data)

    def _now(self) -> datetime:
        with self._database.reading() as tx:
            return live.clock(tx)

    def _fresh(self, since: datetime) -> tuple[list[tuple[Any, ...]], datetime]:
        """Return the values not told yet, and the stamp of the newest one."""
        with self._database.reading() as tx:
            stamps = live.stamps(tx, since - _OVERLAP)
            rows = live.values(tx, [s for s, stamp in stamps if self._told.get(s) != stamp])
        # what lies further back is not looked at again
        self._told = dict(stamps) | {row[0]: row[17] for row in rows}
        return rows, max((stamp for _, stamp in stamps), default=since)

    def _since(self, since: datetime) -> list[tuple[Any, ...]]:
        with self._database.reading() as tx:
            return live.values(tx, [stream for stream, _ in live.stamps(tx, since)])

    async def _recheck(self) -> None:
        listeners = tuple(self._listeners)
        digests = {listener.wish.digest for listener in listeners}
        held = await asyncio.to_thread(self._holders, digests)
        for listener in listeners:
            if held.get(listener.wish.digest) != listener.wish.region_code:
                listener.end("token")

    def _holders(self, digests: set[bytes]) -> dict[bytes, str]:
        with self._database.reading() as tx:
            return live.holders(tx, digests)


def event_id(stamp: datetime, stream: int) -> str:
    """Name an event: stamp in microseconds since 1970, and datastream."""
    return f"{(stamp - _EPOCH) // _MICROSECOND}-{stream}"


def instant_of(event: str) -> datetime | None:
    """Return the stamp of an event's name, None when it is no such name."""
    stamp, _, stream = event.partition("-")
    known = stamp.isdecimal() and stream.isdecimal() and len(stamp) <= 16 and int(stamp) < _FAR
    return _EPOCH + int(stamp) * _MICROSECOND if known else None
