"""The bounded queue between the network thread and the writer."""

import threading
import time
from collections import deque
from typing import NamedTuple

KEPT = 65_536  # bytes kept of a payload that is too large to take


class Message(NamedTuple):
    """A received message with what is needed to acknowledge it.

    Attributes
    ----------
    received : int
        Arrival, microseconds since 1970-01-01T00:00Z.
    size : int
        Bytes on the wire; more than ``len(payload)`` when only its head was kept.
    generation, mid : int
        Connection on which it came and its packet id there; an acknowledgement is valid on
        that connection only. mid 0 needs none.
    session : int
        Number of the subscriber that received it, within this process.
    flooding : bool
        Its device sends far more than it may: set aside without a look inside.
    retained : bool
        The broker had it in store when we subscribed: it may be of any age.
    """

    topic: str
    payload: bytes
    received: int
    size: int
    generation: int = 0
    mid: int = 0
    session: int = 0
    flooding: bool = False
    retained: bool = False


class Inbox:
    """Messages in order of arrival, bounded in number and in bytes.

    It never refuses: the network thread stops reading while `full`, and one burst (500
    messages) may overshoot the bound.
    """

    def __init__(self, capacity: int = 20_000, capacity_bytes: int = 64 << 20) -> None:
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._capacity, self._capacity_bytes = capacity, capacity_bytes
        self._window = capacity  # messages after which the stream was last seen to pause
        self._arrived = threading.Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether reading should pause."""
        return len(self._waiting) >= self._capacity or self._bytes >= self._capacity_bytes

    def put(self, messages: list[Message]) -> None:
        """Append a burst."""
        with self._arrived:
            self._waiting.extend(messages)
            self._bytes += sum(len(message.payload) for message in messages)
            self._arrived.notify()

    def oldest(self) -> int | None:
        """Return the arrival of the first waiting message, microseconds, or None."""
        with self._arrived:
            return self._waiting[0].received if self._waiting else None

    def take(
        self,
        most: int,
        *,
        wait: float,
        linger: float,
        quiet: float,
        most_bytes: int = 8 << 20,
    ) -> list[Message]:
        """Take the next messages.

        Returns as soon as ``most`` are there, or ``linger`` seconds after the first, or when
        nothing has come for ``quiet`` seconds: then the stream is slow or the broker's
        window is full, and lingering on would only stall it (with a window of 20 and a batch
        of 2,000 it would stall for good). The number at which the stream paused is
        remembered, and next time that many are taken without waiting for the pause.

        Parameters
        ----------
        most : int
            Messages to take at most.
        wait : float
            Seconds to wait for the first one; then an empty list is returned.
        linger, quiet : float
            Seconds.
        most_bytes : int
            Of payload, but for the message that exceeds it: large messages hold many readings.
        """
        with self._arrived:
            if not self._waiting and not self._arrived.wait(wait):
                return []
            self._gather(most, most_bytes, linger, quiet)
            taken, size = [], 0
            for _ in range(min(most, len(self._waiting))):
                taken.append(self._waiting.popleft())
                size += len(taken[-1].payload)
                if size >= most_bytes:
                    break
            self._bytes -= size
        return taken

    def _gather(self, most: int, most_bytes: int, linger: float, quiet: float) -> None:
        deadline = time.monotonic() + linger
        most_bytes = min(most_bytes, self._capacity_bytes)
        while len(self._waiting) < min(most, self._window) and self._bytes < most_bytes:
            if self.full:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                return
            if not self._arrived.wait(min(quiet, left)):
                self._window = len(self._waiting)
                return
        if len(self._waiting) > self._window:  # it flows beyond what seemed the window
            self._window = self._capacity
