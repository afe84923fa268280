"""Parquet in batches of rows; lines are row numbers from 1."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.files.piece import Piece, Place
from models.errors import Invalid

_BATCH = 100_000  # rows


class Parquet:
    """A Parquet file; `Place.offset` counts rows."""

    def __init__(self, path: Path, wanted: list[str]) -> None:
        self._path, self._wanted = path, wanted
        try:
            with pq.ParquetFile(path) as file:
                self.size = file.metadata.num_rows
                self.names = list(file.schema_arrow.names)
        except (pa.ArrowException, OSError) as problem:
            raise Invalid(why=f"{path.name} is not Parquet: {problem}") from None
        missing = [name for name in wanted if name not in self.names]
        if missing:
            have = ", ".join(self.names)[:300]
            raise Invalid(why=f"{path.name} has no column {', '.join(missing)}; it has {have}")
        self.start = Place(0, 1)

    def pieces(self, at: Place) -> Iterator[Piece]:
        """Give the rows from a place on; row groups before it are not read."""
        with pq.ParquetFile(self._path) as file:
            groups, skip, seen = [], at.offset, 0
            for number in range(file.num_row_groups):
                rows = file.metadata.row_group(number).num_rows
                if seen + rows > at.offset:
                    groups.append(number)
                else:
                    skip -= rows
                seen += rows
            row = at.offset - skip
            for batch in file.iter_batches(_BATCH, row_groups=groups, columns=self._wanted):
                begin = max(0, at.offset - row)
                row += batch.num_rows
                if begin < batch.num_rows:
                    yield _piece(batch.slice(begin), row)


def _piece(batch: pa.RecordBatch, end: int) -> Piece:
    columns = {name: _plain(batch.column(name)) for name in batch.schema.names}
    lines = np.arange(end - batch.num_rows + 1, end + 1, dtype=np.int64)
    return Piece(columns, lines, Place(end, end + 1))


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
