"""A dry run: what would become of readings, with nothing written."""

import numpy as np
from numpy.typing import NDArray

from models.store import imports
from models.store.database import ReadTx
from models.store.readings import DUPLICATE, REVISED, STORED

_PAGE = 20_000  # keys looked up at once
Seen = dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]  # datastream -> times, raw values


class Rehearsal:
    """Judges readings by what is stored, and by what came before them in the same file.

    It remembers the keys of the file, 16 bytes a reading, but looks at them only for pieces
    that reach back: a file in order of time is never compared with itself.
    """

    def __init__(self) -> None:
        self._pieces: list[Seen] = []
        self._newest: dict[int, int] = {}

    def judge(self, tx: ReadTx, block: NDArray[np.void]) -> NDArray[np.uint8]:
        """Return the outcome that each reading would have."""
        pages = [
            imports.judge(tx, block[begin : begin + _PAGE]) for begin in range(0, len(block), _PAGE)
        ]
        verdict = np.concatenate(pages) if pages else np.zeros(0, np.uint8)
        order = np.lexsort((block["phenomenon_time"], block["datastream_id"]))
        streams, first = np.unique(block["datastream_id"][order], return_index=True)
        piece: Seen = {}
        rows_of = np.split(order, first[1:])
        for stream, rows in zip(streams.tolist(), rows_of, strict=True):
            times, raws = block["phenomenon_time"][rows], block["raw"][rows]
            again = np.append(False, times[1:] == times[:-1])
            same = np.append(False, raws[1:] == raws[:-1])
            verdict[rows[again]] = np.where(same, DUPLICATE, REVISED)[again]
            if times[0] <= self._newest.get(stream, times[0] - 1):
                self._look_back(stream, times, raws, rows, verdict)
            self._newest[stream] = max(self._newest.get(stream, times[-1]), times[-1])
            piece[stream] = times.copy(), raws.copy()
        self._pieces.append(piece)
        return verdict

    def _look_back(
        self,
        stream: int,
        times: NDArray[np.int64],
        raws: NDArray[np.float64],
        rows: NDArray[np.intp],
        verdict: NDArray[np.uint8],
    ) -> None:
        """Compare readings with those of the earlier pieces."""
        for piece in self._pieces:
            known = piece.get(stream)
            if known is None or known[0][-1] < times[0]:
                continue
            place = np.searchsorted(known[0], times, side="right") - 1
            hit = (place >= 0) & (known[0][place] == times) & (verdict[rows] == STORED)
            same = known[1][place] == raws
            verdict[rows[hit]] = np.where(same, DUPLICATE, REVISED)[hit]
