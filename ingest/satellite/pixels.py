"""Turn blocks of a scene into a product: numbers, display codes and stored bands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.remote.digital import NODATA_DN, Calibration, display, numbers
from ingest.satellite.plan import Block
from ingest.satellite.products import Product
from ingest.satellite.read import Measured, Reader

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


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes one product of a scene, block by block."""

    reader: Reader
    product: Product

    @property
    def roles(self) -> tuple[str, ...]:
        """Bands in the order in which they are stored."""
        return self.product.index.bands

    @property
    def stored(self) -> Calibration:
        """What the stored digital numbers mean."""
        scene = self.reader.scene
        first = scene.calibration[self.roles[0]]
        same = all(scene.calibration[role] == first for role in self.roles)
        plain = all(
            scene.bands[role].dtype in ("uint8", "uint16")
            and NODATA_DN in scene.bands[role].empty
            and scene.fits[role].finer == 1
            for role in self.roles
        )
        return first if same and plain else _CANONICAL

    def block(self, block: Block) -> Pixels:
        """Read one block and compute its index."""
        found = self.reader.block(block, self.roles)
        index = self.product.index.formula(*(found.values[role] for role in self.roles))
        return Pixels(
            numbers=numbers(index),
            display=display(index, self.product.low, self.product.high),
            dn=self._stored(found),
            cloud=found.cloud,
            with_data=int(found.measured.sum()),
        )

    def _stored(self, found: Measured) -> NDArray[np.uint16]:
        if self.stored is not _CANONICAL:
            dn = np.stack([found.raw[role].astype(np.uint16) for role in self.roles])
        else:
            values = np.stack([found.values[role] for role in self.roles])
            scaled = values / _CANONICAL.scale - _CANONICAL.offset
            dn = np.clip(np.rint(np.nan_to_num(scaled)), 1, 65534).astype(np.uint16)
        dn[:, ~found.valid] = NODATA_DN
        return dn
