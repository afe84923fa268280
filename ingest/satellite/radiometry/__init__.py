"""Gains of radiance by sensor and year, as dated tables: one TOML file for each family."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.errors import SceneRejected

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Gains:
    """What turns the digital numbers of a sensor into radiance.

    Attributes
    ----------
    gains : tuple of float
        Radiance per DN [W m-2 sr-1 um-1], in the order of the bands.
    irradiance : tuple of float
        Solar irradiance outside the atmosphere [W m-2 um-1].
    year : int
        Year of the calibration.
    """

    gains: tuple[float, ...]
    irradiance: tuple[float, ...]
    year: int
    source: str


@cache
def _tables(family: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{family}.toml").read_text("utf-8"))


def gains(family: str, sensor: str, year: int) -> Gains:
    """Return the gains of a sensor in a year, or of the newest year before it.

    Raises
    ------
    SceneRejected
        The table does not know the sensor, or only years after it.
    """
    tables = _tables(family)
    table = tables.get(sensor, {})
    known = sorted(int(key) for key in table if key.isdigit())
    able = [one for one in known if one <= year]
    if not able:
        detail = (
            f"no gains of {sensor} for {year} (known: {known or 'none'}); state scale and offset "
            "of each band in a scene.json"
        )
        raise SceneRejected(reason="bad_metadata", detail=detail)
    newest = able[-1]
    return Gains(
        tuple(table[str(newest)]), tuple(table["irradiance"]), newest, str(tables["source"])
    )
