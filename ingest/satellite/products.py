"""The products of the satellite archive: their numbers, their display range, their names.

To add an index, append a `Product` here; its formula lives in `analytics.remote.indices`.
Products without an index are derived from composites (`ingest.satellite.composite`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from analytics.remote import extent
from analytics.remote.digital import NUMBER_SCALE
from analytics.remote.indices import INDICES, Index
from models.errors import NotFound

# grows when the same scene would give other pixels than before
PIPELINE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Product:
    """One product: what it holds and how it is shown.

    Attributes
    ----------
    index : Index or None
        How it is computed from the bands of a scene; None: derived from composites.
    low, high : float
        Values at the ends of the display codes 1 and 255.
    quantity : str
        Key of its zonal mean in the register of quantities; empty: it makes no reading.
    scale : float
        Value per number of its int16 file.
    """

    key: str
    index: Index | None
    low: float
    high: float
    palette: str
    quantity: str
    title_zh: str
    title_en: str
    unit: str = "1"
    decimals: int = 2
    scale: float = NUMBER_SCALE

    @property
    def roles(self) -> tuple[str, ...]:
        """Bands that a scene must have."""
        return () if self.index is None else self.index.bands


def _index(key: str, low: float, high: float, palette: str, zh: str, en: str) -> Product:
    return Product(key, INDICES[key], low, high, palette, key, zh, en)


# -0.2..1.0: water lies below 0, bare black soil at 0.1, closed maize at 0.9
NDVI = _index("ndvi", -0.2, 1.0, "ndvi", "植被指数 NDVI", "Vegetation index NDVI")
_ALL = (
    NDVI,
    _index("evi2", -0.2, 1.0, "ndvi", "植被指数 EVI2", "Vegetation index EVI2"),
    # leaves of closed maize hold 0.4 and more, a drying canopy falls below 0
    _index("ndmi", -0.5, 0.7, "moisture", "水分指数 NDMI", "Moisture index NDMI"),
    # open water above 0, dense leaves at -0.8
    _index("ndwi", -0.9, 0.6, "water", "水体指数 NDWI", "Water index NDWI"),
    _index("evi", -0.2, 1.0, "ndvi", "植被指数 EVI", "Vegetation index EVI"),
    _index("savi", -0.2, 1.0, "ndvi", "土壤调节植被指数 SAVI", "Soil-adjusted index SAVI"),
    _index("mndwi", -0.9, 0.8, "water", "水体指数 MNDWI", "Water index MNDWI"),
    _index("ndre", -0.1, 0.8, "ndvi", "红边指数 NDRE", "Red edge index NDRE"),
    _index("gndvi", -0.2, 1.0, "ndvi", "绿波段指数 GNDVI", "Green index GNDVI"),
    _index("bsi", -0.6, 0.5, "soil", "裸土指数 BSI", "Bare soil index BSI"),
    # 1 or 0: the mean over a field is its share
    Product(
        "water",
        Index("water", ("green", "nir"), extent.water),
        *(0.0, 1.0, "water", "water_share", "水面（NDWI > 0）", "Open water (NDWI > 0)"),
    ),
    Product(
        "bare",
        Index("bare", ("blue", "red", "nir", "swir1"), extent.bare),
        *(0.0, 1.0, "soil", "bare_share", "裸地（BSI > 0）", "Bare ground (BSI > 0)"),
    ),
)
KINDS = {"dekad": ("旬合成", "ten-day composite"), "month": ("月合成", "monthly composite")}


def _composite(one: Product, kind: str) -> Product:
    zh, en = KINDS[kind]
    return replace(
        one,
        key=f"{one.key}_{kind}",
        index=None,
        title_zh=f"{one.title_zh} {zh}",
        title_en=f"{one.title_en}, {en}",
    )


def _derived(key: str, low: float, high: float, quantity: str, zh: str, en: str) -> Product:
    return Product(key, None, low, high, "ndvi", quantity, zh, en)


GROWTH = replace(
    _derived("growth", 1, 5, "", "长势等级", "Growth condition, grade"), decimals=0, scale=1.0
)
GROWTH_Z = replace(_derived("growth_z", -3, 3, "", "长势距平 z", "Growth, z"), scale=1e-3)
GROWTH_PERCENTILE = replace(
    _derived("growth_percentile", 0, 100, "", "长势百分位", "Growth, percentile"),
    unit="%",
    decimals=0,
    scale=1e-2,
)
GROWTH_LAST_YEAR = _derived(
    "growth_last_year", -0.3, 0.3, "", "长势与去年比较", "Growth against last year"
)
VCI = replace(
    _derived("vci", 0, 100, "vci", "植被状态指数 VCI", "Vegetation condition index VCI"),
    unit="%",
    decimals=0,
    scale=1e-2,
)
INDEX_KEYS = tuple(one.key for one in _ALL)
PRODUCTS: dict[str, Product] = {
    one.key: one
    for one in (
        *_ALL,
        *(_composite(one, kind) for one in _ALL for kind in KINDS),
        *(GROWTH, GROWTH_Z, GROWTH_PERCENTILE, GROWTH_LAST_YEAR, VCI),
    )
}
# what is made of every scene that has the bands
DEFAULT = ("ndvi", "evi2", "ndmi", "ndwi")


def products(keys: Iterable[str]) -> tuple[Product, ...]:
    """Look products up; the first is the one that a scene is judged by.

    Raises
    ------
    NotFound
        There is no such product.
    """
    try:
        return tuple(PRODUCTS[key] for key in dict.fromkeys(keys))
    except KeyError as missing:
        raise NotFound(noun="product", key=missing.args[0]) from None
