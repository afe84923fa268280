"""Turn blocks of a scene into products: numbers, display codes and stored bands."""

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

Reflectance = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pixels:
    """One block: what goes into the three files, and what the tally needs.

    `cloud` is None when the scene brings no classification; `made` holds the numbers and the
    display codes of every product by key, `numbers` those of the first.
    """

    numbers: NDArray[np.int16]
    made: dict[str, tuple[NDArray[np.int16], NDArray[np.uint8]]]
    dn: NDArray[np.uint16]
    cloud: NDArray[np.bool_] | None
    with_data: int


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes products of a scene in one pass over its bands, block by block.

    Attributes
    ----------
    product : Product
        The one whose bands are stored, and whose pixels are counted.
    others : tuple of Product
        Made beside it.
    """

    reader: Reader
    product: Product
    others: tuple[Product, ...] = ()

    @property
    def products(self) -> tuple[Product, ...]:
        """All that is made."""
        return (self.product, *self.others)

    @property
    def roles(self) -> tuple[str, ...]:
        """Bands in the order in which they are stored."""
        return self.product.roles

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
        """Read one block and compute its indices."""
        found = self.reader.block(block, self.roles)
        values = found.values | self._beside(block)
        made = {one.key: _made(one, values) for one in self.products}
        return Pixels(
            numbers=made[self.product.key][0],
            made=made,
            dn=self._stored(found),
            cloud=found.cloud,
            with_data=int(found.measured.sum()),
        )

    def _beside(self, block: Block) -> dict[str, Reflectance]:
        """Read what the other products need beyond the first one's bands.

        By itself: a gap in a shortwave band must not take a pixel from the tally of the first.
        """
        wanted = dict.fromkeys(role for one in self.others for role in one.roles)
        more = [role for role in wanted if role not in self.roles]
        return self.reader.block(block, more).values if more else {}

    def _stored(self, found: Measured) -> NDArray[np.uint16]:
        if self.stored is not _CANONICAL:
            dn = np.stack([found.raw[role].astype(np.uint16) for role in self.roles])
        else:
            values = np.stack([found.values[role] for role in self.roles])
            scaled = values / _CANONICAL.scale - _CANONICAL.offset
            dn = np.clip(np.rint(np.nan_to_num(scaled)), 1, 65534).astype(np.uint16)
        dn[:, ~found.valid] = NODATA_DN
        return dn


def _made(
    product: Product, values: dict[str, Reflectance]
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    assert product.index is not None, product.key
    index = product.index.formula(*(values[role] for role in product.roles))
    return numbers(index), display(index, product.low, product.high)
