"""Open a scene of any known layout and check that its bands belong together."""

import hashlib
from datetime import datetime
from math import ceil
from pathlib import Path

import numpy as np

from ingest.satellite import gaofen, layout, metadata
from ingest.satellite.bands import Band
from ingest.satellite.calibrate import meaning
from ingest.satellite.descriptors import Descriptor
from ingest.satellite.metadata import Metadata
from ingest.satellite.plan import Grid, coarser_by
from ingest.satellite.source import Fit, MaskBand, SourceScene
from models.errors import SceneRejected

_REFUSED_LEVELS = {"L1C": "Level-2A", "L1TP": "L2SP", "L1GT": "L2SP", "L1GS": "L2SP"}


def open_scene(path: Path, *, now: datetime, time: datetime | None = None) -> SourceScene:
    """Open a folder, SAFE tree or multi-band file.

    Parameters
    ----------
    path : Path
        Folder of bands, ``.SAFE`` folder, its ``MTD_MSIL2A.xml``, a Landsat product or its
        MTL, a STAC item, or one multi-band GeoTIFF.
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
    _check_level(said)
    speaking = found.descriptor.speaking_of_others
    bands, fits, left_out = _on_one_grid(found, speaking)
    grid = _grid(found.descriptor, bands)
    dated = _time(said, time, now)
    if not all(one.stated for one in bands.values()):
        said = gaofen.calibrated(found.descriptor, said, dated)
    means = meaning(found.descriptor, bands, said)
    at = dated or found.descriptor.undated_at
    if at is None:
        raise SceneRejected(reason="unknown_time", detail=_NO_TIME)
    notes = (*found.descriptor.notes, *_band_notes(found.descriptor, bands), *means.notes)
    return SourceScene(
        path=path,
        descriptor=found.descriptor,
        bands=bands,
        fits=fits,
        mask=_mask(found, grid),
        saturation=_saturation(found, grid),
        grid=grid,
        time=at,
        said=said,
        calibration=means.calibration,
        offset_from=means.source,
        notes=(
            *notes,
            *(() if dated else (_UNDATED,)),
            *found.notes,
            *left_out,
            *(said.notes or ()),
        ),
        dated=dated is not None,
    )


def _said(found: layout.Found) -> Metadata:
    """Gather what sidecar, XML, tags and names say, in that order of trust."""
    first = found.bands.get("red") or next(iter(found.bands.values()))
    sources = [found.beside]
    sources += [metadata.from_xml(xml) for xml in found.xml]
    sources.append(metadata.from_tags(first.tags, first.path.name))
    # inside a SAFE the product folder carries baseline and level, the granule the time
    names = [found.path.resolve().name, *reversed(first.path.relative_to(found.folder).parts)]
    sources += [metadata.from_name(name) for name in names]
    return metadata.first_said(*sources)


def _check_level(said: Metadata) -> None:
    if said.level in _REFUSED_LEVELS:
        wanted = _REFUSED_LEVELS[said.level]
        detail = (
            f"this is Level-{said.level[1:]} (top of the atmosphere); "
            f"Heitu takes {wanted} reflectance"
        )
        raise SceneRejected(reason="wrong_level", detail=detail)


def _grid(platform: Descriptor, bands: dict[str, Band]) -> Grid:
    """Return the grid of the scene: that of its finest required band."""
    required = [bands[role] for role in platform.required or bands]
    return min(required, key=lambda one: one.grid.dx).grid


def _on_one_grid(
    found: layout.Found, speaking: tuple[str, ...]
) -> tuple[dict[str, Band], dict[str, Fit], list[str]]:
    """Lay every band on the grid of the scene; an optional one that does not fit is left out.

    Raises
    ------
    SceneRejected
        A required band does not fit.
    """
    measured = {role: one for role, one in found.bands.items() if role not in speaking}
    if not measured or not all(role in measured for role in found.descriptor.required):
        detail = f"a mask measures nothing, and there is {', '.join(found.bands)}"
        raise SceneRejected(reason="missing_band", detail=detail)
    grid = _grid(found.descriptor, measured)
    needed = found.descriptor.required or tuple(measured)
    first = next(one for role, one in measured.items() if one.grid == grid and role in needed)
    bands: dict[str, Band] = {}
    fits: dict[str, Fit] = {}
    left_out = []
    for role in (*needed, *(role for role in measured if role not in needed)):
        fit, one = _fit(grid, measured[role].grid), measured[role]
        if fit is not None:
            bands[role], fits[role] = one, fit
            continue
        detail = (
            f"{first.path.name} ({_shape(grid)}) and {one.path.name} ({_shape(one.grid)}) "
            "are not on the same grid"
        )
        if role in needed:
            raise SceneRejected(reason="mismatched_grids", detail=detail)
        left_out.append(f"no {role}: {detail}")
    return bands, fits, left_out


def _fit(grid: Grid, other: Grid) -> Fit | None:
    """Tell how a band lies on the grid; grids of one resolution must be the same."""
    if other.same_as(grid):
        return Fit()
    if (ratio := coarser_by(grid, other)) is not None and ratio > 1:
        return Fit(coarser=ratio)
    if (ratio := coarser_by(other, grid)) is not None and ratio > 1 and _whole(grid, other, ratio):
        return Fit(finer=ratio)
    return None


def _whole(grid: Grid, fine: Grid, ratio: int) -> bool:
    """Whether every pixel of the grid is filled by fine ones."""
    return (grid.width * ratio, grid.height * ratio) == (fine.width, fine.height)


def _shape(grid: Grid) -> str:
    corner = f"corner {grid.left:g}, {grid.top:g}"
    return f"EPSG:{grid.epsg}, {grid.width} x {grid.height} of {grid.dx:g} m, {corner}"


def _mask(found: layout.Found, grid: Grid) -> MaskBand | None:
    rule = found.descriptor.mask
    one = found.bands.get(rule.role) if rule else None
    if rule is None or one is None:
        return None
    radius = ceil(rule.grow_m / one.grid.pixel_metres[0] - 1e-9)
    return MaskBand(one, _ratio(grid, one), rule.scheme(), radius)


def _ratio(grid: Grid, mask: Band) -> int:
    if np.dtype(mask.dtype).itemsize > 2 and np.dtype(mask.dtype).kind != "f":
        raise SceneRejected(reason="wrong_type", detail=f"{mask.path.name} holds {mask.dtype}")
    ratio = coarser_by(grid, mask.grid)
    if ratio is None:
        detail = (
            f"the classification {mask.path.name} ({_shape(mask.grid)}) does not cover the bands "
            f"({_shape(grid)}) pixel on pixel"
        )
        raise SceneRejected(reason="mismatched_grids", detail=detail)
    return ratio


def _saturation(found: layout.Found, grid: Grid) -> Band | None:
    rule = found.descriptor.saturation
    one = found.bands.get(rule.role) if rule else None
    if one is not None and not one.grid.same_as(grid):
        detail = f"{one.path.name} ({_shape(one.grid)}) is not on the grid ({_shape(grid)})"
        raise SceneRejected(reason="mismatched_grids", detail=detail)
    return one


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


def _band_notes(platform: Descriptor, bands: dict[str, Band]) -> list[str]:
    """Say so where the near infrared of Sentinel-2 is not the 10 m band B08."""
    if not platform.collection.startswith("sentinel-2") or "nir" not in bands:
        return []
    nir = bands["nir"]
    named = nir.tags.get("Band", "")
    label = f"B{named}" if named.isdigit() else nir.label
    if any(other in label.upper() for other in ("B07", "B8A")):
        return [f"the near infrared is {label}, not B08"]
    return []


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
