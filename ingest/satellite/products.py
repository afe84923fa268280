"""The products made of a scene: their numbers, their display range, their names.

To add one, append a `Product` here; its formula lives in `analytics.remote.indices`.
"""

from dataclasses import dataclass

from analytics.remote.indices import INDICES, Index

# grows when the same scene would give other pixels than before
PIPELINE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Product:
    """One product: the index it holds and how it is shown.

    Attributes
    ----------
    low, high : float
        Values at the ends of the display codes 1 and 255.
    quantity : str
        Key of its zonal mean in the register of quantities.
    """

    key: str
    index: Index
    low: float
    high: float
    palette: str
    quantity: str
    title_zh: str
    title_en: str


# -0.2..1.0: water lies below 0, bare black soil at 0.1, closed maize at 0.9
NDVI = Product(
    "ndvi", INDICES["ndvi"], -0.2, 1.0, "ndvi", "ndvi", "植被指数 NDVI", "Vegetation index NDVI"
)
