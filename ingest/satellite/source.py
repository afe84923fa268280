"""A scene that has been opened: its bands by role, its mask, and how they lie on one grid."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from analytics.remote import masks
from analytics.remote.digital import Calibration
from analytics.remote.masks import Scheme
from ingest.satellite.bands import Band
from ingest.satellite.descriptors import Descriptor
from ingest.satellite.metadata import Metadata
from ingest.satellite.plan import Grid


class Fit(NamedTuple):
    """How the pixels of a band lie on the grid of its scene; (1, 1): they are the same.

    Attributes
    ----------
    coarser : int
        Scene pixels along one band pixel: each takes the value that covers it (nearest).
    finer : int
        Band pixels along one scene pixel: their values are averaged.
    """

    coarser: int = 1
    finer: int = 1


@dataclass(frozen=True, slots=True)
class MaskBand:
    """The band that says which pixels may speak, and how to read it.

    Attributes
    ----------
    ratio : int
        Pixels of the scene along one pixel of the mask.
    radius : int
        Pixels of the mask by which cloud and shadow are widened.
    """

    band: Band
    ratio: int
    scheme: Scheme
    radius: int = 0

    @property
    def version(self) -> str:
        """What the lineage says of the mask."""
        if not self.radius:
            return self.scheme.version
        metres = self.radius * self.band.grid.pixel_metres[0]
        return f"{self.scheme.version}; cloud and shadow widened by {metres:g} m"


@dataclass(frozen=True, slots=True)
class SourceScene:
    """A scene that passed every check that its headers allow.

    Attributes
    ----------
    bands : dict
        Role (``red``, ``nir``, ``swir1`` ...) -> band, each on ``grid`` or nested in it.
    fits : dict
        Role -> how the band lies on ``grid``.
    mask : MaskBand or None
        None: the mask is nodata only.
    saturation : Band or None
        Bits that tell which other bands are saturated, on ``grid``.
    calibration : dict
        Role -> what its numbers mean.
    dated : bool
        Whether the acquisition time is known; if not, `time` is the start of the mission.
    notes : tuple of str
        What a reader of the lineage must know.
    """

    path: Path
    descriptor: Descriptor
    bands: dict[str, Band]
    fits: dict[str, Fit]
    mask: MaskBand | None
    saturation: Band | None
    grid: Grid
    time: datetime
    said: Metadata
    calibration: dict[str, Calibration]
    offset_from: str
    notes: tuple[str, ...]
    dated: bool = True

    @property
    def roles(self) -> tuple[str, ...]:
        """What it can measure."""
        return tuple(self.bands)

    def has(self, *roles: str) -> bool:
        """Tell whether it can measure all of these."""
        return all(role in self.bands for role in roles)

    @property
    def files(self) -> dict[str, Path]:
        """Role -> file of what makes the scene what it is: required bands and mask."""
        required = self.descriptor.required or self.roles
        found = {role: self.bands[role].path for role in required}
        return found | self._of_mask

    @property
    def sources(self) -> dict[str, Path]:
        """Role -> file of every band there is, mask and saturation included."""
        saturation = {} if self.saturation is None else {"saturation": self.saturation.path}
        others = {role: one.path for role, one in self.bands.items()}
        return self.files | others | saturation

    @property
    def _of_mask(self) -> dict[str, Path]:
        rule = self.descriptor.mask
        return {rule.role: self.mask.band.path} if rule and self.mask else {}

    @property
    def mask_version(self) -> str:
        """Which mask speaks for the scene."""
        return masks.NODATA_ONLY if self.mask is None else self.mask.version

    @property
    def scl(self) -> Band | None:
        """The band of the mask."""
        return None if self.mask is None else self.mask.band

    @property
    def scl_ratio(self) -> int:
        """Pixels of ``grid`` along one pixel of the mask."""
        return 1 if self.mask is None else self.mask.ratio

    @property
    def resampling(self) -> dict[str, str]:
        """Role -> how it was brought onto the grid, for bands on another one."""
        return {
            role: f"nearest, from {self.bands[role].grid.dx:g}"
            if fit.coarser > 1
            else f"average, from {self.bands[role].grid.dx:g}"
            for role, fit in self.fits.items()
            if fit != Fit()
        }
