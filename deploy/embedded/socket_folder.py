"""Where the Unix socket of the embedded database lives.

A socket's path holds at most 107 bytes (sun_path in linux/un.h), so a deep data folder gets
a short private folder under the temporary one instead.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from models.errors import StartFailed

LONGEST = 103  # bytes; Linux allows 107, macOS 103


def choose(folder: Path, number: int) -> Path:
    """Return the data folder itself, or a short one when the socket's path gets too long."""
    name = f".s.PGSQL.{number}.lock"
    if len(os.fsencode(folder / name)) <= LONGEST:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"heitu-{os.geteuid()}-{digest}"


def prepare(sockets: Path, folder: Path) -> None:
    """Create the short folder, closed to others: the socket asks for no password.

    Raises
    ------
    StartFailed
        Somebody else owns a folder of that name.
    """
    if sockets == folder:
        return
    sockets.mkdir(mode=0o700, exist_ok=True)
    seen = sockets.lstat()
    ours = seen.st_uid in {os.geteuid(), 65534} if os.geteuid() == 0 else True
    if sockets.is_symlink() or (os.geteuid() != 0 and seen.st_uid != os.geteuid()) or not ours:
        raise StartFailed(part="the embedded database", why=f"{sockets} belongs to someone else")
    sockets.chmod(0o700)


def discard(sockets: Path, folder: Path) -> None:
    """Remove the short folder."""
    if sockets != folder:
        shutil.rmtree(sockets, ignore_errors=True)
