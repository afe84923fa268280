"""Encode a 256 x 256 tile of display codes as a palette PNG.

One byte a pixel with a palette (PLTE) whose entry 0 is transparent (tRNS): a third of the
time and size of RGBA. isal deflates at about 400 MB/s where zlib does 60 at its fastest.
"""

import struct
from functools import cache

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from api.tiles.palettes import colours

SIDE = 256
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# width, height, 8 bits, colour type 3 (palette), deflate, adaptive filters, no interlace
_IHDR = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 3, 0, 0, 0)
_LEVEL = 1


def _chunk(kind: bytes, body: bytes) -> bytes:
    tagged = kind + body
    return struct.pack(">I", len(body)) + tagged + struct.pack(">I", isal_zlib.crc32(tagged))


@cache
def _head(palette: str) -> bytes:
    table = colours(palette).tobytes()
    return _SIGNATURE + _chunk(b"IHDR", _IHDR) + _chunk(b"PLTE", table) + _chunk(b"tRNS", b"\0")


_TAIL = _chunk(b"IEND", b"")


def encode(codes: NDArray[np.uint8], palette: str) -> bytes:
    """Encode display codes ``(256, 256)``; code 0 is transparent."""
    # each row starts with its filter type: 0, none (a filter does not help indexed colours)
    rows = np.zeros((SIDE, SIDE + 1), np.uint8)
    rows[:, 1:] = codes
    body = isal_zlib.compress(rows.tobytes(), _LEVEL)
    return _head(palette) + _chunk(b"IDAT", body) + _TAIL


def encode_rgb(codes: list[NDArray[np.uint8]]) -> bytes:
    """Encode three planes of display codes as colours; a pixel that lacks one is transparent."""
    rows = np.zeros((SIDE, 1 + 4 * SIDE), np.uint8)
    pixels = rows[:, 1:].reshape(SIDE, SIDE, 4)
    for number, plane in enumerate(codes):
        pixels[..., number] = plane
    pixels[..., 3] = np.where(np.all(np.stack(codes) > 0, axis=0), 255, 0)
    header = _chunk(b"IHDR", _IHDR[:9] + bytes((6,)) + _IHDR[10:])
    body = isal_zlib.compress(rows.tobytes(), _LEVEL)
    return _SIGNATURE + header + _chunk(b"IDAT", body) + _TAIL


def encode_ramp(palette: str, height: int = 16) -> bytes:
    """Draw the colours of the codes 1..255, one column each."""
    rows = np.zeros((height, 256), np.uint8)
    rows[:, 1:] = np.arange(1, 256)
    size = struct.pack(">II", 255, height)
    header = _chunk(b"IHDR", size + _IHDR[8:])
    body = isal_zlib.compress(rows.tobytes(), _LEVEL)
    table = _chunk(b"PLTE", colours(palette).tobytes())
    return _SIGNATURE + header + table + _chunk(b"IDAT", body) + _TAIL
