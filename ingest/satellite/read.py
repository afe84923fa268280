"""Read blocks of a scene: any of its bands as reflectance on one grid, with the mask, once."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from analytics.remote import masks
from analytics.remote.digital import Calibration
from ingest.satellite.bands import Band, open_raster, read_errors
from ingest.satellite.plan import Block
from ingest.satellite.source import SourceScene

Raw = NDArray[np.integer | np.floating]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measured:
    """One block of a scene.

    Attributes
    ----------
    values : dict
        Role -> float32 (y, x): reflectance [1], for ``thermal`` kelvin; NaN where the band has
        no value or the mask is out.
    measured : ndarray of bool
        Where every band asked for carries a value, whatever the mask says.
    valid : ndarray of bool
        Where they do and the mask lets it through.
    marks : ndarray of uint8 or None
        What the mask says of every pixel; None when the scene brings none.
    raw : dict
        Role -> digital numbers on the grid of the scene; averaged bands have none.
    """

    values: dict[str, NDArray[np.float32]]
    measured: Flags
    valid: Flags
    marks: masks.Marks | None
    raw: dict[str, Raw]

    @property
    def cloud(self) -> Flags | None:
        """Measured pixels under cloud, cirrus or shadow; None when nothing knows."""
        return self._marked(masks.UNDER_CLOUD | masks.UNDER_SHADOW)

    @property
    def snow(self) -> Flags | None:
        """Measured pixels under snow or ice; None when nothing knows."""
        return self._marked(masks.SNOW)

    @property
    def water(self) -> Flags | None:
        """Measured pixels of water; None when nothing knows."""
        return self._marked(masks.WATER)

    def _marked(self, mark: int) -> Flags | None:
        if self.marks is None:
            return None
        flags: Flags = self.measured & ((self.marks & mark) != 0)
        return flags


@dataclass(slots=True)
class Reader:
    """Reads any block of a scene, from any thread: each thread has its own file handles."""

    scene: SourceScene
    _local: threading.local = field(default_factory=threading.local)
    _open: list[DatasetReader] = field(default_factory=list)

    def close(self) -> None:
        """Close the handles of all threads."""
        # not as context managers: rasterio would tear down the GDAL environment of this thread
        for handle in self._open:
            handle.close()

    def block(self, block: Block, roles: Iterable[str]) -> Measured:
        """Read one block of these bands, and of the mask."""
        values: dict[str, NDArray[np.float32]] = {}
        raws: dict[str, Raw] = {}
        measured = np.ones((block.height, block.width), np.bool_)
        saturated = self._saturated(block)
        marks = self._marks(block)
        clear = None if marks is None else masks.passing(marks)
        for role in roles:
            values[role], has_value, raw = self._one(role, block)
            if raw is not None:
                raws[role] = raw
            if (bit := self._bit(role)) is not None and saturated is not None:
                has_value &= (saturated >> bit) & 1 == 0
            measured &= has_value
            values[role][~(has_value if clear is None else has_value & clear)] = np.nan
        return Measured(
            values=values,
            measured=measured,
            valid=measured if clear is None else measured & clear,
            marks=marks,
            raw=raws,
        )

    def clouds(self) -> Flags | None:
        """Where the whole scene lies under cloud, on the grid of its mask.

        Returns
        -------
        ndarray (y, x) or None
            30 MB for a Sentinel-2 tile at 20 m; None without a mask.
        """
        mask = self.scene.mask
        if mask is None:
            return None
        whole = Window(0, 0, mask.band.grid.width, mask.band.grid.height)
        marks = mask.scheme.marks(self._read(mask.band, whole))
        return masks.clouded(masks.grown(marks, mask.radius))

    def _one(self, role: str, block: Block) -> tuple[NDArray[np.float32], Flags, Raw | None]:
        """Read one band onto the grid of the scene: reflectance, where it has any, and DN."""
        band, means = self.scene.bands[role], self.scene.calibration[role]
        coarser, finer = self.scene.fits[role]
        if finer > 1:
            fine = self._read(band, _window(block, finer))
            return *_averaged(fine, band, means, finer), None
        raw = self._covering(band, block, coarser)
        return _reflect(raw, means), _has_value(raw, band), raw

    def _covering(self, band: Band, block: Block, ratio: int) -> Raw:
        """Read a band, ratio times coarser: each pixel takes the value that covers it."""
        if ratio == 1:
            return self._read(band, _window(block))
        left, top, width, height = _cover(block, ratio)
        coarse = self._read(band, Window(left, top, width, height))
        rows = np.arange(block.row, block.row + block.height) // ratio - top
        columns = np.arange(block.column, block.column + block.width) // ratio - left
        values: Raw = coarse[np.ix_(rows, columns)]
        return values

    def _marks(self, block: Block) -> masks.Marks | None:
        """Read the marks of a block, each pixel taking those of the mask pixel that covers it."""
        mask = self.scene.mask
        if mask is None:
            return None
        ratio, grid = mask.ratio, mask.band.grid
        left, top, width, height = _cover(block, ratio)
        # what lies just outside the block may reach into it
        x0, y0 = max(left - mask.radius, 0), max(top - mask.radius, 0)
        x1 = min(left + width + mask.radius, grid.width)
        y1 = min(top + height + mask.radius, grid.height)
        codes = self._read(mask.band, Window(x0, y0, x1 - x0, y1 - y0))
        marks = masks.grown(mask.scheme.marks(codes), mask.radius)
        rows = np.arange(block.row, block.row + block.height) - y0 * ratio
        columns = np.arange(block.column, block.column + block.width) - x0 * ratio
        return masks.nearest(marks, rows, columns, ratio)

    def _bit(self, role: str) -> int | None:
        rule = self.scene.descriptor.saturation
        return None if rule is None else rule.bits.get(role)

    def _saturated(self, block: Block) -> NDArray[np.uint16] | None:
        band = self.scene.saturation
        return None if band is None else self._read(band, _window(block)).astype(np.uint16)

    def _read(self, band: Band, window: Window) -> Raw:
        with read_errors(band.path):
            values: Raw = self._handle(band).read(band.index, window=window)
        return values

    def _handle(self, band: Band) -> DatasetReader:
        handles = self._local.__dict__
        key = str(band.path)
        if key not in handles:
            handles[key] = open_raster(band.path)
            self._open.append(handles[key])
        handle: DatasetReader = handles[key]
        return handle


def _window(block: Block, times: int = 1) -> Window:
    return Window(
        block.column * times, block.row * times, block.width * times, block.height * times
    )


def _cover(block: Block, ratio: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of the coarse pixels that cover a block."""
    left, top = block.column // ratio, block.row // ratio
    right = (block.column + block.width - 1) // ratio + 1
    bottom = (block.row + block.height - 1) // ratio + 1
    return left, top, right - left, bottom - top


def _has_value(raw: Raw, band: Band) -> Flags:
    """Where a band carries a value: none of the platform's empty numbers, and in range."""
    measured = np.ones(raw.shape, np.bool_) if raw.dtype.kind != "f" else ~np.isnan(raw)
    empty = band.empty if band.nodata is None else (*band.empty, band.nodata)
    for number in empty:
        if not np.isnan(number):
            measured &= raw != number
    if band.valid is not None:
        measured &= (raw >= band.valid[0]) & (raw <= band.valid[1])
    return measured


def _reflect(raw: Raw, means: Calibration) -> NDArray[np.float32]:
    values = raw.astype(np.float32)
    values += np.float32(means.offset)
    values *= np.float32(means.scale)
    return values


def _averaged(
    fine: Raw, band: Band, means: Calibration, ratio: int
) -> tuple[NDArray[np.float32], Flags]:
    """Average ratio x ratio values into one; it counts if half of them carry a value."""
    height, width = fine.shape[0] // ratio, fine.shape[1] // ratio
    shape = (height, ratio, width, ratio)
    has_value = _has_value(fine, band)
    values = np.where(has_value, _reflect(fine, means), 0).reshape(shape)
    count = has_value.reshape(shape).sum(axis=(1, 3))
    total = values.sum(axis=(1, 3), dtype=np.float64)
    mean = (total / np.maximum(count, 1)).astype(np.float32)
    return mean, count * 2 >= ratio * ratio
