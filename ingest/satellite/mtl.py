"""Landsat's MTL.txt: nested groups of ``KEY = value``, read by group.

The same key stands in several groups: REFLECTANCE_MULT_BAND_5 is 2.75e-05 in
LEVEL2_SURFACE_REFLECTANCE_PARAMETERS and 2.0e-05 in LEVEL1_RADIOMETRIC_RESCALING. A parser
that keeps the last one found gives reflectances that look right and are not.
"""

import json
import re
from math import isfinite
from pathlib import Path

from ingest.satellite.metadata import Metadata, instant, read_text
from ingest.satellite.plan import Grid
from models.errors import SceneRejected

_LINE = re.compile(r"^\s*(\w+)\s*=\s*\"?(.*?)\"?\s*$")
# TM and ETM+ number their bands otherwise than OLI
_OLI = {
    "coastal": "BAND_1",
    "blue": "BAND_2",
    "green": "BAND_3",
    "red": "BAND_4",
    "nir": "BAND_5",
    "swir1": "BAND_6",
    "swir2": "BAND_7",
}
_TM = {
    "blue": "BAND_1",
    "green": "BAND_2",
    "red": "BAND_3",
    "nir": "BAND_4",
    "swir1": "BAND_5",
    "swir2": "BAND_7",
}
_ROLES = {f"LANDSAT_{n}": _OLI if n > 7 else _TM for n in (4, 5, 7, 8, 9)}
_REFLECTANCE = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"
_TEMPERATURE = "LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"
Groups = dict[str, dict[str, str]]


def groups(text: str) -> Groups:
    """Parse the text into group -> key -> value; keys keep to the innermost group.

    Raises
    ------
    ValueError
        Groups do not close as they opened, or the end is missing: the file is cut.
    """
    found: Groups = {}
    within: list[str] = []
    for line in text.splitlines():
        if line.strip() == "END":
            break
        if (parts := _LINE.match(line)) is None:
            continue
        key, value = parts.groups()
        if key == "GROUP":
            within.append(value)
        elif key == "END_GROUP":
            if not within or within.pop() != value:
                raise ValueError(f"group {value} ends where it did not begin")
        elif within:
            found.setdefault(within[-1], {})[key] = value
    if within:
        raise ValueError(f"group {within[-1]} has no end")
    return found


def _groups_of(path: Path) -> Groups:
    """Read the text form, or the JSON form that catalogues hand out."""
    text = read_text(path)
    if path.suffix != ".json":
        return groups(text)
    whole = json.loads(text)["LANDSAT_METADATA_FILE"]
    return {name: dict(facts) for name, facts in whole.items()}


def from_mtl(path: Path) -> Metadata:
    """Read time, level, scales, position and sun of a Landsat product.

    Raises
    ------
    SceneRejected
        The file is broken, or of another satellite.
    """
    try:
        said = _groups_of(path)
        image, contents = said["IMAGE_ATTRIBUTES"], said["PRODUCT_CONTENTS"]
        if image["SPACECRAFT_ID"] not in _ROLES:
            detail = f"{path.name} is of {image['SPACECRAFT_ID']}, which is not taken"
            raise SceneRejected(reason="wrong_level", detail=detail)
        return Metadata(
            time=instant(f"{image['DATE_ACQUIRED']}T{image['SCENE_CENTER_TIME']}"),
            time_from=path.name,
            level=contents["PROCESSING_LEVEL"],
            baseline=said.get("LEVEL2_PROCESSING_RECORD", {}).get("PROCESSING_SOFTWARE_VERSION"),
            scales=_scales(said, _ROLES[image["SPACECRAFT_ID"]]),
            scales_from=f"{_REFLECTANCE} of {path.name}",
            place=_place(said["PROJECTION_ATTRIBUTES"]),
            sensor=image["SPACECRAFT_ID"],
            angles={
                "sun_elevation": _finite(image["SUN_ELEVATION"]),
                "sun_azimuth": _finite(image["SUN_AZIMUTH"]),
            },
        )
    except (KeyError, ValueError, TypeError, AttributeError) as broken:
        detail = f"{path.name} cannot be read: {broken}"
        raise SceneRejected(reason="bad_metadata", detail=detail) from None


def _scales(said: Groups, roles: dict[str, str]) -> dict[str, tuple[float, float]] | None:
    reflectance, temperature = said.get(_REFLECTANCE), said.get(_TEMPERATURE, {})
    if reflectance is None:  # a Level-1 product; its level is refused in words
        return None
    scales = {
        role: (
            _finite(reflectance[f"REFLECTANCE_MULT_{n}"]),
            _finite(reflectance[f"REFLECTANCE_ADD_{n}"]),
        )
        for role, n in roles.items()
    }
    if any(key.startswith("TEMPERATURE_MULT_") for key in temperature):
        band = next(key for key in temperature if key.startswith("TEMPERATURE_MULT_"))
        mult, add = temperature[band], temperature[band.replace("MULT", "ADD")]
        scales["thermal"] = (_finite(mult), _finite(add))
    return scales


def _place(said: dict[str, str]) -> Grid | None:
    """Rebuild the grid: the corners are centres of the corner pixels, not their edges."""
    if said["MAP_PROJECTION"] != "UTM" or said["ORIENTATION"] != "NORTH_UP":
        return None
    side, x, y = (
        _finite(said[key])
        for key in (
            "GRID_CELL_SIZE_REFLECTIVE",
            "CORNER_UL_PROJECTION_X_PRODUCT",
            "CORNER_UL_PROJECTION_Y_PRODUCT",
        )
    )
    width, height, zone = (
        int(said[key]) for key in ("REFLECTIVE_SAMPLES", "REFLECTIVE_LINES", "UTM_ZONE")
    )
    if not (1 <= zone <= 60 and 0 < side <= 1000 and width > 0 and height > 0):
        raise ValueError(f"{width} x {height} pixels of {side:g} m in UTM zone {zone}")
    # USGS counts the southern hemisphere in northern zones, with negative northings
    grid = Grid(32600 + zone, x - side / 2, y + side / 2, side, side, width, height)
    if abs(x) > 2e6 or abs(y) > 1e7:
        raise ValueError(f"its corner lies at {x:g}, {y:g}, outside UTM zone {zone}")
    return grid


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value
