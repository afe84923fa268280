"""Take a scene out of its archive (zip, tar, tar.gz) into a folder, trusting nothing in it.

Only files that a scene can be made of are written, under their own names, below the folder; the
bytes are counted as they come, for what an archive says of its sizes may be a lie.
"""

import gzip
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from models.errors import SceneRejected

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
# bands, and the small files that speak of them
_WANTED = (".tif", ".tiff", ".jp2", ".nc", ".xml", ".txt", ".json", ".toml")
# a whole Landsat product unpacks to 1.2 GB, a Sentinel-2 one to 1.2 GB
MOST_BYTES = 6_000_000_000
MOST_MEMBERS = 5000
_PIECE = 1 << 20
_BROKEN = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.ReadError,
    zipfile.BadZipFile,
    zlib.error,
)


def is_archive(path: Path) -> bool:
    """Tell whether a file is an archive by its name."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


@contextmanager
def unpacked(path: Path, within: Path | None = None) -> Iterator[Path]:
    """Give the folder that an archive holds; it is gone afterwards. Other paths pass as they are.

    Parameters
    ----------
    within : Path, optional
        Folder for the files, on a disk with room for them; by default the system's own.

    Raises
    ------
    SceneRejected
        Cut, broken, too large, or with members that reach outside.
    """
    if not is_archive(path):
        yield path
        return
    folder = Path(tempfile.mkdtemp(dir=within, prefix="unpacked-"))
    try:
        yield _unpack(path, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(path: Path, folder: Path) -> Path:
    room = min(MOST_BYTES, shutil.disk_usage(folder).free - 500_000_000)
    # the name of the product is in the name of its archive
    root = folder / path.name.removesuffix(".gz").rpartition(".")[0]
    root.mkdir()
    try:
        members = _from_zip(path) if path.suffix.lower() == ".zip" else _from_tar(path)
        for n, (name, file) in enumerate(members):
            if n >= MOST_MEMBERS:
                detail = f"{path.name} holds more than {MOST_MEMBERS} files"
                raise SceneRejected(reason="too_large", detail=detail)
            with file:
                room -= _write(file, _place(root, name, path), room, path)
    except _BROKEN as broken:
        whole = path.stat().st_size
        detail = f"{path.name} ({whole} bytes) is cut or broken: {broken}"
        raise SceneRejected(reason="truncated", detail=detail) from None
    return _only_folder(root)


def _from_zip(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            kind = member.external_attr >> 28
            _refuse_odd(member.filename, plain=kind in (0, 0o10, 0o04), path=path)
            if member.flag_bits & 1:
                detail = f"{path.name} is encrypted"
                raise SceneRejected(reason="not_a_raster", detail=detail)
            if not member.is_dir() and _is_wanted(member.filename):
                yield member.filename, archive.open(member)


def _from_tar(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if path.suffix.lower() == ".tar" and not _has_end(path):
        raise tarfile.ReadError("it has no end-of-archive block")  # tarfile itself lets it pass
    # a stream, never a seek: a packed tar is read once
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            _refuse_odd(member.name, plain=member.isfile() or member.isdir(), path=path)
            if member.isfile() and _is_wanted(member.name):
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, file


def _has_end(path: Path) -> bool:
    """Tell whether a tar ends with the block of zeros that says so."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 512, 0))
        return file.read() == bytes(512)


def _refuse_odd(name: str, *, plain: bool, path: Path) -> None:
    """Refuse links, devices, and names that lead outside."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not plain or ".." in parts or name.startswith(("/", "\\")) or (parts and ":" in parts[0]):
        detail = f"{path.name} holds {name!r}, which reaches outside its folder or is no file"
        raise SceneRejected(reason="unsafe_archive", detail=detail)


def _is_wanted(name: str) -> bool:
    return name.lower().endswith(_WANTED)


def _place(root: Path, name: str, path: Path) -> Path:
    place = root / name.replace("\\", "/")
    if place.exists():
        detail = f"{path.name} holds {name!r} twice"
        raise SceneRejected(reason="ambiguous", detail=detail)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _write(file: IO[bytes], place: Path, room: int, path: Path) -> int:
    """Write one member and return its bytes; never more than there is room for."""
    written = 0
    with place.open("xb") as out:
        while piece := file.read(_PIECE):
            written += len(piece)
            if written > room:
                detail = f"{path.name} unpacks to more than there may be or is room for"
                raise SceneRejected(reason="too_large", detail=detail)
            out.write(piece)
    return written


def _only_folder(root: Path) -> Path:
    """Step into the folder that an archive usually holds (X.zip -> X.SAFE/...)."""
    inside = list(root.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else root
