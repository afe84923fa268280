"""Which pixels of a scene may speak.

Every mask, whatever its kind, is a table from a code to marks: the Sentinel-2 scene
classification (codes), Landsat's QA_PIXEL (bits), the alpha band of a mosaic, and what the
descriptor of a scene declares. One look-up per pixel tells all classes apart.

The Sentinel-2 scene classification (SCL) of Level-2A, codes from the product
specification document S2-PDGS-TAS-DI-PSD:

0 no data, 1 saturated or defective, 2 dark area / cast shadow, 3 cloud shadow,
4 vegetation, 5 not vegetated, 6 water, 7 unclassified, 8 cloud medium probability,
9 cloud high probability, 10 thin cirrus, 11 snow or ice.

Landsat Collection 2 QA_PIXEL, bits from USGS LSDS-1619 table 6-3:

0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 cloud shadow, 5 snow, 6 clear, 7 water,
8-15 confidences, which are not used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.uint8]
Flags = NDArray[np.bool_]

# 2 is kept. Since baseline 04.00 it is "cast shadow" of terrain, before "dark area pixels";
# over the Songnen plain it is mostly wet black soil after the thaw and open water, which are
# just what a sowing decision looks at, and NDVI as a ratio bears even illumination loss.
# Cloud shadow has a code of its own (3).
KEPT = (2, 4, 5, 6, 7)
MASKED = (0, 1, 3, 8, 9, 10, 11)
# what a person calls cloud: shadow, medium, high, cirrus
CLOUD = (3, 8, 9, 10)

SCL_MASK = "scl-1 (keeps 2,4,5,6,7; masks 0,1,3,8,9,10,11)"
QA_PIXEL_MASK = "qa_pixel-1 (masks bits 0,1,2,3,4,5; keeps 6 clear, 7 water)"
ALPHA_MASK = "alpha-1 (masks 0)"
NODATA_ONLY = "nodata only (the source has no scene classification)"

# what a mask can say of a pixel; `OUT` alone decides whether it may speak
OUT, UNDER_CLOUD, UNDER_SHADOW, SNOW, WATER = 1, 2, 4, 8, 16
_MARKS = {"out": OUT, "cloud": UNDER_CLOUD, "shadow": UNDER_SHADOW, "snow": SNOW, "water": WATER}


@dataclass(frozen=True, slots=True, eq=False)
class Scheme:
    """A kind of mask: its version for the lineage, and the marks of every code.

    Attributes
    ----------
    table : ndarray of uint8
        Marks by code; a code beyond the table, negative or NaN is `OUT`.
    """

    version: str
    table: Marks

    def marks(self, codes: NDArray[np.generic]) -> Marks:
        """Look the marks of every pixel up."""
        last = len(self.table) - 1
        found: Marks
        if codes.dtype.kind == "u" and 256**codes.dtype.itemsize - 1 <= last:
            found = self.table[codes]
            return found
        numbers = np.nan_to_num(codes.astype(np.float64), nan=-1.0)
        inside = (numbers >= 0) & (numbers <= last)
        found = self.table[np.where(inside, numbers, 0).astype(np.intp)]
        found[~inside] = OUT
        return found


def by_code(version: str, kept: Iterable[int], classes: Mapping[str, Iterable[int]]) -> Scheme:
    """Make a mask of codes 0..255: those ``kept`` pass, all others are out.

    Parameters
    ----------
    classes : mapping
        ``cloud``, ``shadow``, ``snow``, ``water`` -> codes.
    """
    table = np.full(256, OUT, np.uint8)
    table[list(kept)] = 0
    for name, codes in classes.items():
        table[list(codes)] |= np.uint8(_MARKS[name])
    return Scheme(version, table)


def by_bit(version: str, out: Iterable[int], classes: Mapping[str, Iterable[int]]) -> Scheme:
    """Make a mask of the bits of a 16-bit word: a pixel is out if any bit of ``out`` is set."""
    words = np.arange(65_536, dtype=np.uint32)
    table = np.zeros(65_536, np.uint8)
    for name, bits in {"out": out, **classes}.items():
        for bit in bits:
            table |= np.where((words >> np.uint32(bit)) & 1, _MARKS[name], 0).astype(np.uint8)
    return Scheme(version, table)


SCL = by_code(SCL_MASK, KEPT, {"cloud": (8, 9, 10), "shadow": (3,), "snow": (11,), "water": (6,)})
QA_PIXEL = by_bit(
    QA_PIXEL_MASK,
    out=(0, 1, 2, 3, 4, 5),
    classes={"cloud": (1, 2, 3), "shadow": (4,), "snow": (5,), "water": (7,)},
)
_OPAQUE = np.zeros(65_536, np.uint8)
_OPAQUE[0] = OUT
ALPHA = Scheme(ALPHA_MASK, _OPAQUE)


def clear(scl: NDArray[np.uint8]) -> Flags:
    """Tell which pixels the classification lets through; an unknown code does not pass."""
    return passing(SCL.marks(scl))


def cloudy(scl: NDArray[np.uint8]) -> Flags:
    """Tell which pixels lie under cloud, cirrus or cloud shadow."""
    return clouded(SCL.marks(scl))


def passing(marks: Marks) -> Flags:
    """Tell which pixels may speak."""
    flags: Flags = (marks & OUT) == 0
    return flags


def clouded(marks: Marks) -> Flags:
    """Tell which pixels lie under cloud, cirrus or cloud shadow."""
    flags: Flags = (marks & (UNDER_CLOUD | UNDER_SHADOW)) != 0
    return flags


def grown(marks: Marks, radius: int) -> Marks:
    """Widen cloud and shadow by a disc; what they newly cover is out.

    Classifications miss the thin rim of a cloud, which is bright enough to halve an NDVI.

    Parameters
    ----------
    radius : int
        Pixels of the mask; 0 changes nothing.
    """
    if radius < 1:
        return marks
    wide = marks.copy()
    for mark in (UNDER_CLOUD, UNDER_SHADOW):
        wide[dilated((marks & mark) != 0, radius)] |= np.uint8(mark | OUT)
    return wide


def dilated(flags: Flags, radius: int) -> Flags:
    """Set every pixel within ``radius`` of one that is set (centre to centre).

    A disc is a stack of horizontal runs: each is one running sum, so that the cost grows with
    the radius and not with its square.
    """
    if not flags.any():
        return flags.copy()
    height, width = flags.shape
    result = np.zeros_like(flags)
    sums = np.zeros((height, width + 2 * radius + 1), np.int32)
    np.cumsum(np.pad(flags, ((0, 0), (radius, radius))), axis=1, out=sums[:, 1:])
    for dy in range(-min(radius, height - 1), min(radius, height - 1) + 1):
        half = int((radius * radius - dy * dy) ** 0.5)
        first, last = radius - half, radius + half + 1
        run = sums[:, last : last + width] > sums[:, first : first + width]
        result[max(dy, 0) : height + min(dy, 0)] |= run[max(-dy, 0) : height + min(-dy, 0)]
    return result


def nearest(
    coarse: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp], ratio: int
) -> NDArray[np.uint8]:
    """Sample a coarser class raster at fine pixels by the class that covers each of them.

    Classes are never averaged: the mean of cloud (9) and vegetation (4) would be water (6).

    Parameters
    ----------
    coarse : ndarray (y, x)
        Classes on the coarse grid, which shares its origin with the fine one.
    rows, columns : ndarray
        Fine pixel rows and columns.
    ratio : int
        Fine pixels per coarse pixel along one side (2 for 20 m under 10 m).
    """
    return coarse[np.ix_(rows // ratio, columns // ratio)]
