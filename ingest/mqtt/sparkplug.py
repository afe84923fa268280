"""The payload of Sparkplug B: timestamp, sequence number and metrics.

Source: Eclipse Sparkplug 3.0.0, section 6.4 (field numbers, data types) and 6.4.16 (signed
integers as two's complement in unsigned fields). Data sets, templates, files and arrays are
not measurements of one quantity and are passed over.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from ingest.mqtt import protobuf as pb
from ingest.mqtt.protobuf import Malformed

COMPRESSED = "SPBV1.0_COMPRESSED"  # section 6.4.30: the uuid of a payload in a payload
BOOLEAN = 11
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}  # data type -> bits
_UNSIGNED = {5: 8, 6: 16, 7: 32, 8: 64}
_REAL = (9, 10)  # Float, Double
_TEXTS = (12, 14, 15)  # String, Text, UUID
_DATE_TIME = 13  # milliseconds since 1970
_UNIT_NAMES = ("engUnit", "Engineering Units")  # as Ignition and others call the property


@dataclass(slots=True)
class Metric:
    """A named value; ``stated`` is an int, float, bool or str as it stood in its field."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    is_historical: bool = False
    is_transient: bool = False
    is_null: bool = False
    unit: str | None = None
    stated: float | bool | str | None = None


@dataclass(slots=True)
class Payload:
    """A message; times are milliseconds since 1970-01-01T00:00Z."""

    timestamp: int | None = None
    seq: int | None = None
    uuid: str | None = None
    metrics: list[Metric] = field(default_factory=list)


def _flag(data: int | bytes) -> bool:
    return pb.whole(data) != 0


_METRIC: dict[int, tuple[str, Any]] = {
    1: ("name", pb.text),
    2: ("alias", pb.whole),
    3: ("timestamp", pb.whole),
    4: ("datatype", pb.whole),
    5: ("is_historical", _flag),
    6: ("is_transient", _flag),
    7: ("is_null", _flag),
    10: ("stated", pb.whole),
    11: ("stated", pb.whole),
    12: ("stated", pb.real),
    13: ("stated", pb.real),
    14: ("stated", _flag),
    15: ("stated", pb.text),
}
_PROPERTIES = 9


def read(data: bytes) -> Payload:
    """Read a payload.

    Raises
    ------
    Malformed
        The bytes are no Sparkplug B payload.
    """
    payload = Payload()
    for number, _, value in pb.fields(data):
        if number == 1:
            payload.timestamp = pb.whole(value)
        elif number == 2:
            payload.metrics.append(_metric(pb.nested(value)))
        elif number == 3:
            payload.seq = pb.whole(value)
        elif number == 4:
            payload.uuid = pb.text(value)
    return payload


def _metric(data: bytes) -> Metric:
    metric = Metric()
    for number, _, value in pb.fields(data):
        known = _METRIC.get(number)
        if known is not None:
            setattr(metric, known[0], known[1](value))
        elif number == _PROPERTIES:
            metric.unit = _unit(pb.nested(value))
    return metric


def _unit(data: bytes) -> str | None:
    keys: list[str] = []
    values: list[bytes] = []
    for number, _, value in pb.fields(data):
        if number == 1:
            keys.append(pb.text(value))
        elif number == 2:
            values.append(pb.nested(value))
    for key, stated in zip(keys, values, strict=False):
        if key in _UNIT_NAMES:
            for number, _, value in pb.fields(stated):
                if number == 8:
                    return pb.text(value)
    return None


def kind_of(datatype: int) -> str:
    """Tell what a data type holds: a number, a state, a text, or something else."""
    if datatype in _SIGNED or datatype in _UNSIGNED or datatype in _REAL:
        return "number"
    return {BOOLEAN: "state"}.get(datatype, "text" if datatype in _TEXTS else "other")


def value_of(metric: Metric, datatype: int | None) -> float | bool | str | None:
    """Read the value of a metric: a number, a state or a text; None is nothing to keep.

    Parameters
    ----------
    datatype : int or None
        As the birth certificate gave it, or the metric itself.

    Raises
    ------
    Malformed
        The value is not of that type, or an integer has no type to tell its sign.
    """
    stated = metric.stated
    if metric.is_null or stated is None:
        return None
    if datatype in _SIGNED or datatype in _UNSIGNED or datatype == _DATE_TIME:
        return _integer(stated, datatype)
    if datatype in _REAL and isinstance(stated, float):
        return stated
    if datatype == BOOLEAN and isinstance(stated, bool | int):
        return bool(stated)
    if datatype in _TEXTS and isinstance(stated, str):
        return stated
    if datatype in (*_REAL, BOOLEAN, *_TEXTS):
        raise Malformed(f"the value is not of data type {datatype}")
    return _untyped(stated) if not datatype else None


def _integer(stated: float | bool | str, datatype: int | None) -> float:
    if isinstance(stated, bool) or not isinstance(stated, int):
        raise Malformed(f"the value is not of data type {datatype}")
    bits = _SIGNED.get(datatype or 0) or _UNSIGNED.get(datatype or 0, 64)
    if datatype not in _SIGNED:
        if stated >> bits:
            raise Malformed(f"{stated} does not fit an unsigned integer of {bits} bits")
        return float(stated)
    # an Int8 of -1 comes as 0xFF, as 0xFFFFFFFF or as 0xFFFFFFFFFFFFFFFF
    for width in (bits, 32, 64):
        if stated < 1 << width:
            signed = stated - (1 << width) if stated >> (width - 1) else stated
            if -(1 << (bits - 1)) <= signed < 1 << (bits - 1):
                return float(signed)
    raise Malformed(f"{stated} does not fit a signed integer of {bits} bits")


def _untyped(stated: float | bool | str) -> float | bool | str:
    if isinstance(stated, int) and not isinstance(stated, bool):
        raise Malformed("an integer without a data type, which tells its sign")
    return stated


def rebirth(now_ms: int | None = None) -> bytes:
    """Write the command that asks an edge node for its birth certificates again."""
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    name = pb.write(1, b"Node Control/Rebirth")
    asked = name + pb.write(3, now) + pb.write(4, BOOLEAN) + pb.write(14, 1)
    return pb.write(1, now) + pb.write(2, asked)
