"""Heitu's own JSON, one or many readings a message; documented in ingest/README.md.

Well-formed messages are decoded by msgspec into typed structs (0.3 us); anything else takes
the slow way, reading by reading, so that one bad reading does not take its neighbours along.
"""

from datetime import datetime
from typing import Any

import msgspec

from ingest.mqtt.format import Address, Decoded, Format, Refusal, Sent, Undecodable
from ingest.mqtt.wire import document, epoch, instant, micros, named, number
from models.reading import Reason


class _Reading(msgspec.Struct):
    # an epoch is decoded as float: exact to 2^53, and a 10,000-digit integer is refused fast
    time: datetime | float | None = None
    value: float | None = None
    channel: str | None = None
    unit: str | None = None
    quantity: str | None = None
    depth_cm: float | None = None


class _Message(_Reading):
    readings: list[_Reading] | None = None
    values: dict[str, float] | None = None


_DECODER = msgspec.json.Decoder(_Message | list[_Reading])


class _Irregular(Exception):  # noqa: N818
    """The fast way does not fit this message."""


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a message of one of the four shapes.

    Raises
    ------
    Undecodable
        The message as a whole cannot be read.
    """
    try:
        return Decoded(_fast(_DECODER.decode(payload)), [])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _Irregular):
        return _slow(document(payload))


def _fast(message: _Message | list[_Reading]) -> list[Sent]:
    if isinstance(message, list):
        return _each(message)
    if message.readings is not None or message.values is not None:
        if message.value is not None:
            raise _Irregular
        if message.values is None:
            return _each(message.readings or [])
        if message.readings is not None:
            raise _Irregular
        time = _micros(message.time)
        pairs = message.values.items()
        sent = [Sent(i, time, value, channel) for i, (channel, value) in enumerate(pairs)]
        if not sent:
            raise _Irregular
        return sent
    return [_sent(0, message)]


def _each(readings: list[_Reading]) -> list[Sent]:
    if not readings:
        raise _Irregular
    return [_sent(index, reading) for index, reading in enumerate(readings)]


def _sent(index: int, r: _Reading) -> Sent:
    if r.value is None or (r.channel is None and r.quantity is None):
        raise _Irregular
    time = _micros(r.time)
    if r.unit is None and r.quantity is None:
        return Sent(index, time, r.value, r.channel)
    return Sent(index, time, r.value, r.channel, r.unit, r.quantity, r.depth_cm)


def _micros(time: datetime | float | None) -> int:
    if isinstance(time, float):
        return epoch(time)
    if time is None or time.tzinfo is None:
        raise _Irregular
    return micros(time)


def _slow(message: object) -> Decoded:
    if isinstance(message, list):
        return _each_slowly(message)
    if not isinstance(message, dict):
        raise Undecodable(Reason.WRONG_SHAPE, f"the message is {named(message)}, not an object")
    shapes = [key for key in ("readings", "values", "value") if message.get(key) is not None]
    if len(shapes) > 1:
        raise Undecodable(Reason.WRONG_SHAPE, f"{' and '.join(map(repr, shapes))} in one message")
    if shapes == ["readings"]:
        return _each_slowly(message["readings"])
    if shapes == ["values"]:
        return _values_slowly(message)
    return _collect([message])


def _each_slowly(readings: object) -> Decoded:
    if not isinstance(readings, list):
        raise Undecodable(Reason.WRONG_SHAPE, f"'readings' is {named(readings)}, not a list")
    return _collect(readings)


def _values_slowly(message: dict[str, Any]) -> Decoded:
    values = message["values"]
    if not isinstance(values, dict):
        raise Undecodable(Reason.WRONG_SHAPE, f"'values' is {named(values)}, not an object")
    time = message.get("time")
    return _collect([{"time": time, "channel": c, "value": v} for c, v in values.items()])


def _collect(readings: list[Any]) -> Decoded:
    if not readings:
        raise Undecodable(Reason.WRONG_SHAPE, "no readings in the message")
    sent: list[Sent] = []
    refused: list[Refusal] = []
    for index, reading in enumerate(readings):
        try:
            sent.append(_sent_slowly(index, reading))
        except Undecodable as fault:
            refused.append(Refusal(index, fault.reason, fault.detail))
    return Decoded(sent, refused)


def _sent_slowly(index: int, reading: object) -> Sent:
    if not isinstance(reading, dict):
        raise Undecodable(Reason.WRONG_SHAPE, f"a reading is {named(reading)}, not an object")
    channel, quantity = _text(reading, "channel"), _text(reading, "quantity")
    if channel is None and quantity is None:
        raise Undecodable(Reason.WRONG_SHAPE, "no 'channel' and no 'quantity'")
    depth = reading.get("depth_cm")
    return Sent(
        index,
        instant(reading.get("time")),
        number(reading.get("value")),
        channel,
        _text(reading, "unit"),
        quantity,
        None if depth is None else number(depth),
    )


def _text(reading: dict[str, Any], key: str) -> str | None:
    stated = reading.get(key)
    if stated is None or isinstance(stated, str):
        return stated
    raise Undecodable(Reason.WRONG_SHAPE, f"{key!r} is {named(stated)}, not text")


# with the code of the county, so that ingestors can share the stream; only the key places it
BY_COUNTY = "heitu/v1/+/+/readings"
FORMAT = Format(
    "heitu",
    ("heitu/v1/+/readings", BY_COUNTY),
    device_level=lambda levels: levels[-2],
    decode=decode,
)
