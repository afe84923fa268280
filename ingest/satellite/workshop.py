"""A folder to make files in, on the file system of the archive, that leaves no trace."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

INCOMING = ".incoming"
_STALE_S = 86_400


@contextmanager
def workshop(archive: Path) -> Iterator[Path]:
    """Give a fresh folder; what is still in it at the end is removed."""
    incoming = archive / INCOMING
    sweep(incoming)
    incoming.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=incoming))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another scene is on its way in
            incoming.rmdir()


def sweep(incoming: Path) -> None:
    """Remove what a crash left behind more than a day ago; no scene takes that long."""
    if incoming.is_dir():
        for folder in incoming.iterdir():
            if folder.stat().st_mtime < time.time() - _STALE_S:
                shutil.rmtree(folder, ignore_errors=True)
