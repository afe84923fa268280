"""What a live tile shows: an index, a formula or three bands, its range and colours."""

import math
from dataclasses import dataclass

import numpy as np

from analytics.remote.indices import Index, index
from api.tiles.formula import Array, formula
from api.tiles.live import Expression
from api.tiles.palettes import RAMPS
from ingest.satellite.products import PRODUCTS
from models.errors import BadQuery
from models.scene import Layer

ROLES = (
    "coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08",
    "nir09", "swir1", "swir2", "thermal", "pan",
)  # fmt: skip
# bright bare soil reflects 0.3 of red, closed maize 0.5 of near infrared
_LOW, _HIGH = 0.0, 0.4
_PALETTE = "ndvi"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One expression in the colours of a palette, or three as red, green and blue."""

    expressions: tuple[Expression, ...]
    palette: str | None

    @property
    def facts(self) -> str:
        """All that its pixels depend on, as text."""
        parts = [f"{one.index.key} {one.low} {one.high}" for one in self.expressions]
        return f"{' '.join(parts)} {self.palette}"


def recipe(
    layer: Layer,
    *,
    index_key: str | None = None,
    expression: str | None = None,
    bands: str | None = None,
    rescale: str | None = None,
    colormap: str | None = None,
) -> Recipe:
    """Read what is asked for; without anything, the index of the layer.

    Raises
    ------
    BadQuery
        A part cannot be used, or two that exclude each other are given.
    """
    if sum(one is not None for one in (index_key, expression, bands)) > 1:
        raise BadQuery(option="expression", why="give one of index, expression and bands")
    ranges = _ranges(rescale)
    if bands is not None:
        return _three(bands, ranges, colormap)
    if colormap is not None and colormap not in RAMPS:
        raise BadQuery(option="colormap", why=f"it is one of {', '.join(RAMPS)}")
    if expression is not None:
        made, (low, high), palette = formula(expression, ROLES), (-1.0, 1.0), _PALETTE
    else:
        made, (low, high), palette = _index(layer, index_key or layer.product)
    if len(ranges) > 1:
        raise BadQuery(option="rescale", why="one index takes one range")
    low, high = ranges[0] if ranges else (low, high)
    return Recipe((Expression(made, low, high),), colormap or palette)


def _index(layer: Layer, key: str) -> tuple[Index, tuple[float, float], str]:
    """Return an index with its own range and colours; those of the layer if it is its own."""
    if key == layer.product or key not in PRODUCTS:
        return index(key), (layer.low, layer.high), layer.palette
    own = PRODUCTS[key]
    palette = own.palette if own.palette in RAMPS else _PALETTE
    return index(key), (own.low, own.high), palette


def _ranges(text: str | None) -> list[tuple[float, float]]:
    if text is None:
        return []
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    sound = all(math.isfinite(a) and math.isfinite(b) and 1e-6 <= b - a <= 1e6 for a, b in pairs)
    if len(numbers) not in (2, 6) or not sound:
        raise BadQuery(option="rescale", why="it takes low,high or three such pairs, low < high")
    return pairs


def _three(text: str, ranges: list[tuple[float, float]], colormap: str | None) -> Recipe:
    roles = text.split(",")
    if len(roles) != 3 or any(role not in ROLES for role in roles):
        raise BadQuery(option="bands", why=f"it takes three of {', '.join(ROLES)}")
    if colormap is not None:
        raise BadQuery(option="colormap", why="three bands are colours already")
    each = ranges * 3 if len(ranges) == 1 else ranges or [(_LOW, _HIGH)] * 3
    parts = zip(roles, each, strict=True)
    return Recipe(tuple(Expression(Index(r, (r,), itself), lo, hi) for r, (lo, hi) in parts), None)


def itself(values: Array) -> Array:
    """Return a band as it is."""
    return np.asarray(values, np.float32)
