"""Columns of numbers: text as loggers write it, missing-value marks, decimal commas."""

import math
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Arrow's cast alone would also take "nan" and "inf"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
Mask = NDArray[np.bool_]


class Numbers(NamedTuple):
    """A column as numbers: where `missing` there is no reading, where `bad` no number."""

    value: NDArray[np.float64]
    missing: Mask
    bad: Mask


class Marks:
    """What stands for a missing value: texts, and numbers however they are written."""

    def __init__(self, marks: list[str | float]) -> None:
        texts = [mark.strip() for mark in marks if isinstance(mark, str)]
        numbers = [float(mark) for mark in marks if not isinstance(mark, str)]
        for text in texts:
            try:
                numbers.append(float(text))
            except ValueError:
                continue
        self._texts = pa.array(texts, pa.string())
        self._numbers = np.array([n for n in numbers if math.isfinite(n)])

    def among(self, column: pa.Array) -> Mask:
        """Mark the cells that are missing-value texts."""
        return mask(pc.is_in(column, value_set=self._texts))

    def within(self, value: NDArray[np.float64]) -> Mask:
        """Mark the values that are missing-value numbers."""
        return np.isin(value, self._numbers)


def mask(column: pa.Array) -> Mask:
    """Turn a column of booleans into an array; null is false."""
    found: Mask = pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False)
    return found


def text(column: pa.Array) -> pa.Array:
    """Return a column as text without blanks around it; null is empty."""
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    return pc.utf8_trim_whitespace(pc.fill_null(column, ""))


def numbers(column: pa.Array, marks: Marks, decimal: str = ".") -> Numbers:
    """Read a column of numbers; Parquet may hold numbers already."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _written(text(column), marks, decimal)
    if pa.types.is_boolean(column.type) or pa.types.is_nested(column.type):
        none = np.zeros(len(column), bool)
        return Numbers(np.full(len(column), np.nan), none, ~none)
    absent = mask(pc.is_null(column))
    value = _floats(pc.fill_null(pc.cast(column, pa.float64(), safe=False), math.nan))
    missing = absent | marks.within(value)
    return Numbers(value, missing, ~missing & ~np.isfinite(value))


def _written(cells: pa.Array, marks: Marks, decimal: str) -> Numbers:
    missing = marks.among(cells)
    if decimal != ".":
        cells = pc.replace_substring(cells, decimal, ".")
    wellformed = mask(pc.match_substring_regex(cells, _NUMBER)) & ~missing
    usable = pc.if_else(pa.array(wellformed), cells, pa.scalar(None, pa.string()))
    value = _floats(pc.fill_null(pc.cast(usable, pa.float64()), math.nan))
    missing |= wellformed & marks.within(value)
    return Numbers(value, missing, ~missing & ~np.isfinite(value))


def _floats(column: Any) -> NDArray[np.float64]:  # noqa: ANN401
    found: NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    return found
