"""The products of the satellite archive: their numbers, their display range, their names.

To add an index, append a `Product` here; its formula lives in `analytics.remote.indices`.
Products without an index are derived from composites (`ingest.satellite.composite`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

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
        Key of its zonal mean in the register of quantities.
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
)
PRODUCTS: dict[str, Product] = {one.key: one for one in _ALL}
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
