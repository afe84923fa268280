"""Topics: which format a message has and which device sent it."""

from functools import lru_cache

from ingest.mqtt.format import Address, Format, Undecodable
from ingest.mqtt.payloads import formats
from models.reading import Reason


def subscriptions() -> tuple[str, ...]:
    """Return the topic filters of all formats."""
    return tuple(format_.subscription for format_ in formats())


# one entry a device: 65,536 of them take about 20 MB and turn parsing into a dict lookup
@lru_cache(maxsize=65_536)
def parse(topic: str) -> Address:
    """Read a topic.

    Raises
    ------
    Undecodable
        No format is published there.
    """
    levels = tuple(topic.split("/"))
    for format_ in formats():
        if _matches(format_, levels):
            return Address(format_, levels[format_.device_level], levels)
    raise Undecodable(Reason.UNKNOWN_TOPIC, f"no payload format is published under {topic[:200]!r}")


def _matches(format_: Format, levels: tuple[str, ...]) -> bool:
    pattern = format_.subscription.split("/")
    return len(pattern) == len(levels) and all(
        want in ("+", have) for want, have in zip(pattern, levels, strict=True)
    )
