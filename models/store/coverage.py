"""When and where products were seen: dates, layers over a place, extents."""

from dataclasses import dataclass
from datetime import date, datetime

from models.scene import Layer
from models.store.database import ReadTx
from models.store.places import Box
from models.store.scenes import read_layer

_SIDES = ("west", "south", "east", "north")


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which a product was seen.

    Attributes
    ----------
    n : int
        Layers of that day.
    clear_share, mean_share : float
        Share of valid pixels of the best layer and of all, 0..1.
    """

    day: date
    n: int
    clear_share: float
    mean_share: float


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a product was seen; `newest` is the id of its newest layer."""

    product: str
    bbox: Box
    min_zoom: int
    max_zoom: int
    newest: str


def dates(tx: ReadTx, product: str, bbox: Box | None = None, limit: int = 1000) -> list[Day]:
    """Return the days of a product in a box, newest first."""
    sides = dict(zip(_SIDES, bbox or (None,) * 4, strict=True))
    rows = tx.rows("coverage", "dates", product=product, limit=limit, **sides)
    return [Day(r.day, r.n, r.best, r.mean) for r in rows]


def covering(
    tx: ReadTx,
    product: str,
    bbox: Box,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 1000,
) -> list[Layer]:
    """Return the layers of a product that meet a box in [start, end), newest first."""
    sides = dict(zip(_SIDES, bbox, strict=True))
    span = {"start": start, "end": end, "limit": limit}
    return [
        read_layer(r) for r in tx.rows("coverage", "covering", product=product, **sides, **span)
    ]


def products(tx: ReadTx) -> list[Extent]:
    """Return the products that have layers, by key."""
    return [
        Extent(r.product, (r.west, r.south, r.east, r.north), r.min_zoom, r.max_zoom, r.newest)
        for r in tx.rows("coverage", "products")
    ]
