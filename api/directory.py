"""What hardly changes and each answer quotes, kept in memory: region names, datastreams."""

import threading
import time
from collections.abc import Sequence

from cachetools import TTLCache

from models.device import Datastream
from models.errors import NotFound
from models.store import devices, places
from models.store.database import ReadTx

_FRESH = 60.0  # s
_MOST_STREAMS = 100_000  # 30 MB

Placed = tuple[Datastream, str]


class Directory:
    """Names by division code, and datastreams with their county; a minute old at most."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._read = -_FRESH
        self._streams: TTLCache[int, Placed] = TTLCache(_MOST_STREAMS, _FRESH)
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

    def streams(self, tx: ReadTx, ids: Sequence[int]) -> list[Placed]:
        """Return datastreams with the code of their county, in id order.

        Raises
        ------
        NotFound
            One of them does not exist.
        """
        with self._lock:
            known = {i: self._streams[i] for i in ids if i in self._streams}
        missing = [i for i in ids if i not in known]
        if missing:
            counties = devices.regions_of(tx, missing)
            found = devices.datastreams(tx, ids=missing)
            known |= {stream.id: (stream, counties[stream.id]) for stream in found}
            with self._lock:
                self._streams.update({i: known[i] for i in missing if i in known})
        for i in ids:
            if i not in known:
                raise NotFound(noun="datastream", key=i)
        return [known[i] for i in sorted(known)]
