"""One running stack per data folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from models.errors import StartFailed


class FolderLock:
    """Holds the data folder while the stack runs; the kernel lets go when we die.

    Raises
    ------
    StartFailed
        On entering: the folder is held by another stack, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = (self.folder / "lock").open("a+")
        except OSError as problem:
            why = f"{self.folder} is not writable ({problem.strerror}): set HEITU_DATA"
            raise StartFailed(part="Heitu", why=why) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise self._held() from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _held(self) -> StartFailed:
        assert self._file is not None
        self._file.seek(0)
        holder = self._file.read().strip() or "unknown"
        self._file.close()
        why = f"process {holder} already runs on {self.folder}: stop it, or set HEITU_DATA"
        return StartFailed(part="Heitu", why=why)
