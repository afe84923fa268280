"""Whether a file is all there, for the formats whose readers do not notice.

GDAL reads a netCDF-3 file cut in half without an error and fills the rest with zeros, and
returns black tiles for a cut JPEG 2000 (both measured with GDAL 3.10). TIFF and HDF5
readers do notice, so those formats need nothing here.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_NC_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8}
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_END_OF_CODESTREAM = b"\xff\xd9"
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
