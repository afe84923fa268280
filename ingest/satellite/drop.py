"""A drop folder: scenes that are put there come in, and move to ``done/`` or ``rejected/``.

Taking in is idempotent and moving is one rename, so a kill at any point costs nothing but the
work of one scene: whatever is still in the folder is taken in again.
"""

import json
import os
import time as wall
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from ingest.satellite import unpack
from models import calendar
from models.errors import SceneRejected

DONE, REJECTED = "done", "rejected"
_ATTEMPTS = ".attempts.json"
_MARKER = ".done"
# what copying and downloading programs call a file that is not whole yet
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".aria2", ".download")
_RASTERS = (".tif", ".tiff", ".jp2", ".nc")
# a scene during which the process died this often (out of memory, most likely) is set aside
MOST_ATTEMPTS = 3
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30.0, 3600.0

Status = Literal["taken", "known", "rejected", "postponed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry of the folder.

    Attributes
    ----------
    status : str
        ``taken`` in; ``known``: it was before; ``rejected``; ``postponed``: something other
        than the scene failed, and it is tried again.
    """

    name: str
    status: Status
    told: str


@dataclass(slots=True)
class _Seen:
    """How an entry looked, and since when."""

    looks: tuple[int, int, int]
    since: float


@dataclass(slots=True)
class DropFolder:
    """Watches one folder.

    Attributes
    ----------
    take : callable
        Takes the scene at a path in; returns whether it was new, and a line about it.
    settle_s : float
        An entry is complete when it has not changed for so long [s], or when a marker
        ``NAME.done`` lies beside it or ``.done`` in it.
    """

    folder: Path
    take: Callable[[Path], tuple[bool, str]]
    settle_s: float = 30.0
    clock: Callable[[], datetime] = calendar.now
    monotonic: Callable[[], float] = wall.monotonic
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _pauses: dict[str, tuple[float, float]] = field(default_factory=dict)

    def turn(self) -> Iterator[Outcome]:
        """Take in what is complete, one entry after the other."""
        self._gather_strays()
        entries = self._entries()
        self._seen = {name: one for name, one in self._seen.items() if name in entries}
        for name, path in entries.items():
            if self._is_complete(path) and not self._is_paused(name):
                yield self._one(path)

    def _entries(self) -> dict[str, Path]:
        found = {}
        for path in sorted(self.folder.iterdir()):
            named = path.name.startswith(".") or path.name in (DONE, REJECTED)
            scene = path.is_dir() or path.suffix.lower() in _RASTERS or unpack.is_archive(path)
            if scene and not named and not path.is_symlink() and not _is_unfinished(path):
                found[path.name] = path
        return found

    def _is_complete(self, path: Path) -> bool:
        if _marker(path).exists() or (path / _MARKER).exists():
            return True
        looks = _looks(path, self._companions(path))
        if looks is None:
            return False
        now, seen = self.monotonic(), self._seen.get(path.name)
        if seen is None or seen.looks != looks:
            self._seen[path.name] = _Seen(looks, now)
            return self.settle_s <= 0
        return now - seen.since >= self.settle_s

    def _is_paused(self, name: str) -> bool:
        until, _ = self._pauses.get(name, (0.0, 0.0))
        return self.monotonic() < until

    def _one(self, path: Path) -> Outcome:
        attempts = self._attempts()
        n = attempts.get(path.name, 0) + 1
        if n > MOST_ATTEMPTS:
            self._keep_attempts({**attempts, path.name: 0})
            told = f"the process died {MOST_ATTEMPTS} times while it was taken in"
            return self._reject(path, "killed", told)
        self._keep_attempts({**attempts, path.name: n})
        try:
            is_new, told = self.take(path)
        except SceneRejected as refused:
            outcome = self._reject(path, str(refused.facts["reason"]), refused.message)
        except Exception as broken:  # the folder outlives a database that is away
            outcome = self._postpone(path, f"{type(broken).__name__}: {broken}")
        else:
            self._move(path, DONE)
            self._pauses.pop(path.name, None)
            outcome = Outcome(path.name, "taken" if is_new else "known", told)
        # it came to an end, whichever: only a death counts
        self._keep_attempts({name: k for name, k in attempts.items() if name != path.name})
        return outcome

    def _postpone(self, path: Path, why: str) -> Outcome:
        _, pause = self._pauses.get(path.name, (0.0, _FIRST_PAUSE_S / 2))
        pause = min(pause * 2, _LONGEST_PAUSE_S)
        self._pauses[path.name] = (self.monotonic() + pause, pause)
        return Outcome(path.name, "postponed", f"{why}; tried again in {pause:.0f} s")

    def _reject(self, path: Path, reason: str, told: str) -> Outcome:
        """Write why first: a file in ``rejected/`` never lacks its reason."""
        facts = {"reason": reason, "message": told, "at": self.clock().isoformat()}
        folder = self.folder / REJECTED
        place = _free(folder, path.name)
        folder.mkdir(exist_ok=True)
        text = json.dumps(facts, ensure_ascii=False, indent=1)
        _write(folder / f"{place.name}.reason.json", text)
        self._move(path, REJECTED, place)
        return Outcome(path.name, "rejected", f"{reason}: {told}")

    def _move(self, path: Path, into: str, place: Path | None = None) -> None:
        companions = self._companions(path)
        place = place or _free(self.folder / into, path.name)
        place.parent.mkdir(exist_ok=True)
        # the scene first: without its companions it would be another one the next time
        path.rename(place)
        _marker(path).unlink(missing_ok=True)
        for companion in companions:
            companion.rename(_free(place.parent, companion.name))

    def _companions(self, path: Path) -> list[Path]:
        """Return the files beside a lone raster that carry its name: XML, descriptor, preview."""
        if path.suffix.lower() not in _RASTERS or path.is_dir():
            return []
        start = f"{path.stem}."
        beside = (one for one in sorted(self.folder.iterdir()) if one.is_file() and one != path)
        return [one for one in beside if one.name.startswith(start) and one != _marker(path)]

    def _gather_strays(self) -> None:
        """Send companions after their scene when a kill came between the renames."""
        for into in (DONE, REJECTED):
            folder = self.folder / into
            if folder.is_dir():
                for raster in folder.iterdir():
                    if (
                        raster.suffix.lower() in _RASTERS
                        and not (self.folder / raster.name).exists()
                    ):
                        for stray in self._companions(self.folder / raster.name):
                            stray.rename(_free(folder, stray.name))

    def _attempts(self) -> dict[str, int]:
        try:
            said = json.loads((self.folder / _ATTEMPTS).read_text("utf-8"))
            return {str(name): int(n) for name, n in said.items()}
        except (FileNotFoundError, ValueError, AttributeError):
            return {}

    def _keep_attempts(self, attempts: dict[str, int]) -> None:
        _write(self.folder / _ATTEMPTS, json.dumps({k: n for k, n in attempts.items() if n}))


def _marker(path: Path) -> Path:
    return path.with_name(path.name + _MARKER)


def _is_unfinished(path: Path) -> bool:
    return path.name.lower().endswith(_UNFINISHED)


def _looks(path: Path, companions: list[Path]) -> tuple[int, int, int] | None:
    """Files, bytes and newest change of an entry; None while it is being written."""
    files, size, newest = 0, 0, 0
    inside = [path, *companions, *(path.rglob("*") if path.is_dir() else ())]
    for one in inside:
        if _is_unfinished(one):
            return None
        try:
            found = one.stat()
        except FileNotFoundError:
            return None
        files, size, newest = files + 1, size + found.st_size, max(newest, found.st_mtime_ns)
    return files, size, newest


def _free(folder: Path, name: str) -> Path:
    """Return a path of that name that is not taken: a scene may be delivered twice."""
    place, n = folder / name, 1
    while place.exists():
        n += 1
        place = folder / f"{n}-{name}"
    return place


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
