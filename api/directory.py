"""The names of the regions, kept in memory: each answer quotes them, they hardly change."""

import threading
import time

from models.store import places
from models.store.database import ReadTx

_FRESH = 60.0  # s


class Directory:
    """Division code -> name, read again after a minute or when a code is not known."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._read = -_FRESH
        self._lock = threading.Lock()

    def name(self, tx: ReadTx, code: str) -> str:
        """Return the Chinese name of a region, its code when it has none."""
        found = self._names.get(code)
        if found is None or time.monotonic() - self._read > _FRESH:
            self._read_again(tx)
            found = self._names.get(code)
        return code if found is None else found

    def _read_again(self, tx: ReadTx) -> None:
        with self._lock:
            if time.monotonic() - self._read > 1.0:  # an unknown code reads once a second
                self._names = places.region_names(tx)
                self._read = time.monotonic()
