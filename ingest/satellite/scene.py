"""Open a scene of any known layout and check that its bands belong together."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from analytics.remote.digital import Calibration
from ingest.satellite import layout, metadata
from ingest.satellite.bands import Band
from ingest.satellite.descriptors import Descriptor
from ingest.satellite.metadata import Metadata
from ingest.satellite.plan import Grid, coarser_by
from models.errors import SceneRejected

# reflectance rarely passes 1.6 (snow); digital numbers of anything lit start in the hundreds
_MOST_REFLECTANCE = 2.0


@dataclass(frozen=True, slots=True)
class SourceScene:
    """A scene that passed every check that its headers allow.

    Attributes
    ----------
    bands : dict
        Role (``red``, ``nir``) -> band, all on ``grid``.
    scl : Band or None
        Classification; None: the mask is nodata only.
    scl_ratio : int
        Pixels of ``grid`` along one pixel of the classification.
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
    scl: Band | None
    scl_ratio: int
    grid: Grid
    time: datetime
    said: Metadata
    calibration: dict[str, Calibration]
    offset_from: str
    notes: tuple[str, ...]
    dated: bool = True

    @property
    def files(self) -> dict[str, Path]:
        """Role -> file, classification included."""
        roles = self.bands | ({"scl": self.scl} if self.scl else {})
        return {role: one.path for role, one in roles.items()}


def open_scene(path: Path, *, now: datetime, time: datetime | None = None) -> SourceScene:
    """Open a folder, SAFE tree or multi-band file.

    Parameters
    ----------
    path : Path
        Folder of bands, ``.SAFE`` folder, its ``MTD_MSIL2A.xml``, or one multi-band GeoTIFF.
    now : datetime
        An acquisition later than this is refused.
    time : datetime, optional
        Acquisition time when the files do not say it; wins over what they say.

    Raises
    ------
    SceneRejected
        With a reason and a text that says what to do.
    """
    found = layout.find(path)
    said = _said(found)
    if said.level == "L1C":
        detail = "this is Level-1C (top of the atmosphere); Heitu takes Level-2A reflectance"
        raise SceneRejected(reason="wrong_level", detail=detail)
    bands = {role: found.bands[role] for role in found.descriptor.required}
    grid = _common_grid(bands)
    scl = found.bands.get("scl")
    calibration, offset_from, notes = _calibrations(found.descriptor, bands, said)
    dated = _time(said, time, now)
    at = dated or found.descriptor.undated_at
    if at is None:
        raise SceneRejected(reason="unknown_time", detail=_NO_TIME)
    if dated is None:
        notes.append(_UNDATED)
    return SourceScene(
        path=path,
        descriptor=found.descriptor,
        bands=bands,
        scl=scl,
        scl_ratio=1 if scl is None else _ratio(grid, scl),
        grid=grid,
        time=at,
        said=said,
        calibration=calibration,
        offset_from=offset_from,
        notes=(*found.descriptor.notes, *_band_notes(bands), *notes, *(said.notes or ())),
        dated=dated is not None,
    )


def _said(found: layout.Found) -> Metadata:
    """Gather what sidecar, XML, tags and names say, in that order of trust."""
    red = found.bands["red"]
    sources = [metadata.from_sidecar(found.folder)]
    sources += [metadata.from_xml(xml) for xml in found.xml]
    sources.append(metadata.from_tags(red.tags, red.path.name))
    # inside a SAFE the product folder carries baseline and level, the granule the time
    names = [found.path.resolve().name, *reversed(red.path.relative_to(found.folder).parts)]
    sources += [metadata.from_name(name) for name in names]
    return metadata.first_said(*sources)


def _common_grid(bands: dict[str, Band]) -> Grid:
    first, *others = bands.values()
    for other in others:
        if not other.grid.same_as(first.grid):
            detail = (
                f"{first.path.name} ({_shape(first.grid)}) and {other.path.name} "
                f"({_shape(other.grid)}) are not on the same grid"
            )
            raise SceneRejected(reason="mismatched_grids", detail=detail)
    return first.grid


def _shape(grid: Grid) -> str:
    corner = f"corner {grid.left:g}, {grid.top:g}"
    return f"EPSG:{grid.epsg}, {grid.width} x {grid.height} of {grid.dx:g} m, {corner}"


def _ratio(grid: Grid, scl: Band) -> int:
    if np.dtype(scl.dtype).itemsize > 2 and np.dtype(scl.dtype).kind != "f":
        raise SceneRejected(reason="wrong_type", detail=f"{scl.path.name} holds {scl.dtype}")
    ratio = coarser_by(grid, scl.grid)
    if ratio is None:
        detail = (
            f"the classification {scl.path.name} ({_shape(scl.grid)}) does not cover the bands "
            f"({_shape(grid)}) pixel on pixel"
        )
        raise SceneRejected(reason="mismatched_grids", detail=detail)
    return ratio


_NO_TIME = (
    "no metadata, tag or file name says when it was taken; give --time 2024-06-01T02:35:51Z or "
    "a scene.json with a time"
)
_UNDATED = (
    "acquisition time unknown: catalogued behind every dated scene, and no field is given a "
    "value; give --time 2024-06-01T02:35:51Z to date it"
)


def _time(said: Metadata, given: datetime | None, now: datetime) -> datetime | None:
    time = given or said.time
    if time is None:
        return None
    if time.tzinfo is None:
        raise SceneRejected(reason="bad_time", detail=f"{time} has no zone")
    if time > now:
        detail = f"it claims to be of {time.isoformat()}, which is in the future"
        raise SceneRejected(reason="future_time", detail=detail)
    return time


def _band_notes(bands: dict[str, Band]) -> list[str]:
    """Say so where the near infrared is not the 10 m band B08."""
    nir = bands["nir"]
    named = nir.tags.get("Band", "")
    label = f"B{named}" if named.isdigit() else nir.label
    if any(other in label.upper() for other in ("B07", "B8A")):
        return [f"the near infrared is {label}, not B08"]
    return []


def _calibrations(
    descriptor: Descriptor, bands: dict[str, Band], said: Metadata
) -> tuple[dict[str, Calibration], str, list[str]]:
    """Say what the numbers of each band mean, where the offset comes from, and what to note."""
    notes: list[str] = []
    quantification = said.quantification or descriptor.quantification
    if all(_declares_scale(one) for one in bands.values()):
        # a scale without an offset says nothing about the offset of the baseline
        silent = said.offset is None and said.baseline is None
        if silent or any(one.offset for one in bands.values()):
            own = {r: Calibration(b.scale, b.offset / b.scale) for r, b in bands.items()}
            return own, "scale and offset of the files", notes
        quantification = 1 / bands["red"].scale
    if all(_holds_reflectance(one) for one in bands.values()):
        notes.append("float reflectance: scale 1, no offset")
        return dict.fromkeys(bands, Calibration(1.0, 0.0)), "float reflectance", notes
    offset, source = _offset(descriptor, said)
    if source == _ASSUMED:
        notes.append("no baseline in the metadata: no DN offset was applied")
    return dict.fromkeys(bands, Calibration(1 / quantification, offset)), source, notes


_ASSUMED = "assumed 0: neither offset nor processing baseline is known"


def _offset(descriptor: Descriptor, said: Metadata) -> tuple[float, str]:
    """DN offset: as stated, else by processing baseline, else as the layout has it."""
    if said.offset is not None:
        return said.offset, said.offset_from or "metadata"
    if said.baseline is not None:
        return metadata.offset_of_baseline(said.baseline), f"baseline {said.baseline}"
    if descriptor.offset is not None:
        return descriptor.offset, f"layout {descriptor.key}"
    return 0.0, _ASSUMED


def _declares_scale(one: Band) -> bool:
    return one.scale != 1.0 and one.scale > 0


def _holds_reflectance(one: Band) -> bool:
    """Tell reflectance from digital numbers stored as floats, by a thinned look."""
    if np.dtype(one.dtype).kind != "f":
        return False
    sample = layout.thinned(one)
    return sample.size > 0 and float(np.median(np.abs(sample))) < _MOST_REFLECTANCE


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
