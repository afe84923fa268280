"""Find the bands of a scene among the files of a folder, or inside one file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from re import Pattern

import numpy as np
from numpy.typing import NDArray

from ingest.satellite import metadata
from ingest.satellite.bands import Band, band, opened, read_errors
from ingest.satellite.descriptors import DESCRIPTORS, MULTIBAND_TIFF, Descriptor
from models.errors import SceneRejected

# a SAFE product holds about 130 files; a folder of thousands is not a scene
_MOST_FILES = 5000
_XML_NAMES = ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml")


@dataclass(frozen=True, slots=True)
class Found:
    """The layout recognised, its bands by role, and where to look for metadata."""

    path: Path
    folder: Path
    descriptor: Descriptor
    bands: dict[str, Band]
    xml: tuple[Path, ...]


def find(path: Path) -> Found:
    """Recognise the layout at a path.

    Raises
    ------
    SceneRejected
        Nothing there, no raster, a band missing, or more than one scene.
    """
    if not path.exists():
        raise SceneRejected(reason="not_found", detail=f"there is nothing at {path}")
    if path.name in _XML_NAMES:
        path = path.parent
    if path.is_file():
        return _inside(path)
    files = _files(path)
    named = metadata.from_sidecar(path).bands
    if named:
        return _as_named(path, named, files)
    best = max((_by_names(path, one, files) for one in DESCRIPTORS), key=_completeness)
    if _completeness(best) < 0 and (lone := _lone_raster(files)):
        return _inside(lone)
    _require(best, _looked_for(files))
    return best


def _inside(path: Path) -> Found:
    """Find the bands of one file by its band descriptions, or by the sidecar's numbers."""
    with opened(path) as dataset:
        descriptions = [text or "" for text in dataset.descriptions]
    named = metadata.from_sidecar(path.parent).bands or {}
    numbers = {role: n for role, n in named.items() if isinstance(n, int)}
    if not numbers:
        numbers = _by_descriptions(descriptions)
    bands = {role: band(path, number) for role, number in numbers.items()}
    found = Found(path, path.parent, MULTIBAND_TIFF, bands, ())
    what = ", ".join(repr(text) for text in descriptions)
    _require(found, f"{path.name} has the band descriptions {what}")
    return found


def _by_descriptions(descriptions: list[str]) -> dict[str, int]:
    numbers = {}
    for role, patterns in MULTIBAND_TIFF.bands.items():
        for pattern in patterns:
            hits = [i for i, text in enumerate(descriptions, 1) if pattern.search(text)]
            if hits:
                numbers[role] = hits[0]
                break
    return numbers


def _as_named(folder: Path, named: dict[str, str | int], files: list[Path]) -> Found:
    """Take the bands that the sidecar names, by file or by number in the only file."""
    if all(isinstance(name, int) for name in named.values()):
        lone = _lone_raster(files)
        if lone is None:
            detail = "scene.json numbers its bands, but the folder holds more than one raster"
            raise SceneRejected(reason="ambiguous", detail=detail)
        return _inside(lone)
    here = {file.name: file for file in files}
    absent = sorted(str(name) for name in named.values() if name not in here)
    if absent:
        detail = f"scene.json names {', '.join(absent)}, which the folder does not hold"
        raise SceneRejected(reason="missing_band", detail=detail)
    bands = {role: band(here[str(name)]) for role, name in named.items()}
    netcdf = any(one.path.suffix == ".nc" for one in bands.values())
    found = Found(folder, folder, DESCRIPTORS[0] if netcdf else DESCRIPTORS[1], bands, _xml(files))
    _require(found, "scene.json names " + ", ".join(named))
    return found


def _by_names(folder: Path, descriptor: Descriptor, files: list[Path]) -> Found:
    candidates = [
        file
        for file in files
        if file.suffix.lower() in descriptor.suffixes
        and not descriptor.ignore.search(file.relative_to(folder).as_posix())
    ]
    chosen = {role: _best(candidates, patterns) for role, patterns in descriptor.bands.items()}
    bands = {role: one for role, one in chosen.items() if one is not None}
    return Found(folder, folder, descriptor, bands, _xml(files))


def _best(files: list[Path], patterns: Iterable[Pattern[str]]) -> Band | None:
    """Return the finest band among the files of the first pattern that any matches."""
    for pattern in patterns:
        if hits := [band(file) for file in files if pattern.search(file.stem)]:
            finest = min(hit.grid.dx for hit in hits)
            best = [hit for hit in hits if hit.grid.dx == finest]
            if len(best) > 1:
                names = ", ".join(sorted(hit.path.name for hit in best))
                detail = f"{names} could each be the band: give one scene at a time"
                raise SceneRejected(reason="ambiguous", detail=detail)
            return best[0]
    return None


def _completeness(found: Found) -> int:
    """Return how many required bands are there; -1 for none."""
    return sum(role in found.bands for role in found.descriptor.required) or -1


def _require(found: Found, looked_at: str) -> None:
    missing = [role for role in found.descriptor.required if role not in found.bands]
    if missing:
        detail = f"no band for {' and '.join(missing)}: {looked_at}"
        raise SceneRejected(reason="missing_band", detail=detail)


def _looked_for(files: list[Path]) -> str:
    rasters = [file.name for file in files if _is_raster(file)]
    if not rasters:
        detail = "the folder holds no .tif, .jp2 or .nc file"
        raise SceneRejected(reason="not_a_raster", detail=detail)
    shown = ", ".join(rasters[:8]) + (" ..." if len(rasters) > 8 else "")
    return f"the folder holds {shown}; names must contain B04 and B08, or red and nir"


def _files(folder: Path) -> list[Path]:
    files = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            files.append(file)
        if len(files) > _MOST_FILES:
            detail = f"{folder} holds more than {_MOST_FILES} files: give the folder of one scene"
            raise SceneRejected(reason="ambiguous", detail=detail)
    return files


def _is_raster(file: Path) -> bool:
    return file.suffix.lower() in {s for one in DESCRIPTORS for s in one.suffixes}


def _lone_raster(files: list[Path]) -> Path | None:
    rasters = [file for file in files if _is_raster(file)]
    return rasters[0] if len(rasters) == 1 else None


def _xml(files: list[Path]) -> tuple[Path, ...]:
    return tuple(file for file in files if file.name in _XML_NAMES)


def thinned(one: Band, most: int = 200) -> NDArray[np.float64]:
    """Read about ``most`` x ``most`` values of a band that are neither NaN, nodata nor 0."""
    height, width = min(most, one.grid.height), min(most, one.grid.width)
    with read_errors(one.path), opened(one.path) as dataset:
        values = dataset.read(one.index, out_shape=(height, width)).astype(np.float64).ravel()
    keep = np.isfinite(values) & (values != 0)
    measured: NDArray[np.float64] = values[keep & (values != one.nodata)]
    return measured
