"""What a scene says about itself: time, baseline, offset, from XML, tags, names.

The offset of Sentinel-2 follows the processing baseline or the metadata, never the date:
a reprocessed scene of 2018 carries it, a scene of January 2022 may not.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.satellite.descriptors import MaskRule
from ingest.satellite.plan import Grid
from models.errors import SceneRejected

# ESA: from processing baseline 04.00 (25 January 2022) BOA_ADD_OFFSET = -1000
OFFSET_SINCE = (4, 0)
BASELINE_OFFSET = -1000.0
_LONGEST_TEXT = 4_000_000  # an MTD_MSIL2A.xml has about 60 kB

_PRODUCT = re.compile(r"S2[ABCD]_MSI(L\d[AC])_(\d{8}T\d{6})_N(\d{2})(\d{2})_")
_LANDSAT = re.compile(r"L[COTEM]\d{2}_(L\d[A-Z]{2})_\d{6}_(\d{8})_")
_HLS = re.compile(r"HLS\.[SL]30\.T\w{5}\.(\d{7}T\d{6})\.")
_STAMP = re.compile(r"(?<!\d)(\d{8}T\d{6})(?!\d)")
# AppEEARS writes year and day of the year: MOD13Q1.061__250m_16_days_NDVI_doy2024161
_DAY_OF_YEAR = re.compile(r"(?:doy|\.A)(\d{4})(\d{3})(?=\D|0{6}|$)")
_XML_TIMES = ("DATATAKE_SENSING_START", "PRODUCT_START_TIME", "SENSING_TIME")


@dataclass(frozen=True, slots=True)
class Named:
    """A band as a descriptor of the scene names it, and what it says of its numbers.

    Attributes
    ----------
    file : str or None
        Name of its file, relative to the descriptor; None: the only raster there is.
    index : int
        Band number in the file, from 1.
    scale, offset : float or None
        reflectance = value * scale + offset; None: not said.
    valid : tuple of float or None
        Lowest and highest value that can be trusted.
    """

    file: str | None = None
    index: int = 1
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    valid: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Facts about a scene, each with the place it was read from (None: not said).

    Attributes
    ----------
    scales : dict or None
        Role -> (scale, offset): value = DN * scale + offset, which hold before all else.
    angles : dict or None
        Sun and view angles [degrees], by their STAC names.
    platform, sensor : str or None
        Key of a descriptor; sensor as tables of gains name it.
    """

    time: datetime | None = None
    time_from: str | None = None
    baseline: str | None = None
    offset: float | None = None
    offset_from: str | None = None
    quantification: float | None = None
    level: str | None = None
    bands: dict[str, Named] | None = None
    title_zh: str | None = None
    title_en: str | None = None
    attribution: str | None = None
    notes: tuple[str, ...] | None = None
    platform: str | None = None
    collection: str | None = None
    sensor: str | None = None
    mask: MaskRule | None = None
    scales: dict[str, tuple[float, float]] | None = None
    scales_from: str | None = None
    place: Grid | None = None
    angles: dict[str, float] | None = None


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


def from_xml(path: Path) -> Metadata:
    """Read the facts of an ``MTD_MSIL2A.xml`` (or L1C) by the names of its elements.

    The few elements are picked by name rather than parsed as a tree: the file comes from
    anywhere, and this cannot be made to expand entities.
    """
    text = read_text(path)
    offsets = {float(v) for v in re.findall(r"<BOA_ADD_OFFSET[^>]*>\s*(-?\d+)\s*<", text)}
    if len(offsets) > 1:
        detail = f"{path.name} gives bands different offsets {sorted(offsets)}"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    time = next((t for t in (element(text, name) for name in _XML_TIMES) if t), None)
    level = re.search(r"Level-(\d[AC])", element(text, "PRODUCT_TYPE") or "")
    kind = re.search(r"L\d[AC]", path.name)
    return Metadata(
        time=instant(time) if time else None,
        time_from=path.name if time else None,
        baseline=element(text, "PROCESSING_BASELINE"),
        offset=offsets.pop() if offsets else None,
        offset_from=f"BOA_ADD_OFFSET of {path.name}" if "<BOA_ADD_OFFSET" in text else None,
        quantification=number(element(text, "BOA_QUANTIFICATION_VALUE")),
        level=f"L{level[1]}" if level else (kind[0] if kind else None),
        angles=_sun(text),
    )


def _sun(text: str) -> dict[str, float] | None:
    """Read the mean angles of the sun, which stand in the granule's ``MTD_TL.xml``."""
    mean = re.search(r"<Mean_Sun_Angle>(.*?)</Mean_Sun_Angle>", text, re.DOTALL)
    zenith = number(element(mean[1], "ZENITH_ANGLE")) if mean else None
    azimuth = number(element(mean[1], "AZIMUTH_ANGLE")) if mean else None
    if zenith is None or azimuth is None:
        return None
    return {"sun_elevation": 90 - zenith, "sun_azimuth": azimuth}


def from_name(name: str) -> Metadata:
    """Read a product or granule name (sensing start, baseline, level).

    Raises
    ------
    SceneRejected
        It has the form of one, and a date that is none.
    """
    try:
        return _from_name(name)
    except ValueError:
        detail = f"the name {name} holds a date that is none"
        raise SceneRejected(reason="bad_time", detail=detail) from None


def _from_name(name: str) -> Metadata:
    if product := _PRODUCT.search(name):
        level, stamp, major, minor = product.groups()
        return Metadata(instant(stamp), name, f"{major}.{minor}", level=level)
    if landsat := _LANDSAT.search(name):
        # the day alone: its first moment in UTC is the same day in China
        day = datetime.strptime(landsat[2], "%Y%m%d").replace(tzinfo=UTC)
        return Metadata(day, f"{name} (day only)", level=landsat[1])
    if hls := _HLS.search(name):
        return Metadata(datetime.strptime(hls[1], "%Y%jT%H%M%S").replace(tzinfo=UTC), name)
    if doy := _DAY_OF_YEAR.search(name):
        return Metadata(datetime.strptime("".join(doy.groups()), "%Y%j").replace(tzinfo=UTC), name)
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
        offset=number(offset),
        offset_from=None if offset is None else f"tags of {where}",
    )


def first_said(*sources: Metadata) -> Metadata:
    """Merge: of each fact, the first source that says it (time with its origin, too)."""
    merged: dict[str, Any] = {}
    for name in Metadata.__dataclass_fields__:
        said = (getattr(source, name) for source in sources)
        merged[name] = next((value for value in said if value is not None), None)
    return Metadata(**merged)


def element(text: str, name: str) -> str | None:
    """Return the text of the first XML element of a name, whatever its namespace."""
    found = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>\s*([^<]+?)\s*<", text)
    return found[1] if found else None


def number(value: object) -> float | None:
    """Read a finite number, or None where there is none.

    Raises
    ------
    SceneRejected
        It is something else.
    """
    if value is None:
        return None
    try:
        found = float(str(value))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        detail = f"{str(value)[:60]!r} is not a number"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    return found


def read_text(path: Path) -> str:
    """Read a metadata file of bounded size.

    Raises
    ------
    SceneRejected
        It is larger than any metadata file.
    """
    if path.stat().st_size > _LONGEST_TEXT:
        detail = f"{path.name} is larger than {_LONGEST_TEXT} bytes"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    return path.read_text(encoding="utf-8", errors="replace")
