"""Bodies of requests to messages: one for each item, as its device would have published it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ingest.mqtt.format import Undecodable
from ingest.mqtt.wire import document, named
from models.errors import BadBody, BodyTooLarge, Invalid
from models.reading import Reason

LARGEST = 8 << 20  # bytes of a body: 10,000 items of 800 bytes
MOST = 10_000  # items of a request
NOWHERE = "v1/observations"  # topic of an item that names no device: nothing is published there


class Item(NamedTuple):
    """One element of a body: whom it names, and its own bytes.

    Attributes
    ----------
    device : str or None
        Key.
    datastream : int or None
        Id; instead of a device and a channel.
    """

    device: str | None
    datastream: int | None
    payload: bytes


class Addressed(NamedTuple):
    """An item as a message; ``why`` it is refused when it names no device that there is."""

    topic: str
    payload: bytes
    why: tuple[Reason, str] | None = None


class _Named(msgspec.Struct):
    device: str | None = None
    datastream: int | None = None


class _Several(_Named):
    readings: list[msgspec.Raw] | None = None


_NAMED = msgspec.json.Decoder(_Named)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_SEVERAL = msgspec.json.Decoder(_Several)


def of_json(body: bytes) -> list[Item]:
    """Split one object, a list of them, or ``{"readings": [...]}``.

    Raises
    ------
    BadBody
        Not JSON.
    Invalid
        Neither an object nor a list, or nothing in it.
    BodyTooLarge
        More than 10,000 items.
    """
    text = body.strip()
    if not text:
        raise BadBody(why="it is empty")
    try:
        if text[:1] == b"[":
            return _bounded([_item(bytes(raw)) for raw in _LIST.decode(text)])
        whole = _SEVERAL.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _leniently(text)  # NaN in one item is no loss of the others
    if whole.readings is None:
        return [Item(whole.device, whole.datastream, text)]
    return _bounded([_item(bytes(raw), whole) for raw in whole.readings])


def of_lines(body: bytes) -> list[Item]:
    """Split NDJSON; a line that cannot be read is an item of its own.

    Raises
    ------
    BadBody, BodyTooLarge
        There is no line, or more than 10,000.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if not lines:
        raise BadBody(why="it is empty")
    return _bounded([_item(line) for line in lines])


def _item(payload: bytes, default: _Named | None = None) -> Item:
    whose = default or _Named()
    try:
        found = _NAMED.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _spotted(payload)
    if found.device is None and found.datastream is None:
        found = whose
    return Item(found.device, found.datastream, payload)


def _spotted(payload: bytes) -> _Named:
    """Find whom an irregular item names, so that it is put aside in the right account."""
    try:
        return _whose(document(payload))
    except Undecodable:
        return _Named()


def _whose(element: object) -> _Named:
    if not isinstance(element, dict):
        return _Named()
    device, stream = element.get("device"), element.get("datastream")
    whole = isinstance(stream, float) and stream.is_integer() and 0 < stream < 2**31
    return _Named(
        device if isinstance(device, str) else None,
        int(stream) if whole and isinstance(stream, float) else None,
    )


def _leniently(text: bytes) -> list[Item]:
    try:
        whole = document(text)
    except Undecodable as fault:
        raise BadBody(why=fault.detail) from None
    if isinstance(whole, dict):
        several = whole.get("readings")
        if not isinstance(several, list):
            return [Item(*_told(whole), text)]
        return _bounded([_again(element, _whose(whole)) for element in several])
    if isinstance(whole, list):
        return _bounded([_again(element, _Named()) for element in whole])
    raise Invalid(why=f"the body is {named(whole)}, not an object or a list")


def _told(element: object) -> tuple[str | None, int | None]:
    whose = _whose(element)
    return whose.device, whose.datastream


def _again(element: object, default: _Named) -> Item:
    device, stream = _told(element)
    if device is None and stream is None:
        device, stream = default.device, default.datastream
    return Item(device, stream, json.dumps(element).encode())


def _bounded(items: list[Item]) -> list[Item]:
    if not items:
        raise Invalid(why="there are no readings in the body")
    if len(items) > MOST:
        raise BodyTooLarge(n=len(items), what="items", most=MOST)
    return items


def addressed(items: Sequence[Item], streams: Mapping[int, tuple[str, str]]) -> Iterable[Addressed]:
    """Give each item as its device would have published it.

    Parameters
    ----------
    streams : mapping
        Datastream id -> device key and channel, of those that exist.
    """
    for item in items:
        whose = None if item.datastream is None else streams.get(item.datastream)
        if whose is not None and item.device in (None, whose[0]):
            payload = _on_channel(item.payload, whose[1])
            yield Addressed(f"heitu/v1/{whose[0]}/readings", payload)
        elif item.datastream is None and item.device:
            yield Addressed(f"heitu/v1/{item.device}/readings", item.payload)
        else:
            yield Addressed(NOWHERE, item.payload, _nowhere(item, whose))


def _nowhere(item: Item, whose: tuple[str, str] | None) -> tuple[Reason, str]:
    """Say why an item is of no device."""
    if whose is not None:
        shown = (item.device or "")[:80]
        return Reason.WRONG_SHAPE, f"datastream {item.datastream} is not of device {shown!r}"
    if item.datastream is not None:
        return Reason.UNKNOWN_QUANTITY, f"no device has a datastream {item.datastream}"
    try:
        element = document(item.payload)
    except Undecodable as fault:
        return fault.reason, fault.detail
    if not isinstance(element, dict):
        return Reason.WRONG_SHAPE, f"a reading is {named(element)}, not an object"
    return Reason.WRONG_SHAPE, "no 'device' and no 'datastream'"


def _on_channel(payload: bytes, channel: str) -> bytes:
    """Say the channel where the item says the datastream."""
    try:
        element: Any = document(payload)
    except Undecodable:
        return payload
    if not isinstance(element, dict):
        return payload
    kept = {key: value for key, value in element.items() if key not in ("device", "datastream")}
    return json.dumps({**kept, "channel": channel}).encode()
