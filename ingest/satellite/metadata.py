"""What a scene says about itself: time, baseline, offset, from sidecar, XML, tags, names.

The offset of Sentinel-2 follows the processing baseline or the metadata, never the date:
a reprocessed scene of 2018 carries it, a scene of January 2022 may not.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.errors import SceneRejected

SIDECAR = "scene.json"
# ESA: from processing baseline 04.00 (25 January 2022) BOA_ADD_OFFSET = -1000
OFFSET_SINCE = (4, 0)
BASELINE_OFFSET = -1000.0
_LONGEST_TEXT = 4_000_000  # an MTD_MSIL2A.xml has about 60 kB

_PRODUCT = re.compile(r"S2[ABCD]_MSI(L\d[AC])_(\d{8}T\d{6})_N(\d{2})(\d{2})_")
_STAMP = re.compile(r"(?<!\d)(\d{8}T\d{6})(?!\d)")
_XML_TIMES = ("DATATAKE_SENSING_START", "PRODUCT_START_TIME", "SENSING_TIME")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Facts about a scene, each with the place it was read from (None: not said)."""

    time: datetime | None = None
    time_from: str | None = None
    baseline: str | None = None
    offset: float | None = None
    offset_from: str | None = None
    quantification: float | None = None
    level: str | None = None
    bands: dict[str, str | int] | None = None
    title_zh: str | None = None
    title_en: str | None = None
    attribution: str | None = None
    notes: tuple[str, ...] | None = None


def instant(text: str) -> datetime:
    """Parse an RFC 3339 time or a compact Sentinel stamp (which is UTC).

    Raises
    ------
    SceneRejected
        It is no time, or has no zone.
    """
    try:
        if _STAMP.fullmatch(text):
            return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise SceneRejected(reason="bad_time", detail=f"{text!r} is not a time") from None
    if parsed.tzinfo is None:
        detail = f"{text!r} has no zone; write 2024-06-01T02:35:51Z or +08:00"
        raise SceneRejected(reason="bad_time", detail=detail)
    return parsed.astimezone(UTC)


def offset_of_baseline(baseline: str) -> float:
    """DN offset of Sentinel-2 L2A by processing baseline: -1000 from 04.00, else 0."""
    numbers = re.fullmatch(r"N?(\d{2})\.?(\d{2})", baseline.strip())
    if numbers is None:
        detail = f"{baseline!r} is not a processing baseline such as 04.00"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    version = (int(numbers[1]), int(numbers[2]))
    return BASELINE_OFFSET if version >= OFFSET_SINCE else 0.0


def from_sidecar(folder: Path) -> Metadata:
    """Read ``scene.json`` beside the bands: our own keys, or a STAC item's properties.

    Raises
    ------
    SceneRejected
        It is not a JSON object, or a value in it cannot be used.
    """
    path = folder / SIDECAR
    if not path.is_file():
        return Metadata()
    try:
        said = json.loads(_text(path))
        said = {**said, **said.get("properties", {})}
        return _from_facts(said)
    except (ValueError, TypeError, AttributeError) as broken:
        detail = f"{SIDECAR} cannot be read: {broken}"
        raise SceneRejected(reason="bad_metadata", detail=detail) from None


def _from_facts(said: dict[str, Any]) -> Metadata:
    time = said.get("time") or said.get("datetime")
    baseline = said.get("processing_baseline") or said.get("s2:processing_baseline")
    offset = said.get("boa_add_offset")
    if offset is None and said.get("earthsearch:boa_offset_applied") is True:
        offset = 0.0  # the provider has already subtracted it
    title = said.get("title", {})
    title = title if isinstance(title, dict) else {"en": str(title)}
    return Metadata(
        time=instant(str(time)) if time else None,
        time_from=SIDECAR if time else None,
        baseline=str(baseline) if baseline else None,
        offset=None if offset is None else float(offset),
        offset_from=None if offset is None else SIDECAR,
        quantification=_number(said.get("quantification")),
        bands=said.get("bands") if isinstance(said.get("bands"), dict) else None,
        title_zh=title.get("zh"),
        title_en=title.get("en"),
        attribution=said.get("attribution"),
        notes=tuple(str(note) for note in said.get("notes", ())) or None,
    )


def from_xml(path: Path) -> Metadata:
    """Read the facts of an ``MTD_MSIL2A.xml`` (or L1C) by the names of its elements.

    The few elements are picked by name rather than parsed as a tree: the file comes from
    anywhere, and this cannot be made to expand entities.
    """
    text = _text(path)
    offsets = {float(v) for v in re.findall(r"<BOA_ADD_OFFSET[^>]*>\s*(-?\d+)\s*<", text)}
    if len(offsets) > 1:
        detail = f"{path.name} gives bands different offsets {sorted(offsets)}"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    time = next((t for t in (_element(text, name) for name in _XML_TIMES) if t), None)
    level = re.search(r"Level-(\d[AC])", _element(text, "PRODUCT_TYPE") or "")
    kind = re.search(r"L\d[AC]", path.name)
    return Metadata(
        time=instant(time) if time else None,
        time_from=path.name if time else None,
        baseline=_element(text, "PROCESSING_BASELINE"),
        offset=offsets.pop() if offsets else None,
        offset_from=f"BOA_ADD_OFFSET of {path.name}" if "<BOA_ADD_OFFSET" in text else None,
        quantification=_number(_element(text, "BOA_QUANTIFICATION_VALUE")),
        level=f"L{level[1]}" if level else (kind[0] if kind else None),
    )


def from_name(name: str) -> Metadata:
    """Read a Sentinel-2 product or granule name (sensing start, baseline, level)."""
    if product := _PRODUCT.search(name):
        level, stamp, major, minor = product.groups()
        return Metadata(instant(stamp), name, f"{major}.{minor}", level=level)
    stamps = _STAMP.findall(name)
    return Metadata(instant(stamps[0]), name) if stamps else Metadata()


def from_tags(tags: dict[str, str], where: str) -> Metadata:
    """Read TIFF or netCDF tags, whatever their case.

    TIFFTAG_DATETIME is left alone: it is when the file was written.
    """
    known = {key.lower().rpartition("#")[2]: value for key, value in tags.items()}
    times = ("acquisition_time", "sensing_time", "datetime", "time_coverage_start")
    time = next((known[key] for key in times if known.get(key)), None)
    offset = known.get("boa_add_offset")
    return Metadata(
        time=instant(time) if time else None,
        time_from=f"tags of {where}" if time else None,
        baseline=known.get("processing_baseline"),
        offset=_number(offset),
        offset_from=None if offset is None else f"tags of {where}",
    )


def first_said(*sources: Metadata) -> Metadata:
    """Merge: of each fact, the first source that says it (time with its origin, too)."""
    merged = {}
    for name in Metadata.__dataclass_fields__:
        said = (getattr(source, name) for source in sources)
        merged[name] = next((value for value in said if value is not None), None)
    return Metadata(**merged)


def _element(text: str, name: str) -> str | None:
    found = re.search(rf"<(?:\w+:)?{name}[^>]*>\s*([^<]+?)\s*<", text)
    return found[1] if found else None


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _text(path: Path) -> str:
    if path.stat().st_size > _LONGEST_TEXT:
        detail = f"{path.name} is larger than {_LONGEST_TEXT} bytes"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    return path.read_text(encoding="utf-8", errors="replace")
