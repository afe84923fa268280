"""Protocol Buffers on the wire, as much as reading and writing small messages needs.

Source: protobuf.dev, Encoding. Hand-written because one format needs one message of it:
100 lines against a runtime of 2 MB and generated code.
"""

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4, groups, are long gone
_WIDTH = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT = 10  # bytes that 64 bits take at 7 a byte


class Malformed(ValueError):  # noqa: N818
    """The bytes are no such message."""


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield (field number, wire type, value): an integer for a varint, else bytes.

    Raises
    ------
    Malformed
        Cut short, a wire type that does not exist, or field number 0.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Malformed(f"field number 0 at byte {at}")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            width, at = _varint(data, at)
        elif kind in _WIDTH:
            width = _WIDTH[kind]
        else:
            raise Malformed(f"wire type {kind} at byte {at}")
        if width > len(data) - at:
            raise Malformed(f"cut: {width} bytes are announced at byte {at} of {len(data)}")
        yield number, kind, data[at : at + width]
        at += width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(_MAX_VARINT):
        if at + i >= len(data):
            raise Malformed(f"cut within a number at byte {at}")
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + i + 1
    raise Malformed(f"a number of more than {_MAX_VARINT} bytes at byte {at}")


def text(data: int | bytes) -> str:
    """Read a string field."""
    try:
        return nested(data).decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"text that is not UTF-8: byte {error.start}") from None


def real(data: int | bytes) -> float:
    """Read a float (4 bytes) or a double (8 bytes)."""
    if not isinstance(data, bytes) or len(data) not in (4, 8):
        raise Malformed("no number where a float belongs")
    return float(struct.unpack("<f" if len(data) == 4 else "<d", data)[0])


def whole(data: int | bytes) -> int:
    """Read an unsigned integer."""
    if isinstance(data, int):
        return data
    raise Malformed("no number where an integer belongs")


def nested(data: int | bytes) -> bytes:
    """Read a message within the message, or any bytes."""
    if isinstance(data, bytes):
        return data
    raise Malformed("a number where bytes belong")


def write(number: int, value: int | bytes) -> bytes:
    """Write a field: an unsigned integer as a varint, bytes with their length."""
    if isinstance(value, int):
        return _written(number << 3 | VARINT) + _written(value)
    return _written(number << 3 | BYTES) + _written(len(value)) + value


def _written(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
