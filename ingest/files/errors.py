"""The report of rows that were not taken: one line each, for a spreadsheet."""

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.files.piece import Fault

_HEADER = ("line", "column", "cell", "reason", "detail", "device", "channel")


class ErrorReport:
    """A CSV file of faults; going on with an import, those from its line on are dropped.

    Parameters
    ----------
    path : Path or None
        None keeps no report.
    line : int
        Where the import begins; the rows before it were reported by an earlier run.
    """

    def __init__(self, path: Path | None, line: int) -> None:
        self._path, self._line = path, line

    def __enter__(self) -> Self:
        if self._path is not None:
            kept = self._earlier()
            self._file = self._path.open("w", newline="", encoding="utf-8-sig")
            self._rows = csv.writer(self._file)
            self._rows.writerow(_HEADER)
            self._rows.writerows(kept)
        return self

    def _earlier(self) -> list[list[str]]:
        assert self._path is not None
        if not self._path.exists():
            return []
        with self._path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row and row[0].isdecimal()]
        return [row for row in rows if int(row[0]) < self._line]

    def add(self, faults: Iterable[Fault]) -> None:
        """Write faults, in order of their lines."""
        if self._path is not None:
            rows = sorted(faults)
            # a cell that a spreadsheet would take for a formula is shown as text
            self._rows.writerows((f.line, f.column, _plain(f.text), *f[3:]) for f in rows)
            self._file.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._path is not None:
            self._file.close()


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "@") else text
