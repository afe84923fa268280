"""Rows to readings: whose they are, which datastream, in which unit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.files.clock import Twice
from ingest.files.instants import Instants, instants
from ingest.files.mapping import Mapping, Value
from ingest.files.numbers import Marks, numbers, text
from ingest.files.piece import Fault, Piece, Place
from models.device import Datastream, DeviceCatalogue
from models.reading import BLOCK, Reason
from models.units import conversion, number

_SHOWN = 200  # characters of a faulty cell worth keeping
_AHEAD_US = 10 * 60 * 1_000_000  # as for messages
Codes = NDArray[np.int32]


@dataclass(slots=True)
class Readings:
    """The readings of a piece, ready to store.

    Attributes
    ----------
    block : ndarray of BLOCK
        In canonical units, not calibrated yet.
    rows, missing : int
        Rows read, and cells that hold a missing-value mark.
    """

    block: NDArray[np.void]
    after: Place
    faults: list[Fault]
    rows: int
    missing: int


@dataclass(frozen=True, slots=True)
class _Cells:
    """One column of values: which of the mapping's values each row is (-1: none), and where."""

    column: str
    which: Codes


@dataclass(slots=True)
class Layout:
    """Places the rows of a file.

    Attributes
    ----------
    seen : Twice
        Series that were met in an hour that comes twice.
    devices : set of str
        Keys met so far.
    """

    mapping: Mapping
    catalogue: DeviceCatalogue
    received: int
    seen: Twice = field(default_factory=Twice)
    devices: set[str] = field(default_factory=set)

    def readings(self, piece: Piece) -> Readings:
        """Place a piece."""
        mapping, faults = self.mapping, piece.faults
        blank = self._blank(piece)
        keys, device = self._devices_of(piece)
        self.devices.update(keys)
        marks = Marks(mapping.missing)
        cells = [*self._cells(piece, blank, faults)]
        series = self._series(piece, keys, device)
        when = instants(piece.columns, mapping.time, series, self.seen, marks)
        self._out_of_time(when)
        when.bad[:] |= blank
        _add_row_faults(piece, when, blank, mapping, lambda row: keys[device[row]])
        parts, missing = [], 0
        for one in cells:
            block, absent = self._column(piece, one, keys, device, when, marks)
            parts.append(block)
            missing += absent
        rows = int(len(blank) - blank.sum())
        return Readings(np.concatenate(parts), piece.after, faults, rows, missing)

    def _blank(self, piece: Piece) -> NDArray[np.bool_]:
        """Mark rows in which every cell is empty: the tail of a spreadsheet, or a left-out line."""
        found = np.ones(len(piece.lines), bool)
        for column in piece.columns.values():
            if not found.any():
                break
            empty = pc.is_null(column)
            if pa.types.is_string(column.type):
                empty = pc.or_(empty, pc.equal(column, ""))
            found &= pc.fill_null(empty, fill_value=False).to_numpy(zero_copy_only=False)
        return found

    def _devices_of(self, piece: Piece) -> tuple[list[str], Codes]:
        """Return the device keys of a piece and each row's number among them."""
        told = self.mapping.device
        if told.key is not None:
            return [told.key], np.zeros(len(piece.lines), np.int32)
        assert told.column is not None
        names, codes = _numbered(piece.columns[told.column])
        return [told.named(name) for name in names], codes

    def _cells(self, piece: Piece, blank: NDArray[np.bool_], faults: list[Fault]) -> list[_Cells]:
        values, rows = self.mapping.value, len(piece.lines)
        long = self.mapping.long
        if long is None:
            return [
                _Cells(value.column or "", np.full(rows, i, np.int32))
                for i, value in enumerate(values)
            ]
        names, codes = _numbered(piece.columns[long.channel])
        known = {value.name: i for i, value in enumerate(values)}
        which = np.array([known.get(n, -2 if n in self.mapping.ignore else -1) for n in names])
        of_row = which.astype(np.int32)[codes] if len(names) else np.zeros(rows, np.int32)
        for row in np.flatnonzero((of_row == -1) & ~blank).tolist():
            name = names[codes[row]]
            detail = f"the mapping has no value named {name[:80]!r}"
            at = int(piece.lines[row])
            faults.append(Fault(at, long.channel, name[:_SHOWN], Reason.UNKNOWN_QUANTITY, detail))
        return [_Cells(long.value, of_row)]

    def _series(self, piece: Piece, keys: list[str], device: Codes) -> list[str] | None:
        if self.mapping.time.ambiguous != "order":
            return None
        if self.mapping.long is None:
            return None if len(keys) == 1 else [keys[code] for code in device.tolist()]
        channels = text(piece.columns[self.mapping.long.channel]).to_pylist()
        return [f"{keys[d]} {c}" for d, c in zip(device.tolist(), channels, strict=True)]

    def _out_of_time(self, when: Instants) -> None:
        """Refuse instants before the earliest that was declared, and after now."""
        earliest = self.mapping.time.earliest
        first = int(np.datetime64(earliest, "us").astype(np.int64))
        detail = f"before {earliest} (time.earliest)"
        when.refuse(when.time < first, Reason.IMPOSSIBLE_TIME, detail)
        ahead = when.time > self.received + _AHEAD_US
        when.refuse(ahead, Reason.IMPOSSIBLE_TIME, "the time lies ahead of now")

    def _column(
        self,
        piece: Piece,
        cells: _Cells,
        keys: list[str],
        device: Codes,
        when: Instants,
        marks: Marks,
    ) -> tuple[NDArray[np.void], int]:
        """Place one column of values."""
        column = piece.columns[cells.column]
        value, missing, bad = numbers(column, marks, self.mapping.csv.decimal)
        usable = ~when.bad & (cells.which >= 0)
        absent = int((missing & usable).sum())
        usable &= ~missing
        for row in np.flatnonzero(bad & usable).tolist():
            shown = str(column[row].as_py())[:_SHOWN]
            why = f"{shown[:60]!r} is not a number"
            whose = keys[device[row]], self.mapping.value[cells.which[row]].channel
            at = int(piece.lines[row])
            piece.faults.append(Fault(at, cells.column, shown, Reason.NOT_A_NUMBER, why, *whose))
        usable &= ~bad
        table = self._table(keys, np.unique(cells.which[usable]).tolist())
        target = table[np.maximum(cells.which, 0), device]
        for row in np.flatnonzero(usable & (target["stream"] < 0)).tolist():
            wanted = self.mapping.value[cells.which[row]]
            key, at = keys[device[row]], int(piece.lines[row])
            reason, why = self._unplaced(key, wanted)
            piece.faults.append(Fault(at, cells.column, "", reason, why, key, wanted.channel))
        usable &= target["stream"] >= 0
        return _block(value[usable], when.time[usable], target[usable], self.received), absent

    def _table(self, keys: list[str], values: Sequence[int]) -> NDArray[np.void]:
        """Tabulate the datastream and conversion of each value (first axis) of each device."""
        table = np.zeros((len(self.mapping.value), max(1, len(keys))), _TARGET)
        table["stream"] = -1
        for i in values:
            value = self.mapping.value[i]
            factor, offset = conversion(value.unit, value.quantity)
            table["factor"][i], table["offset"][i] = factor, offset
            table["unit"][i] = number(value.unit)
            for j, key in enumerate(keys):
                stream = self.stream(key, value)
                if stream is not None and _fits(stream, value):
                    table["stream"][i, j] = stream.id
        return table

    def stream(self, key: str, value: Value) -> Datastream | None:
        """Return the datastream of that name, or None."""
        device = self.catalogue.devices.get(key)
        return self.catalogue.streams.get(device, {}).get(value.channel) if device else None

    def _unplaced(self, key: str, value: Value) -> tuple[Reason, str]:
        if key not in self.catalogue.devices:
            return Reason.UNKNOWN_DEVICE, f"no device {key[:80]!r} is registered"
        stream = self.stream(key, value)
        if stream is None:
            return Reason.UNKNOWN_QUANTITY, f"the device has no channel {value.channel!r}"
        have = f"{stream.quantity} at {stream.depth_cm or 0:g} cm"
        want = f"{value.quantity} at {value.depth_cm or 0:g} cm"
        return Reason.UNKNOWN_QUANTITY, f"channel {value.channel!r} measures {have}, not {want}"


_TARGET = np.dtype(
    [("stream", np.int32), ("factor", np.float64), ("offset", np.float64), ("unit", np.int16)]
)


def _fits(stream: Datastream, value: Value) -> bool:
    return stream.quantity == value.quantity and value.depth_cm in (None, stream.depth_cm)


def _numbered(column: Any) -> tuple[list[str], Codes]:  # noqa: ANN401
    """Return the different texts of a column and each row's number among them."""
    coded = text(column).dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False)


def _block(
    value: NDArray[np.float64], time: NDArray[np.int64], target: NDArray[np.void], received: int
) -> NDArray[np.void]:
    block = np.zeros(len(value), BLOCK)
    block["datastream_id"] = target["stream"]
    block["phenomenon_time"] = time
    block["value"] = value * target["factor"] + target["offset"]
    block["raw"] = value
    block["received"] = received
    block["unit"] = target["unit"]
    return block


def _add_row_faults(
    piece: Piece,
    when: Instants,
    blank: NDArray[np.bool_],
    mapping: Mapping,
    whose: Callable[[int], str],
) -> None:
    """Report rows without a usable time."""
    names = mapping.time.columns or list(mapping.time.parts.values())
    for row, (reason, detail) in when.why.items():
        if blank[row]:
            continue
        shown = " ".join(str(piece.columns[name][row].as_py()) for name in names)[:_SHOWN]
        at = int(piece.lines[row])
        piece.faults.append(Fault(at, names[0], shown, reason, detail, whose(row)))
