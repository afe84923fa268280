"""What each kind of source looks like: one TOML file in ``platforms/``, and one test.

A descriptor is data. It says by which names a layout carries its bands, what its numbers
mean and which mask it brings; `scene.open_scene` does the rest. To add a platform, write its
file and a test that opens a sample of it.

Roles are the words of indices and of STAC's common names: coastal, blue, green, yellow, red,
rededge1..3, nir, nir08 (narrow), nir09 (water vapour), swir1, swir2, thermal [K]; besides
them ready-made indices (ndvi, evi), the band of the mask, and one of saturation bits.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from re import Pattern
from typing import Any, Literal

import msgspec

from analytics.remote import masks
from analytics.remote.masks import Scheme

_FOLDER = Path(__file__).parent / "platforms"
# MSK_QUALIT_B04.jp2 and friends lie under QI_DATA of every SAFE product and hold no reflectance
_NOT_BANDS = r"(?:^|[/_\-])(?:MSK|QI_DATA|TCI|PVI|AOT|WVP|preview|thumbnail)"

_MOST_GROWN_M = 5000.0


class MaskRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which band is the mask, of which kind, and what its codes or bits mean.

    Attributes
    ----------
    kind : str
        ``scl`` and ``qa_pixel`` are known; ``alpha`` masks 0; for ``codes`` name those that
        are kept, for ``bits`` those that mask; ``none`` says that there is no mask.
    role : str
        Key of its band.
    grow_m : float
        Radius by which cloud and shadow are widened [m].
    """

    kind: Literal["scl", "qa_pixel", "alpha", "codes", "bits", "none"]
    role: str = "mask"
    keep: tuple[int, ...] = ()
    out: tuple[int, ...] = ()
    cloud: tuple[int, ...] = ()
    shadow: tuple[int, ...] = ()
    snow: tuple[int, ...] = ()
    water: tuple[int, ...] = ()
    grow_m: float = 0.0

    def __post_init__(self) -> None:
        """Check that codes fit a byte, bits a word, and the radius a scene."""
        most = 15 if self.kind == "bits" else 255
        listed = (*self.keep, *self.out, *self.cloud, *self.shadow, *self.snow, *self.water)
        if any(not 0 <= one <= most for one in listed):
            raise ValueError(f"{self.kind} of a mask are 0..{most}")
        if not 0 <= self.grow_m <= _MOST_GROWN_M:
            raise ValueError(f"grow_m is 0..{_MOST_GROWN_M:g}")

    def scheme(self) -> Scheme:
        """Return the table of marks."""
        ready = {"scl": masks.SCL, "qa_pixel": masks.QA_PIXEL, "alpha": masks.ALPHA}
        if self.kind in ready:
            return ready[self.kind]
        names = ("cloud", "shadow", "snow", "water")
        classes = {name: getattr(self, name) for name in names}
        told = ", ".join(f"{name} {_listed(of)}" for name, of in classes.items() if of)
        if self.kind == "codes":
            version = f"codes-1 (keeps {_listed(self.keep)}; {told or 'no classes'})"
            return masks.by_code(version, self.keep, classes)
        version = f"bits-1 (masks {_listed(self.out)}; {told or 'no classes'})"
        return masks.by_bit(version, self.out, classes)


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


class Saturation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A band whose bits tell which other bands are saturated (Landsat's QA_RADSAT)."""

    role: str
    bits: dict[str, int]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """How one kind of source names and scales its bands.

    Attributes
    ----------
    key : str
        Name of the layout, kept in the lineage.
    collection : str
        STAC collection the scene joins.
    suffixes : tuple of str
        File suffixes of the layout, lower case.
    bands : dict
        Role -> patterns of the file stem or band description, best first; a later one
        is used only when no earlier one is there.
    required : tuple of str
        Roles a scene cannot do without; they share one grid or nest in it.
    ignore : Pattern
        Files that look like bands and are not (quality vectors, previews).
    name : Pattern or None
        What the name of a file must look like to be of this platform.
    order : tuple of str
        Roles of the bands of one file without descriptions, for platforms with a fixed order.
    inside : bool
        Whether one file can hold the whole scene.
    pixels : tuple of float
        Finest and coarsest pixel [m] by which one file can be of this platform.
    quantification : float
        DN per unit of reflectance when the files do not say (Sentinel-2 L2A: 10000).
    offset : float or None
        DN added before scaling when neither metadata nor baseline say; None: unknown, 0 is
        taken and the lineage says so.
    scales : dict
        Role -> (scale, offset) where the platform fixes them: value = DN * scale + offset.
    radiometry : str or None
        Table of gains by sensor and year, for platforms that deliver radiance.
    empty : tuple of float
        DN that stand for no measurement.
    valid : dict
        Role -> lowest and highest DN that can be trusted.
    mask, saturation
        The bands that speak of others, when the layout can bring them.
    geographic : bool
        Whether a grid in degrees is taken, too.
    undated_at : datetime or None
        For a layout that may carry no acquisition time: the start of the mission, at which
        an undated scene is catalogued, behind every dated one. None: such a scene is refused.
    notes : tuple of str
        Facts about the layout that every lineage must repeat.
    """

    key: str
    collection: str
    title_zh: str
    title_en: str
    attribution: str
    suffixes: tuple[str, ...]
    bands: dict[str, tuple[Pattern[str], ...]]
    required: tuple[str, ...]
    ignore: Pattern[str]
    name: Pattern[str] | None = None
    order: tuple[str, ...] = ()
    inside: bool = False
    pixels: tuple[float, float] = (0.0, 1e9)
    quantification: float = 10_000
    offset: float | None = None
    scales: dict[str, tuple[float, float]] | None = None
    radiometry: str | None = None
    empty: tuple[float, ...] = (0.0, 65535.0)
    valid: dict[str, tuple[float, float]] | None = None
    mask: MaskRule | None = None
    saturation: Saturation | None = None
    geographic: bool = False
    undated_at: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def speaking_of_others(self) -> tuple[str, ...]:
        """Roles of bands that hold codes or bits, not measurements."""
        return tuple(one.role for one in (self.mask, self.saturation) if one is not None)


def _token(names: str) -> Pattern[str]:
    """Match one of the names ('B08|B8') as a whole word of a stem ('T51TXL_..._B04_10m')."""
    return re.compile(rf"(?:^|[_\-. ])(?:{names})(?=$|[_\-. ])", re.IGNORECASE)


def described(key: str, facts: Mapping[str, Any]) -> Descriptor:
    """Build a descriptor from the facts of its file; an unknown fact is an error."""
    said = {"ignore": _NOT_BANDS, **facts, "key": key}
    bands = {role: tuple(map(_token, names)) for role, names in said.pop("bands").items()}
    ignore, name = re.compile(said.pop("ignore"), re.I), said.pop("name", None)
    strange = said.keys() - set(Descriptor.__dataclass_fields__)
    if strange:
        raise ValueError(f"{key}: unknown {', '.join(sorted(strange))}")
    kinds = {"mask": MaskRule, "saturation": Saturation}
    for fact, kind in kinds.items():
        if fact in said:
            said[fact] = msgspec.convert(said[fact], kind)
    for fact in ("suffixes", "required", "order", "pixels", "empty", "notes"):
        if fact in said:
            said[fact] = tuple(said[fact])
    for fact in ("scales", "valid"):
        if fact in said:
            said[fact] = {role: tuple(pair) for role, pair in said[fact].items()}
    return Descriptor(bands=bands, ignore=ignore, name=re.compile(name) if name else None, **said)


@cache
def descriptors() -> dict[str, Descriptor]:
    """Return every platform by its key, the name of its file, in the order they are tried."""
    found = {
        path.stem: described(path.stem, tomllib.loads(path.read_text("utf-8")))
        for path in sorted(_FOLDER.glob("*.toml"))
    }
    # a platform that is told by its file names comes before those told by their bands alone
    generic = ("sentinel-2-netcdf-bands", "sentinel-2-band-files", "multiband-geotiff")
    named = [key for key, one in found.items() if one.name is not None]
    rest = [key for key in found if key not in generic and key not in named]
    return {key: found[key] for key in (*named, *generic, *rest)}
