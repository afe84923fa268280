"""Flood limiting: one device that sends far too much must not hold up the others.

A device may send so many messages a second, and as many at once as a backlog after an outage
needs. What goes beyond is set aside whole and unread, which is cheaper than storing it, and
counted; it waits in quarantine and can be replayed. Devices that nobody registered share one
allowance, for their number has no limit.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from ingest.mqtt import topics
from ingest.mqtt.format import Undecodable
from ingest.mqtt.inbox import Message

_RECENT_S = 60.0  # a device is called flooding so long after the last message set aside
_topic = attrgetter("topic")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a device may send.

    Attributes
    ----------
    rate : float
        Messages a second in the long run; infinite for no limit.
    burst : int
        Messages at once: ten channels, each a message a minute, are 43,200 after 72 h.
    """

    rate: float = 50.0
    burst: int = 50_000


@dataclass(slots=True)
class _Bucket:
    """What a device may still send now, and what it sent beyond."""

    tokens: float
    at: float
    limited: int = 0
    limited_at: float = -math.inf


class Limiter:
    """Marks the messages of devices that send too much.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self, allowance: Allowance | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowance = allowance or Allowance()
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def judge(self, messages: list[Message], known: Callable[[str], str | None]) -> list[Message]:
        """Return the messages, those beyond their device's allowance marked as flooding.

        Parameters
        ----------
        messages : list of Message
            In order of arrival; each is judged once.
        known : callable
            The name of a registered device by the key of its topic; None for others.
        """
        if math.isinf(self._allowance.rate):
            return messages
        now = self._clock()
        topics_of: dict[str, list[str]] = {}
        counts = Counter(map(_topic, messages))
        for topic in counts:
            topics_of.setdefault(_account(topic, known), []).append(topic)
        left: dict[str, int] = {}  # messages a topic may still pass
        for account, own in topics_of.items():
            self._spend(account, {topic: counts[topic] for topic in own}, now, left)
        return [_judged(message, left) for message in messages] if left else messages

    def flooding(self) -> dict[str, int]:
        """Return the devices that sent too much in the last minute: messages set aside so far.

        What nobody registered is under the empty name.
        """
        now = self._clock()
        return {
            account: bucket.limited
            for account, bucket in list(self._buckets.items())
            if now - bucket.limited_at < _RECENT_S
        }

    def _spend(self, account: str, asked: dict[str, int], now: float, left: dict[str, int]) -> None:
        """Take the messages off a device's allowance; say what is left when it is too little."""
        rate, burst = self._allowance.rate, self._allowance.burst
        bucket = self._buckets.get(account)
        if bucket is None:
            bucket = self._buckets[account] = _Bucket(burst, now)
        tokens = min(burst, bucket.tokens + rate * (now - bucket.at))
        wanted = sum(asked.values())
        if wanted > tokens:
            bucket.limited += wanted - int(tokens)
            bucket.limited_at = now
            rest = int(tokens)
            for topic, n in asked.items():
                left[topic] = min(n, rest)
                rest -= left[topic]
        bucket.tokens, bucket.at = max(0.0, tokens - wanted), now


def _account(topic: str, known: Callable[[str], str | None]) -> str:
    try:
        return known(topics.parse(topic).device_key) or ""
    except Undecodable:
        return ""


def _judged(message: Message, left: dict[str, int]) -> Message:
    if message.topic not in left:
        return message
    if left[message.topic] > 0:
        left[message.topic] -= 1
        return message
    return message._replace(flooding=True)
