"""Read blocks of a scene and turn them into numbers, display codes and stored bands."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from analytics.remote import masks
from analytics.remote.digital import Calibration, display, has_value, numbers
from ingest.satellite.bands import Band, open_raster, read_errors
from ingest.satellite.plan import Block
from ingest.satellite.products import Product
from ingest.satellite.scene import SourceScene

Raw = NDArray[np.integer | np.floating]

# Bands that are not unsigned 16-bit digital numbers are stored as reflectance x 1e4 + 1000:
# the form of baseline 04.00, which keeps slightly negative reflectances apart from nodata 0.
_CANONICAL = Calibration(1e-4, -1000.0)


@dataclass(frozen=True, slots=True)
class Pixels:
    """One block: what goes into the three files, and what the tally needs.

    `cloud` is None when the scene brings no classification.
    """

    numbers: NDArray[np.int16]
    display: NDArray[np.uint8]
    dn: NDArray[np.uint16]
    cloud: NDArray[np.bool_] | None
    with_data: int


@dataclass(slots=True)
class Reader:
    """Reads any block of a scene, from any thread: each thread has its own file handles."""

    scene: SourceScene
    product: Product
    _local: threading.local = field(default_factory=threading.local)
    _open: list[DatasetReader] = field(default_factory=list)

    @property
    def roles(self) -> tuple[str, ...]:
        """Bands in the order in which they are stored."""
        return self.product.index.bands

    @property
    def stored(self) -> Calibration:
        """What the stored digital numbers mean."""
        first = self.scene.calibration[self.roles[0]]
        same = all(self.scene.calibration[role] == first for role in self.roles)
        plain = all(self.scene.bands[role].dtype in ("uint8", "uint16") for role in self.roles)
        return first if same and plain else _CANONICAL

    def close(self) -> None:
        """Close the handles of all threads."""
        # not as context managers: rasterio would tear down the GDAL environment of this thread
        for handle in self._open:
            handle.close()

    def block(self, block: Block) -> Pixels:
        """Read one block and compute its index."""
        window = Window(block.column, block.row, block.width, block.height)
        raw = [self._read(self.scene.bands[role], window) for role in self.roles]
        measured = np.logical_and.reduce(
            [
                _measured(one, self.scene.bands[role])
                for one, role in zip(raw, self.roles, strict=True)
            ]
        )
        scl = self._scl(block)
        valid = measured if scl is None else measured & masks.clear(scl)
        values = [
            _reflect(one, valid, self.scene.calibration[role])
            for one, role in zip(raw, self.roles, strict=True)
        ]
        index = self.product.index.formula(*values)
        return Pixels(
            numbers=numbers(index),
            display=display(index, self.product.low, self.product.high),
            dn=self._stored(raw, values, valid),
            cloud=None if scl is None else measured & masks.cloudy(scl),
            with_data=int(measured.sum()),
        )

    def clouds(self) -> NDArray[np.bool_] | None:
        """Where the whole scene lies under cloud, on the grid of its classification.

        Returns
        -------
        ndarray (y, x) or None
            30 MB for a Sentinel-2 tile at 20 m; None without a classification.
        """
        band = self.scene.scl
        if band is None:
            return None
        whole = Window(0, 0, band.grid.width, band.grid.height)
        return masks.cloudy(classes(self._read(band, whole)))

    def _stored(
        self,
        raw: list[Raw],
        values: list[NDArray[np.float32]],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.uint16]:
        if self.stored is not _CANONICAL:
            dn = np.stack([one.astype(np.uint16) for one in raw])
        else:
            scaled = np.stack(values) / _CANONICAL.scale - _CANONICAL.offset
            dn = np.clip(np.rint(np.nan_to_num(scaled)), 1, 65534).astype(np.uint16)
        dn[:, ~valid] = 0
        return dn

    def _scl(self, block: Block) -> NDArray[np.uint8] | None:
        """Classification of a block, each pixel taking the class that covers it."""
        band, ratio = self.scene.scl, self.scene.scl_ratio
        if band is None:
            return None
        columns = np.arange(block.column, block.column + block.width)
        rows = np.arange(block.row, block.row + block.height)
        left, top = block.column // ratio, block.row // ratio
        right, bottom = int(columns[-1]) // ratio + 1, int(rows[-1]) // ratio + 1
        coarse = classes(self._read(band, Window(left, top, right - left, bottom - top)))
        return masks.nearest(coarse, rows - top * ratio, columns - left * ratio, ratio)

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


def _measured(raw: Raw, band: Band) -> NDArray[np.bool_]:
    """Where a band carries a value: not DN 0, not saturated, not the file's own nodata."""
    measured = has_value(raw)
    if band.nodata is not None and not np.isnan(band.nodata):
        measured &= raw != band.nodata
    return measured


def _reflect(raw: Raw, valid: NDArray[np.bool_], means: Calibration) -> NDArray[np.float32]:
    values = (raw.astype(np.float32) + np.float32(means.offset)) * np.float32(means.scale)
    values[~valid] = np.nan
    return values


def classes(raw: Raw) -> NDArray[np.uint8]:
    """Classification codes as bytes; what is no code (NaN, negative, > 11) becomes 0, no data."""
    return np.where((raw >= 0) & (raw <= 11), raw, 0).astype(np.uint8)
