"""CSV in pieces of some megabytes, cut between rows; a row that does not fit is a fault."""

import csv as cells
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow

from ingest.files.mapping import Csv
from ingest.files.piece import Fault, Piece, Place
from models.errors import Invalid
from models.reading import Reason

_BLOCK = 2 << 20  # bytes read at once: some 50,000 short rows
_LONGEST = 64 << 20  # bytes without the end of a row: then it is no CSV, or a quote is open
_BOM = b"\xef\xbb\xbf"
_SHOWN = 200  # characters of a faulty row worth keeping


class Delimited:
    """A CSV file; `names` are its columns, in order."""

    def __init__(self, path: Path, form: Csv, wanted: list[str]) -> None:
        self._path, self._form = path, form
        self.size = path.stat().st_size
        self.names, self.start = _head(path, form)
        _check_names(path, self.names, wanted)
        self._include = {name: str(self.names.index(name)) for name in wanted}

    def pieces(self, at: Place) -> Iterator[Piece]:
        """Give the rows from a place on."""
        with self._path.open("rb") as file:
            file.seek(at.offset)
            rest = b""
            while block := self._whole_rows(file, rest):
                cut = self._cut(block, final=len(block) - len(rest) < _BLOCK)
                if cut == 0 and len(block) > _LONGEST:
                    why = f"line {at.line} of {self._path.name} has no end; is csv.quote right?"
                    raise Invalid(why=why)
                rest = block[cut:]
                if cut:
                    piece = self._read(block[:cut], at)
                    yield piece
                    at = piece.after

    def _whole_rows(self, file: BinaryIO, rest: bytes) -> bytes:
        """Read on until there is the end of a row, or of the file."""
        block = rest + file.read(_BLOCK)
        while len(block) < _LONGEST and not self._cut(block, final=False):
            more = file.read(_BLOCK)
            if not more:
                break
            block += more
        return block

    def _cut(self, block: bytes, *, final: bool) -> int:
        """Return the number of bytes up to the last end of a row."""
        if final:
            return len(block)
        if not self._spans(block):
            return block.rfind(b"\n") + 1
        ends = self._ends(np.frombuffer(block, np.uint8))
        return int(ends[-1]) + 1 if len(ends) else 0

    def _spans(self, block: bytes) -> bool:
        """Tell whether a row of the block may span lines."""
        return (
            self._form.multiline and bool(self._form.quote) and self._form.quote.encode() in block
        )

    def _ends(self, bytes_: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Find the line feeds that lie outside of quotes."""
        inside = np.cumsum(bytes_ == ord(self._form.quote)) % 2
        ends: NDArray[np.intp] = np.flatnonzero((bytes_ == 10) & (inside == 0))
        return ends

    def _read(self, block: bytes, at: Place) -> Piece:
        """Cut a block of whole rows into columns."""
        after = Place(at.offset + len(block), at.line + block.count(b"\n"))
        if b"\r" in block:  # pyarrow takes a lone carriage return for the end of a row
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b" ")
        if not block.endswith(b"\n"):
            block += b"\n"
        faults: list[Fault] = []
        block = self._decoded(block, at.line, faults)
        if self._form.quote and not self._form.multiline and self._form.quote.encode() in block:
            block = self._closed(block, at.line, faults)
        lines = self._lines(block, at.line)
        table, odd = self._table(block)
        expected = f"{len(self.names)} columns are expected"
        for number, text in odd:
            line = int(lines[number - 1])
            faults.append(Fault(line, "", text[:_SHOWN], Reason.WRONG_SHAPE, expected))
        kept = np.delete(lines, [number - 1 for number, _ in odd]) if odd else lines
        if len(kept) != table.num_rows:
            why = f"rows from line {at.line} of {self._path.name} cannot be told apart; csv.quote?"
            raise Invalid(why=why)
        columns = {name: table[place].combine_chunks() for name, place in self._include.items()}
        return Piece(columns, kept, after, faults)

    def _decoded(self, block: bytes, first: int, faults: list[Fault]) -> bytes:
        """Turn a block into UTF-8; a line that is not in the declared encoding is left out."""
        encoding = self._form.encoding
        try:
            text = block.decode(encoding)
        except UnicodeDecodeError:
            return b"\n".join(
                self._decoded_line(line, first + i, faults)
                for i, line in enumerate(block.split(b"\n"))
            )
        return block if encoding.lower() in ("utf-8", "utf8", "ascii") else text.encode()

    def _decoded_line(self, line: bytes, number: int, faults: list[Fault]) -> bytes:
        try:
            return line.decode(self._form.encoding).encode()
        except UnicodeDecodeError as error:
            detail = f"not {self._form.encoding} at byte {error.start} of the line"
            shown = line[:_SHOWN].decode("utf-8", "backslashreplace")
            faults.append(Fault(number, "", shown, Reason.UNREADABLE, detail))
            return b""

    def _closed(self, block: bytes, first: int, faults: list[Fault]) -> bytes:
        """Leave out lines whose quotation mark is not closed: it would swallow what follows."""
        quote = self._form.quote.encode()
        lines = block.split(b"\n")
        detail = "a quotation mark is not closed on its line (csv.multiline = true allows that)"
        for i, line in enumerate(lines):
            if line.count(quote) % 2:
                shown = line[:_SHOWN].decode("utf-8", "replace")
                faults.append(Fault(first + i, "", shown, Reason.WRONG_SHAPE, detail))
                lines[i] = b""
        return b"\n".join(lines)

    def _lines(self, block: bytes, first: int) -> NDArray[np.int64]:
        """Return the line at which each row of the block begins."""
        if not self._spans(block):
            return np.arange(first, first + block.count(b"\n"), dtype=np.int64)
        bytes_ = np.frombuffer(block, np.uint8)
        begins = np.append(0, self._ends(bytes_)[:-1] + 1)
        feeds = np.append(0, np.cumsum(bytes_ == 10))
        lines: NDArray[np.int64] = (first + feeds[begins]).astype(np.int64)
        return lines

    def _table(self, block: bytes) -> tuple[pa.Table, list[tuple[int, str]]]:
        odd: list[tuple[int, str]] = []

        def skip(row: arrow.InvalidRow) -> str:
            odd.append((row.number, row.text))
            return "skip"

        form, used = self._form, list(self._include.values())
        table = arrow.read_csv(
            pa.BufferReader(block),
            arrow.ReadOptions(
                column_names=[str(i) for i in range(len(self.names))],
                use_threads=False,  # else rows have no number
                block_size=len(block) + 1,
            ),
            arrow.ParseOptions(
                delimiter=form.delimiter,
                quote_char=form.quote or False,
                double_quote=bool(form.quote),
                newlines_in_values=form.multiline,
                ignore_empty_lines=False,  # else lines cannot be counted
                invalid_row_handler=skip,
            ),
            arrow.ConvertOptions(
                include_columns=used,
                column_types=dict.fromkeys(used, pa.string()),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
        return table, odd


def _head(path: Path, form: Csv) -> tuple[list[str], Place]:
    """Return the names of the columns and where the first row begins."""
    with path.open("rb") as file:
        offset = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
        file.seek(offset)
        for _ in range(form.skip):
            file.readline()
        line = form.skip + 1
        if form.columns:
            return form.columns, Place(file.tell(), line)
        header = file.readline(_LONGEST)
        try:
            text = header.decode(form.encoding).strip("\r\n")
        except UnicodeDecodeError:
            why = f"the header of {path.name} is not {form.encoding}; say csv.encoding"
            raise Invalid(why=why) from None
        return _names(text, form), Place(file.tell(), line + 1)


def _names(header: str, form: Csv) -> list[str]:
    if form.quote:
        reader = cells.reader([header], delimiter=form.delimiter, quotechar=form.quote)
    else:
        reader = cells.reader([header], delimiter=form.delimiter, quoting=cells.QUOTE_NONE)
    return [name.strip() for name in next(reader, [])]


def _check_names(path: Path, names: list[str], wanted: list[str]) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        have = ", ".join(names)[:300]
        raise Invalid(why=f"{path.name} has no column {', '.join(missing)}; it has {have}")
    if twice := [name for name in wanted if names.count(name) > 1]:
        raise Invalid(why=f"{path.name} has the column {', '.join(twice)} more than once")
