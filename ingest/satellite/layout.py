"""Find the bands of a scene among the files of a folder, or inside one file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from re import Pattern

from ingest.satellite import gaofen, sidecar
from ingest.satellite.bands import Band, band, opened
from ingest.satellite.descriptors import Descriptor, descriptors
from ingest.satellite.metadata import Metadata, Named, first_said
from ingest.satellite.mtl import from_mtl
from ingest.satellite.plan import Grid
from models.errors import SceneRejected

# a SAFE product holds about 130 files; a folder of thousands is not a scene
_MOST_FILES = 5000
_XML_NAMES = ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml", "MTD_TL.xml")  # best first
_MTL = ("_MTL.txt", "_MTL.json")
_LEVEL_1 = re.compile(r"_L1(?:TP|GT|GS)_")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz")


@dataclass(frozen=True, slots=True)
class Found:
    """The layout recognised, its bands by role, and what stands beside them.

    Attributes
    ----------
    bands : dict
        Role -> band, those of masks included.
    beside : Metadata
        What the descriptor of the scene and the MTL say.
    notes : tuple of str
        Bands that were there and are not used, and why.
    """

    path: Path
    folder: Path
    descriptor: Descriptor
    bands: dict[str, Band]
    xml: tuple[Path, ...]
    beside: Metadata
    notes: tuple[str, ...] = ()


def find(path: Path) -> Found:
    """Recognise the layout at a path.

    Raises
    ------
    SceneRejected
        Nothing there, no raster, a band missing, or more than one scene.
    """
    if not path.exists():
        raise SceneRejected(reason="not_found", detail=f"there is nothing at {path}")
    if path.name in _XML_NAMES[:2] or path.name.endswith(_MTL) or path.name in sidecar.NAMES:
        path = path.parent
    if path.is_file() and path.suffix == ".json":
        return _as_named(path.parent, sidecar.read(path), _files(path.parent))
    if path.is_file():
        return _inside(path)
    files = _files(path)
    own = bool(_xml(files)) or any(file.name.endswith(_MTL) for file in files)
    beside = sidecar.beside(path, items=not own)
    if beside.bands:
        return _as_named(path, beside, files)
    best = max((_by_names(path, one, files, beside) for one in _layouts()), key=_completeness)
    if _completeness(best) < 0 and (lone := _lone_raster(files)):
        return _inside(lone)
    _require(best, _looked_for(files))
    return best


def _layouts() -> list[Descriptor]:
    """Return the descriptors of folders; one file is read by its band descriptions."""
    return [one for one in descriptors().values() if one.required and one.key != _INSIDE]


_INSIDE = "multiband-geotiff"


def _inside(path: Path) -> Found:
    """Find the bands of one file: by its descriptor, its name, or its band descriptions."""
    if path.suffix.lower() in _ARCHIVES:
        detail = f"{path.name} is an archive: it is unpacked before it is opened"
        raise SceneRejected(reason="not_a_raster", detail=detail)
    inside = _look(path)
    beside = sidecar.beside(path)
    named = {role: one for role, one in (beside.bands or {}).items() if one.file is None}
    if named:
        platform = _platform(beside, _INSIDE)
        bands = {role: _stated(path, one, platform) for role, one in named.items()}
    else:
        platform, numbers = _recognised(path, inside)
        bands = {role: _band(path, n, platform, role, None) for role, n in numbers.items()}
    if platform.radiometry is not None:
        beside = first_said(beside, gaofen.beside(path))
    found = Found(path, path.parent, platform, bands, (), beside)
    what = ", ".join(repr(text) for text in inside.descriptions)
    _require(found, f"{path.name} has the band descriptions {what}")
    return found


@dataclass(frozen=True, slots=True)
class Inside:
    """What the header of one file tells of its bands."""

    descriptions: list[str]
    colours: tuple[str, ...]
    pixel_m: float


def _look(path: Path) -> Inside:
    with opened(path) as dataset:
        descriptions = [text or "" for text in dataset.descriptions]
        colours = tuple(one.name for one in dataset.colorinterp)
        degrees = dataset.crs is not None and dataset.crs.is_geographic
        side = abs(dataset.transform.e) * (111_320 if degrees else 1)
    return Inside(descriptions, colours, side)


def _recognised(path: Path, inside: Inside) -> tuple[Descriptor, dict[str, int]]:
    """Tell the platform of one file, and the number of each band by role.

    The name of the file tells platforms that have a fixed order of bands; otherwise the first
    whose required bands are there, at a pixel size it can have.
    """
    ready = [one for one in descriptors().values() if one.inside]
    for one in ready:
        if one.name and one.name.search(path.name) and len(one.order) == len(inside.descriptions):
            return one, {role: n for n, role in enumerate(one.order, 1)}
    # SR_B4 is near infrared on Landsat 5 and red on Landsat 8: only the name can tell
    able = [
        one
        for one in ready
        if one.pixels[0] <= inside.pixel_m <= one.pixels[1]
        and (one.name is None or one.name.search(path.name))
    ]
    for one in able:
        numbers = _by_descriptions(one, inside.descriptions)
        if one.order and not one.name and inside.colours[: len(one.order)] == one.order:
            numbers = {role: n for n, role in enumerate(one.order, 1)}
        if numbers and all(role in numbers for role in one.required):
            if one.mask and one.mask.kind == "alpha" and "alpha" in inside.colours:
                numbers[one.mask.role] = inside.colours.index("alpha") + 1
            return one, numbers
    usual = descriptors()[_INSIDE]
    return usual, _by_descriptions(usual, inside.descriptions)


def _by_descriptions(one: Descriptor, descriptions: list[str]) -> dict[str, int]:
    numbers = {}
    for role, patterns in one.bands.items():
        for pattern in patterns:
            hits = [i for i, text in enumerate(descriptions, 1) if pattern.search(text)]
            if hits:
                numbers[role] = hits[0]
                break
    return numbers


def _platform(beside: Metadata, otherwise: str) -> Descriptor:
    """Return the descriptor that a scene names, with the collection and mask of its own."""
    found = descriptors()[beside.platform or otherwise]
    if beside.mask is not None:
        found = replace(found, mask=None if beside.mask.kind == "none" else beside.mask)
    if beside.collection and not found.required:
        found = replace(found, collection=beside.collection)
    return found


def _as_named(folder: Path, beside: Metadata, files: list[Path]) -> Found:
    """Take the bands that the descriptor names, by file or by number in the only file."""
    named = beside.bands or {}
    if all(one.file is None for one in named.values()):
        lone = _lone_raster(files)
        if lone is None:
            detail = "scene.json numbers its bands, but the folder holds more than one raster"
            raise SceneRejected(reason="ambiguous", detail=detail)
        return _inside(lone)
    here = {file.relative_to(folder).as_posix(): file for file in files}
    absent = sorted(str(one.file) for one in named.values() if one.file not in here)
    if absent:
        detail = f"scene.json names {', '.join(absent)}, which the folder does not hold"
        raise SceneRejected(reason="missing_band", detail=detail)
    netcdf = any(str(one.file).endswith(".nc") for one in named.values())
    otherwise = "sentinel-2-netcdf-bands" if netcdf else "sentinel-2-band-files"
    platform = _platform(beside, otherwise)
    bands = {role: _stated(here[str(one.file)], one, platform) for role, one in named.items()}
    found = Found(folder, folder, platform, bands, _xml(files), beside)
    _require(found, "scene.json names " + ", ".join(named))
    return found


def _stated(path: Path, one: Named, platform: Descriptor) -> Band:
    """Open a band and lay over it what the descriptor of the scene says of its numbers."""
    found = band(path, one.index, geographic=platform.geographic)
    said = {"nodata": one.nodata, "valid": one.valid, "scale": one.scale, "offset": one.offset}
    told = {key: value for key, value in said.items() if value is not None}
    stated = one.scale is not None and one.offset is not None
    return replace(found, empty=platform.empty, stated=stated, **told)  # type: ignore[arg-type]


def _band(path: Path, index: int, platform: Descriptor, role: str, place: Grid | None) -> Band:
    found = band(path, index, place=place, geographic=platform.geographic)
    return replace(found, empty=platform.empty, valid=(platform.valid or {}).get(role))


def _by_names(folder: Path, platform: Descriptor, files: list[Path], beside: Metadata) -> Found:
    candidates = [
        file
        for file in files
        if file.suffix.lower() in platform.suffixes
        and not platform.ignore.search(file.relative_to(folder).as_posix())
        and (platform.name is None or platform.name.search(file.name))
    ]
    mtl = next((file for end in _MTL for file in files if file.name.endswith(end)), None)
    if mtl is not None and platform.name is not None and candidates:
        beside = first_said(beside, from_mtl(mtl))
    bands, notes = {}, []
    for role, patterns in platform.bands.items():
        hits = _best(candidates, patterns, platform, role, beside.place)
        if len(hits) == 1:
            bands[role] = hits[0]
        elif hits:
            names = ", ".join(sorted(hit.path.name for hit in hits))
            if role in platform.required:
                detail = f"{names} could each be the band: give one scene at a time"
                raise SceneRejected(reason="ambiguous", detail=detail)
            notes.append(f"no {role}: {names} could each be it")
    return Found(folder, folder, platform, bands, _xml(files), beside, tuple(notes))


def _best(
    files: list[Path],
    patterns: Iterable[Pattern[str]],
    platform: Descriptor,
    role: str,
    place: Grid | None,
) -> list[Band]:
    """Return the finest bands among the files of the first pattern that any matches."""
    for pattern in patterns:
        if hits := [
            _band(file, 1, platform, role, place) for file in files if pattern.search(file.stem)
        ]:
            finest = min(hit.grid.dx for hit in hits)
            return [hit for hit in hits if hit.grid.dx == finest]
    return []


def _completeness(found: Found) -> int:
    """Return how many required bands are there; -1 for none."""
    return sum(role in found.bands for role in found.descriptor.required) or -1


def _require(found: Found, looked_at: str) -> None:
    missing = [role for role in found.descriptor.required if role not in found.bands]
    if missing or not found.bands:
        needed = " and ".join(missing) or "any role"
        detail = f"no band for {needed}: {looked_at}"
        raise SceneRejected(reason="missing_band", detail=detail)


def _looked_for(files: list[Path]) -> str:
    rasters = [file.name for file in files if _is_raster(file)]
    if not rasters:
        detail = "the folder holds no .tif, .jp2 or .nc file"
        raise SceneRejected(reason="not_a_raster", detail=detail)
    if any(_LEVEL_1.search(name) for name in rasters):
        detail = "this is Landsat Level-1 (top of the atmosphere); Heitu takes Level-2 (L2SP, L2SR)"
        raise SceneRejected(reason="wrong_level", detail=detail)
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
    return file.suffix.lower() in {s for one in descriptors().values() for s in one.suffixes}


def _lone_raster(files: list[Path]) -> Path | None:
    rasters = [file for file in files if _is_raster(file)]
    return rasters[0] if len(rasters) == 1 else None


def _xml(files: list[Path]) -> tuple[Path, ...]:
    return tuple(file for name in _XML_NAMES for file in files if file.name == name)
