"""Observations as an Arrow IPC stream and as Parquet, a slab at a time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from api import present
from api.series.slabs import Column, Slab
from models.device import Datastream
from models.quantity import QUANTITIES

if TYPE_CHECKING:
    import pyarrow as pa

_COUNTS = ("n", "n_good", "seq", "count")
_INSTANTS = ("time", "start", "received")


class Sink:
    """A file that hands over what was written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0
        self.closed = False

    def write(self, data: Any) -> int:  # noqa: ANN401
        """Take bytes, or any buffer of them."""
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        """Return how much was written in all."""
        return self._at

    def flush(self) -> None:
        """Do nothing: there is nothing to wait for."""

    def close(self) -> None:
        """Take note that no more comes."""
        self.closed = True

    def readable(self) -> bool:
        """Tell that it cannot be read."""
        return False

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def seekable(self) -> bool:
        """Tell that it only goes forward."""
        return False

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Columnar:
    """Rows as columns of fixed types; units and labels in the metadata of the schema.

    Parameters
    ----------
    parquet : bool
        Parquet; else an Arrow IPC stream.
    """

    def __init__(
        self, streams: Sequence[Datastream], series: Sequence[dict[str, Any]], *, parquet: bool
    ) -> None:
        self.parquet = parquet
        self.media_type = (
            "application/vnd.apache.parquet" if parquet else "application/vnd.apache.arrow.stream"
        )
        self._streams = streams
        self._series = series
        self._sink = Sink()
        self._writer: Any = None

    def head(self, columns: Sequence[str]) -> bytes:
        """Write what comes before the rows."""
        import pyarrow as pa

        units = {QUANTITIES[stream.quantity].unit for stream in self._streams}
        self._units = pa.array(sorted(units))
        self._quantities = pa.array(sorted({stream.quantity for stream in self._streams}))
        self._schema = self._schema_of(columns, units)
        if self.parquet:
            from pyarrow import parquet

            # 64-bit microseconds as they are: older encodings would round or shift them
            self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        else:
            self._writer = pa.ipc.new_stream(self._sink, self._schema)
        return self._sink.taken()

    def rows(self, slab: Slab) -> bytes:
        """Write the rows of a slab."""
        import pyarrow as pa

        n = len(slab)
        known = QUANTITIES[slab.stream.quantity]
        what = {
            "datastream": pa.array(np.full(n, slab.stream.id, np.int32)),
            "quantity": _same(self._quantities, known.key, n),
            "depth_cm": pa.array([slab.stream.depth_cm] * n, pa.float64()),
            "unit": _same(self._units, known.unit, n),
        }
        given = {name: self._array(name, column) for name, column in slab.columns.items()}
        arrays = [({**what, **given})[name] for name in self._schema.names]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        return self._sink.taken()

    def tail(self) -> bytes:
        """Write what comes after the rows."""
        self._writer.close()
        return self._sink.taken()

    def _schema_of(self, columns: Sequence[str], units: set[str]) -> "pa.Schema":
        import pyarrow as pa

        named = pa.dictionary(pa.int32(), pa.string())
        unit = {"unit": units.pop()} if len(units) == 1 else None
        fields = [
            pa.field("datastream", pa.int32(), nullable=False),
            pa.field("quantity", named, nullable=False),
            pa.field("depth_cm", pa.float64(), metadata={"unit": "cm"}),
            pa.field("unit", named, nullable=False),
        ]
        measured = ("value", "mean", "min", "max", "last", "sum")
        for name in columns:
            field = pa.field(name, _type(name))
            fields.append(field.with_metadata(unit) if unit and name in measured else field)
        told = {
            "heitu:series": msgspec.json.encode(self._series),
            "heitu:zone": "UTC; days and months are those of Asia/Shanghai",
        }
        return pa.schema(fields, metadata=told)

    def _array(self, name: str, column: Column) -> "pa.Array":
        import pyarrow as pa

        if name == "quality":
            return _flags(np.asarray(column))
        if name == "revisions":
            rows = [
                [{**of, "quality": present.flags(of["quality"])} for of in row] for row in column
            ]
            return pa.array(rows, _type(name))
        return pa.array(column, _type(name))


def _type(name: str) -> "pa.DataType":
    import pyarrow as pa

    instant = pa.timestamp("us", tz="UTC")
    if name in _INSTANTS:
        return instant
    if name in _COUNTS:
        return pa.int64()
    if name == "raw_unit":
        return pa.string()
    if name == "quality":
        return pa.list_(pa.string())
    if name == "revisions":
        replaced = {
            "value": pa.float64(),
            "raw": pa.float64(),
            "raw_unit": pa.string(),
            "received": instant,
            "quality": pa.list_(pa.string()),
            "superseded": instant,
            "by": pa.string(),
        }
        return pa.list_(pa.struct(list(replaced.items())))
    return pa.float64()


def _same(values: "pa.Array", value: str, n: int) -> "pa.Array":
    import pyarrow as pa

    at = values.to_pylist().index(value)
    return pa.DictionaryArray.from_arrays(pa.array(np.full(n, at, np.int32)), values)


def _flags(bits: "np.ndarray[Any, np.dtype[np.int16]]") -> "pa.Array":
    """Name the flags of each value; each combination is named once."""
    import pyarrow as pa

    found, place = np.unique(bits, return_inverse=True)
    named = pa.array([present.flags(int(k)) for k in found], pa.list_(pa.string()))
    return named.take(pa.array(place))
