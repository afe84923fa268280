"""Device codecs: bytes of a frame to named values, by tables of data.

One TOML file describes a device model, as a fixed layout or as entries that each begin with
two bytes of identification (TLV). The names are those that the maker's own decoder gives, so
that a device profile reads bytes and decoded objects alike.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from ingest.mqtt.format import Undecodable
from models.errors import UnknownCodec
from models.reading import Reason

_FOLDER = Path(__file__).parent
_LONGEST = 255  # bytes; LoRaWAN carries 242 at most (RP002-1.0.4)
_SIZE = {"u8": 1, "i8": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "epoch": 4}


class Value(NamedTuple):
    """A decoded value.

    Attributes
    ----------
    value : float or str
        A number in the unit of the device's profile, or the name of a state.
    time : int or None
        Its own time, microseconds since 1970-01-01T00:00Z; None is the time of the frame.
    """

    name: str
    value: float | str
    time: int | None = None


class _When(msgspec.Struct, forbid_unknown_fields=True):
    """The field is there when the masked byte has this value."""

    at: int
    mask: int
    equals: int


class _Field(msgspec.Struct, forbid_unknown_fields=True):
    """One number of a record.

    Attributes
    ----------
    at : int or None
        First byte in the record; None follows the field before.
    divide : float
        Value = number / divide: unlike a factor of 0.01 it gives the decimal that is meant.
    ones : bool
        Negative numbers are complements to 0xFFFF, not to 0x10000.
    values : dict
        Names of states, by number.
    errors : list of int
        Numbers (unsigned) that report a failure; they are read unsigned, so that they
        stand far outside the scale, where the profile's sentinels name them.
    doubtful : bool
        Such a number may also be a measurement (0xFFFF is -0.1 degrees): it is a failure
        only when another value of the same time fails.
    """

    name: str
    type: Literal["u8", "i8", "u16", "i16", "u32", "i32", "epoch"]
    at: int | None = None
    mask: int | None = None
    shift: int = 0
    divide: float = 1
    ones: bool = False
    values: dict[str, str] = {}
    errors: list[int] = []
    doubtful: bool = False
    when: _When | None = None


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    """An entry of a TLV frame: its two bytes of identification in hexadecimal."""

    id: str
    fields: list[_Field]
    size: int | None = None


class _Codec(msgspec.Struct, forbid_unknown_fields=True):
    """A device model's frames.

    Attributes
    ----------
    ports : list of int
        LoRaWAN ports on which such frames arrive; empty is any.
    fields : list
        Of a fixed layout.
    entries : list
        Of a TLV frame.
    skip : dict
        Identification -> bytes, of entries that carry no measurement.
    """

    source: str
    order: Literal["big", "little"]
    ports: list[int] = []
    fields: list[_Field] = []
    entries: list[_Entry] = []
    skip: dict[str, int] = {}
    include: str = ""


class _Read(NamedTuple):
    """A field as read: the number that is meant, and the one if it reports a failure."""

    value: float | str
    if_failed: float
    suspect: bool
    doubtful: bool


def names() -> tuple[str, ...]:
    """Return the names of all codecs."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def decode(name: str, data: bytes, port: int | None = None) -> list[Value]:
    """Decode the bytes of a frame.

    Parameters
    ----------
    name : str
        A codec.
    port : int, optional
        LoRaWAN port of the frame; None where the network server does not tell it.

    Raises
    ------
    Undecodable
        The bytes are not a whole frame of that model.
    UnknownCodec
        There is no such codec.
    """
    codec, entries = _codec(name)
    if port is not None and codec.ports and port not in codec.ports:
        raise Undecodable(Reason.UNDECODED, f"{name}: port {port} carries another message")
    if len(data) > _LONGEST:
        raise Undecodable(Reason.UNDECODED, f"{name}: {len(data)} bytes are no LoRaWAN frame")
    try:
        found = list(_fixed(codec, data) if codec.fields else _tlv(codec, entries, data))
    except _Malformed as fault:
        raise Undecodable(Reason.UNDECODED, f"{name}: {fault}") from None
    return _settled(found)


class _Malformed(Exception):  # noqa: N818
    """The bytes do not fit the layout."""


@cache
def _codec(name: str) -> tuple[_Codec, dict[bytes, _Entry]]:
    path = _FOLDER / f"{name}.toml"
    if name not in names():
        raise UnknownCodec(key=name, known=", ".join(names()))
    codec = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Codec)
    _place(codec.fields)
    entries: dict[bytes, _Entry] = _codec(codec.include)[1].copy() if codec.include else {}
    entries |= {bytes.fromhex(i): _Entry(i, [], size) for i, size in codec.skip.items()}
    for entry in codec.entries:
        _place(entry.fields)
        entries[bytes.fromhex(entry.id)] = entry
    return codec, entries


def _place(fields: list[_Field]) -> None:
    """Give every field without a place the one behind its predecessor."""
    end = 0
    for field in fields:
        field.at = end if field.at is None else field.at
        end = field.at + _SIZE[field.type]


def _extent(fields: list[_Field]) -> int:
    return max(((field.at or 0) + _SIZE[field.type] for field in fields), default=0)


def _fixed(codec: _Codec, data: bytes) -> Iterator[tuple[str, int | None, _Read]]:
    wanted = _extent(codec.fields)
    if len(data) != wanted:
        raise _Malformed(f"{len(data)} bytes, a frame has {wanted}")
    yield from _record(codec, codec.fields, data)


def _tlv(
    codec: _Codec, entries: dict[bytes, _Entry], data: bytes
) -> Iterator[tuple[str, int | None, _Read]]:
    at = 0
    while at < len(data):
        entry = entries.get(data[at : at + 2])
        if entry is None:
            raise _Malformed(f"unknown entry {data[at : at + 2].hex().upper()} at byte {at}")
        size = _extent(entry.fields) if entry.size is None else entry.size
        body = data[at + 2 : at + 2 + size]
        if len(body) < size:
            raise _Malformed(f"entry {entry.id} at byte {at} is cut: {len(body)} of {size} bytes")
        yield from _record(codec, entry.fields, body)
        at += 2 + size


def _record(
    codec: _Codec, fields: list[_Field], body: bytes
) -> Iterator[tuple[str, int | None, _Read]]:
    time: int | None = None
    for field in fields:
        if field.when is not None and body[field.when.at] & field.when.mask != field.when.equals:
            continue
        start = field.at or 0
        number = body[start : start + _SIZE[field.type]]
        if field.type == "epoch":
            time = int.from_bytes(number, codec.order) * 1_000_000
        else:
            yield field.name, time, _read(field, number, codec.order)


def _read(field: _Field, number: bytes, order: Literal["big", "little"]) -> _Read:
    unsigned = int.from_bytes(number, order)
    if field.mask is not None:
        unsigned = (unsigned & field.mask) >> field.shift
    if field.values:
        state = field.values.get(str(unsigned), f"code {unsigned}")
        return _Read(state, 0.0, False, False)
    meant = unsigned
    if field.type.startswith("i") and number[0 if order == "big" else -1] & 0x80:
        meant -= (1 << 8 * len(number)) - (1 if field.ones else 0)
    failed = unsigned in field.errors
    return _Read(meant / field.divide, unsigned / field.divide, failed, field.doubtful)


def _settled(found: list[tuple[str, int | None, _Read]]) -> list[Value]:
    """Decide what is a failure; of two values of one name and time the later one counts."""
    failing = {time for _, time, read in found if read.suspect and not read.doubtful}
    settled: dict[tuple[str, int | None], Value] = {}
    for name, time, read in found:
        failed = read.suspect and (not read.doubtful or time in failing)
        settled[name, time] = Value(name, read.if_failed if failed else read.value, time)
    return list(settled.values())
