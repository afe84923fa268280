"""The descriptor of one scene beside its files: ``scene.json``, ``descriptor.toml``, a STAC item.

It says what the files do not: the time, which band is what, what its numbers mean, which mask
there is. For platforms whose every delivery differs (Jilin-1, drones) it is the descriptor.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from ingest.satellite import item
from ingest.satellite.descriptors import MaskRule
from ingest.satellite.metadata import Metadata, Named, instant, number, read_text
from models.errors import SceneRejected

NAMES = ("scene.json", "descriptor.toml")
_ANGLES = ("sun_elevation", "sun_azimuth", "off_nadir", "azimuth", "incidence_angle")
_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BAND_FACTS = {"file", "band", "scale", "offset", "nodata", "valid"}


def beside(path: Path, *, items: bool = True) -> Metadata:
    """Read the descriptor of a folder, or of one file: its own first, then its folder's.

    Parameters
    ----------
    items : bool
        Whether a STAC item in the folder counts. Where a product brings its own metadata, the
        item that USGS lays beside it knows only some of its bands.

    Raises
    ------
    SceneRejected
        It is there and cannot be read.
    """
    if path.is_dir():
        candidates = [path / name for name in NAMES] + (item.candidates(path) if items else [])
    else:
        own = [path.with_name(f"{path.stem}.{end}") for end in ("scene.json", "json", "toml")]
        candidates = own + [path.parent / name for name in NAMES]
    found = next((one for one in candidates if one.is_file()), None)
    return Metadata() if found is None else read(found)


def read(path: Path) -> Metadata:
    """Read one descriptor or STAC item.

    Raises
    ------
    SceneRejected
        It cannot be read, or names a fact that is none.
    """
    text = read_text(path)
    try:
        said = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        said = {**said, **said.get("properties", {})}
        facts = _facts(said, path)
        if isinstance(said.get("assets"), dict):
            return item.with_assets(facts, said, path)
    except (ValueError, TypeError, AttributeError) as broken:
        detail = f"{path.name} cannot be read: {broken}"
        raise SceneRejected(reason="bad_metadata", detail=detail) from None
    return facts


def _facts(said: dict[str, Any], path: Path) -> Metadata:
    time = said.get("time") or said.get("datetime") or said.get("start_datetime")
    baseline = said.get("processing_baseline") or said.get("s2:processing_baseline")
    offset, offset_from = said.get("boa_add_offset"), path.name
    if offset is None and said.get("earthsearch:boa_offset_applied") is True:
        # the provider has already added it; its items state an offset of -0.1 all the same
        offset, offset_from = 0.0, f"boa_offset_applied of {path.name}"
    title = said.get("title", {})
    title = title if isinstance(title, dict) else {"en": str(title)}
    mask = said.get("mask")
    return Metadata(
        time=instant(_text(time)) if time else None,
        time_from=path.name if time else None,
        baseline=str(baseline) if baseline else None,
        offset=number(offset),
        offset_from=None if offset is None else offset_from,
        quantification=number(said.get("quantification")),
        bands=_bands(said.get("bands"), number(said.get("nodata"))),
        title_zh=_word(title.get("zh")),
        title_en=_word(title.get("en")),
        attribution=_word(said.get("attribution")),
        notes=tuple(str(note) for note in said.get("notes", ())) or None,
        platform=item.platform_of(said),
        collection=_collection(said.get("collection")),
        mask=None if mask is None else msgspec.convert(mask, MaskRule),
        angles=_angles(said),
    )


def _text(time: object) -> str:
    """TOML has times of its own; JSON has text."""
    return time.isoformat() if hasattr(time, "isoformat") else str(time)


def _bands(said: object, nodata: float | None) -> dict[str, Named] | None:
    """Read the bands by role: a file name, a band number, or a table of facts."""
    if not isinstance(said, dict):
        return None
    return {role: _named(one, nodata) for role, one in said.items()}


def _named(one: object, nodata: float | None) -> Named:
    if isinstance(one, int):
        return Named(index=one, nodata=nodata)
    if isinstance(one, str):
        return Named(file=one, nodata=nodata)
    if not isinstance(one, dict) or one.keys() - _BAND_FACTS:
        raise TypeError(f"a band is a file, a number, or has {sorted(_BAND_FACTS)}: not {one!r}")
    file, index, valid = one.get("file"), one.get("band", 1), one.get("valid")
    if not isinstance(index, int) or not isinstance(file, str | None):
        raise TypeError(f"a band has a file name and a number, not {file!r} and {index!r}")
    if valid is not None and not (isinstance(valid, list) and len(valid) == 2):
        raise TypeError(f"valid is the lowest and the highest value, not {valid!r}")
    low, high = (number(edge) for edge in valid or (None, None))
    return Named(
        file=file,
        index=index,
        scale=number(one.get("scale")),
        offset=number(one.get("offset")),
        nodata=number(one.get("nodata", nodata)),
        valid=None if low is None or high is None else (low, high),
    )


def _word(said: object) -> str | None:
    return None if said is None else str(said)[:500]


def _collection(said: object) -> str | None:
    """Read the name of a collection, which becomes part of the name of a folder."""
    if said is None:
        return None
    if not isinstance(said, str) or not _COLLECTION.fullmatch(said):
        raise TypeError(f"a collection is letters, digits, '.', '-', '_': not {said!r}")
    return said


def _angles(said: dict[str, Any]) -> dict[str, float] | None:
    """Sun and view angles by their names in STAC's view extension, with or without its prefix."""
    found = {name: said.get(f"view:{name}", said.get(name)) for name in _ANGLES}
    angles = {name: number(one) for name, one in found.items()}
    return {name: one for name, one in angles.items() if one is not None} or None
