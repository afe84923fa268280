"""What each kind of source looks like: one descriptor per layout, and one test.

A descriptor is data. It says by which names a layout carries its bands, what its numbers
mean and which mask it brings; `scene.open_scene` does the rest. To add a layout, append a
descriptor to `DESCRIPTORS` and a test that opens a sample of it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from re import Pattern


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
    ignore : Pattern
        Files that look like bands and are not (quality vectors, previews).
    quantification : float
        DN per unit of reflectance when the files do not say (Sentinel-2 L2A: 10000).
    offset : float or None
        DN added before scaling when neither metadata nor baseline say; None: unknown, 0 is
        taken and the lineage says so.
    mask : str or None
        Role of the classification band, when the layout can bring one.
    undated_at : datetime or None
        For a layout that may carry no acquisition time: the start of the mission, at which
        an undated scene is catalogued, behind every dated one. None: such a scene is refused.
    notes : tuple of str
        Facts about the layout that every lineage must repeat.
    """

    key: str
    collection: str
    suffixes: tuple[str, ...]
    bands: dict[str, tuple[Pattern[str], ...]]
    ignore: Pattern[str]
    quantification: float = 10_000
    offset: float | None = None
    mask: str | None = None
    undated_at: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Roles a scene cannot do without."""
        return tuple(role for role in self.bands if role != self.mask)


def _token(*names: str) -> Pattern[str]:
    """Match one of the names as a whole word of a file stem ('T51TXL_..._B04_10m')."""
    return re.compile(rf"(?:^|[_\-. ])(?:{'|'.join(names)})(?=$|[_\-. ])", re.IGNORECASE)


# MSK_QUALIT_B04.jp2 and friends lie under QI_DATA of every SAFE product and hold no reflectance
_NOT_BANDS = re.compile(r"(?:^|[/_\-])(?:MSK|QI_DATA|TCI|PVI|AOT|WVP|preview|thumbnail)", re.I)

SENTINEL2_NETCDF = Descriptor(
    key="sentinel-2-netcdf-bands",
    collection="sentinel-2-l2a",
    suffixes=(".nc",),
    bands={"red": (_token("red"), _token("B04")), "nir": (_token("nir"), _token("B08", "B07"))},
    ignore=_NOT_BANDS,
    offset=0.0,
    undated_at=datetime(2015, 6, 23, tzinfo=UTC),  # launch of Sentinel-2A (ESA)
    notes=("one netCDF variable per band, digital numbers as float64, no classification",),
)

SENTINEL2_FILES = Descriptor(
    key="sentinel-2-band-files",
    collection="sentinel-2-l2a",
    suffixes=(".tif", ".tiff", ".jp2"),
    bands={
        "red": (_token("B04"), _token("red")),
        # the 20 m folder of a SAFE has no B08; its narrow B8A is the next best NIR
        "nir": (_token("B08"), _token("nir", "nir08"), _token("B8A")),
        "scl": (_token("SCL"),),
    },
    ignore=_NOT_BANDS,
    mask="scl",
)

MULTIBAND_TIFF = Descriptor(
    key="multiband-geotiff",
    collection="sentinel-2-l2a",
    suffixes=(".tif", ".tiff"),
    bands={
        "red": (_token("B04", "B4"), _token("red")),
        "nir": (_token("B08", "B8"), _token("nir"), _token("B8A")),
        "scl": (_token("SCL"),),
    },
    ignore=re.compile(r"^LC0|^LE07", re.I),
    mask="scl",
)

# folders first by what they hold; a single file is always read by its band descriptions
DESCRIPTORS = (SENTINEL2_NETCDF, SENTINEL2_FILES)
