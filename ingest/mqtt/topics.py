"""Topics: which formats a message may have and which device sent it."""

from collections.abc import Iterator
from functools import cache, lru_cache

from ingest.mqtt.format import Address, Format, Undecodable
from ingest.mqtt.payloads import formats
from models.reading import Reason

_Pattern = tuple[str, ...]


def subscriptions() -> tuple[str, ...]:
    """Return the topic filters of all formats, each once."""
    return tuple(dict.fromkeys("/".join(pattern) for pattern, _ in _table()))


def parse(topic: str) -> Address:
    """Read a topic as its most specific format does.

    Raises
    ------
    Undecodable
        No format is published there.
    """
    return addresses(topic)[0]


# one entry a device: 65,536 of them take about 20 MB and turn parsing into a dict lookup
@lru_cache(maxsize=65_536)
def addresses(topic: str) -> tuple[Address, ...]:
    """Read a topic in every way a format allows, the most specific filter first.

    The first format that does not raise `NotMine` on the payload has the message.

    Raises
    ------
    Undecodable
        No format is published there.
    """
    levels = tuple(topic.split("/"))
    found: dict[str, Address] = {}
    for pattern, format_ in _of_length(len(levels)):
        if format_.name not in found and _matches(pattern, levels):
            found[format_.name] = Address(format_, _device_key(format_, levels), levels)
    if not found:
        detail = f"no payload format is published under {topic[:200]!r}"
        raise Undecodable(Reason.UNKNOWN_TOPIC, detail)
    return tuple(found.values())


@cache
def _table() -> tuple[tuple[_Pattern, Format], ...]:
    """Return every filter with its format; a literal level goes before ``+`` before ``#``."""
    rows = ((tuple(f.split("/")), format_) for format_ in formats() for f in format_.subscriptions)
    return tuple(sorted(rows, key=lambda row: list(_breadths(row[0]))))


@lru_cache(maxsize=64)
def _of_length(levels: int) -> tuple[tuple[_Pattern, Format], ...]:
    """Return the filters that a topic of so many levels may fit: a few of some thirty."""
    return tuple(row for row in _table() if len(row[0]) == levels or row[0][-1] == "#")


def _breadths(pattern: _Pattern) -> Iterator[int]:
    return ({"+": 1, "#": 2}.get(level, 0) for level in pattern)


def _device_key(format_: Format, levels: _Pattern) -> str:
    at = format_.device_level
    if callable(at):
        return at(levels)
    return levels[at] if at < len(levels) else ""  # "plant" matches "plant/#"


def _matches(pattern: _Pattern, levels: _Pattern) -> bool:
    if levels[0].startswith("$") and pattern[0] in ("+", "#"):
        return False  # MQTT 4.7.2: wildcards leave the broker's own topics out
    if pattern[-1] == "#":
        pattern = pattern[:-1]
        levels = levels[: len(pattern)]
    return len(pattern) == len(levels) and all(
        want in ("+", have) for want, have in zip(pattern, levels, strict=True)
    )
