"""Whether a file is all there, for the formats whose readers do not notice.

GDAL reads a netCDF-3 file cut in half without an error and fills the rest with zeros, and
returns black tiles for a cut JPEG 2000 (both measured with GDAL 3.10). The TIFF reader notices
when it comes to the missing part; a band that no product reads would never be found out, so
the ends of its strips are looked at here. The HDF5 reader notices at once.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_NC_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8}
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_END_OF_CODESTREAM = b"\xff\xd9"
# first bytes -> byte order, and whether offsets are of 64 bits (TIFF 6.0; BigTIFF)
_TIFF = {
    b"II*\0": ("<", False),
    b"MM\0*": (">", False),
    b"II+\0": ("<", True),
    b"MM\0+": (">", True),
}
_TIFF_TYPES = {3: "u2", 4: "u4", 16: "u8"}
_STARTS, _LENGTHS = (273, 324), (279, 325)  # of strips, of tiles
# a header of a scene holds a few dozen names and attributes; a count beyond is corruption
_MOST_ENTRIES = 10_000


class CutError(Exception):
    """The file ends before its own header says it should."""


def check_whole(path: Path) -> None:
    """Pass if the file is as long as its header promises.

    Raises
    ------
    CutError
        It is shorter, or its header cannot be followed.
    """
    with path.open("rb") as file:
        magic = file.read(12)
        file.seek(0)
        try:
            if magic[:3] == b"CDF" and magic[3:4] in (b"\x01", b"\x02"):
                _check_netcdf3(file, path.stat().st_size)
            elif magic == _JP2_SIGNATURE:
                _check_jp2(file, path.stat().st_size)
            elif magic[:4] in _TIFF:
                _check_tiff(file, path.stat().st_size, *_TIFF[magic[:4]])
        except (struct.error, KeyError) as broken:
            raise CutError(f"its header is broken ({broken})") from broken


def _u32(file: BinaryIO) -> int:
    return int(struct.unpack(">I", file.read(4))[0])


def _count(file: BinaryIO) -> int:
    """Read the tag and length of a netCDF list."""
    _u32(file)
    n = _u32(file)
    if n > _MOST_ENTRIES:
        raise CutError(f"its header promises {n} entries")
    return n


def _skip(file: BinaryIO, n: int) -> None:
    """Skip n bytes and their padding to four."""
    file.seek(n + -n % 4, 1)


def _skip_attributes(file: BinaryIO) -> None:
    for _ in range(_count(file)):
        _skip(file, _u32(file))
        width = _NC_TYPE_BYTES[_u32(file)]
        _skip(file, width * _u32(file))


def _netcdf3_ends(file: BinaryIO) -> Iterator[int]:
    """Yield where the data of each fixed-size variable ends (netCDF classic format spec)."""
    wide_offsets = file.read(4)[3] == 2
    _u32(file)  # records: scenes have none
    lengths = []
    for _ in range(_count(file)):
        _skip(file, _u32(file))
        lengths.append(_u32(file))
    _skip_attributes(file)
    for _ in range(_count(file)):
        _skip(file, _u32(file))
        dimensions = [_u32(file) for _ in range(_u32(file))]
        _skip_attributes(file)
        size = _NC_TYPE_BYTES[_u32(file)]
        _u32(file)  # vsize is unreliable above 2 GiB; the product of dimensions is not
        begin = struct.unpack(">Q", file.read(8))[0] if wide_offsets else _u32(file)
        for dimension in dimensions:
            size *= lengths[dimension]
        yield begin + size


def _check_netcdf3(file: BinaryIO, size: int) -> None:
    end = max(_netcdf3_ends(file), default=0)
    if size < end:
        raise CutError(f"it has {size} bytes of the {end} its header promises")


def _check_jp2(file: BinaryIO, size: int) -> None:
    """Follow the boxes (ISO 15444-1 annex I); the codestream must end in its end marker."""
    position = 0
    while position < size:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = struct.unpack(">Q", file.read(8))[0]
        end = size if length == 0 else position + length
        if end > size or end <= position:
            raise CutError(f"it has {size} bytes of the {end} its boxes promise")
        if kind == b"jp2c":
            file.seek(end - 2)
            if file.read(2) != _END_OF_CODESTREAM:
                raise CutError("its codestream has no end")
            return
        position = end
    raise CutError("it has no codestream")


def _check_tiff(file: BinaryIO, size: int, order: str, big: bool) -> None:
    """Compare where the strips or tiles of the full image end with the length of the file."""
    file.seek(4 if not big else 8)
    (start,) = struct.unpack(order + ("Q" if big else "I"), file.read(8 if big else 4))
    file.seek(start)
    (n,) = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))
    if n > _MOST_ENTRIES:
        raise CutError(f"its header promises {n} entries")
    entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
    entries = [entry.unpack(file.read(entry.size)) for _ in range(n)]
    found = {tag: (kind, count, value) for tag, kind, count, value in entries}
    starts = next((found[tag] for tag in _STARTS if tag in found), None)
    lengths = next((found[tag] for tag in _LENGTHS if tag in found), None)
    if starts is None or lengths is None or starts[1] != lengths[1]:
        return  # whatever it is, its reader says so
    ends = _numbers(file, size, order, *starts) + _numbers(file, size, order, *lengths)
    end = int(ends.max(initial=0))
    if size < end:
        raise CutError(f"it has {size} bytes of the {end} its header promises")


def _numbers(
    file: BinaryIO, size: int, order: str, kind: int, count: int, value: bytes
) -> NDArray[Any]:
    """Read the numbers of an entry: in its value if they fit, else where the value points."""
    numbers = np.dtype(order + _TIFF_TYPES[kind])
    length = count * numbers.itemsize
    if length > len(value):
        place = int.from_bytes(value, "little" if order == "<" else "big")
        if place + length > size:
            raise CutError(f"it has {size} bytes and a table that ends at {place + length}")
        file.seek(place)
        value = file.read(length)
    return np.frombuffer(value[:length], numbers).astype(np.uint64)
