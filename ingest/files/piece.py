"""A piece of a file: some rows as columns of text or numbers, with their line numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.reading import Reason


class Fault(NamedTuple):
    """What is wrong with a row, or with one of its cells (``column`` empty: the whole row).

    Attributes
    ----------
    device, channel : str
        Whose reading it would have been, as far as that is known.
    """

    line: int
    column: str
    text: str
    reason: Reason
    detail: str
    device: str = ""
    channel: str = ""


class Place(NamedTuple):
    """Where in a file to go on: its byte or row, and the number of the line there."""

    offset: int
    line: int


@dataclass(slots=True)
class Piece:
    """Rows as they stand in the file.

    Attributes
    ----------
    columns : dict
        Column name -> pyarrow array; text from CSV, whatever was stored from Parquet.
    lines : ndarray of int64
        Line (CSV) or row (Parquet) of each, from 1.
    after : Place
        Where the next piece begins.
    """

    columns: dict[str, Any]
    lines: NDArray[np.int64]
    after: Place
    faults: list[Fault] = field(default_factory=list)


class File(Protocol):
    """A file of rows."""

    size: int  # bytes or rows, as `Place.offset` counts them
    names: list[str]
    start: Place

    def pieces(self, at: Place) -> Iterator[Piece]:
        """Give the rows from a place on, piece by piece."""
