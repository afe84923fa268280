"""Open raster files, one user at a time each, kept open between tiles.

A GDAL handle must not be used by two threads at once. The server draws tiles on up to 40
threads; a handle per thread, file and overview level would be thousands of them, so a tile
borrows one that is idle and gives it back. Handles are opened at one overview level: GDAL
then reads that level's blocks instead of choosing a level for every read.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from models.errors import Unavailable

Key = tuple[Path, int]
MOST_IDLE = 64


class Handles:
    """A pool of open files; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[int, tuple[Key, DatasetReader]] = OrderedDict()

    @contextmanager
    def borrow(self, path: Path, level: int = -1) -> Iterator[DatasetReader]:
        """Lend a handle of a file at an overview level (-1: full resolution).

        Raises
        ------
        Unavailable
            The file is not there or cannot be read. A handle that failed is not kept.
        """
        try:
            handle = self._take((path, level)) or _open(path, level)
            yield handle
        except (RasterioError, OSError) as broken:
            why = f"{path.name} cannot be read ({type(broken).__name__})"
            raise Unavailable(part="raster archive", why=why) from broken
        self._give_back((path, level), handle)

    def close(self) -> None:
        """Close every idle handle."""
        with self._lock:
            idle, self._idle = self._idle, OrderedDict()
        for _, handle in idle.values():
            handle.close()

    def _take(self, key: Key) -> DatasetReader | None:
        with self._lock:
            for number, (which, handle) in reversed(self._idle.items()):
                if which == key:
                    del self._idle[number]
                    return handle
        return None

    def _give_back(self, key: Key, handle: DatasetReader) -> None:
        with self._lock:
            self._idle[id(handle)] = (key, handle)
            spare = self._idle.popitem(last=False)[1][1] if len(self._idle) > MOST_IDLE else None
        if spare is not None:
            spare.close()


def _open(path: Path, level: int) -> DatasetReader:
    if level < 0:
        return rasterio.open(path, driver="GTiff")
    return rasterio.open(path, driver="GTiff", overview_level=level)
