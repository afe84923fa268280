"""Check that the archive holds what the catalogue says, and nothing else."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from ingest.satellite import catalogue
from ingest.satellite.scene import checksum
from ingest.satellite.workshop import INCOMING
from models.scene import Layer
from models.store import scenes
from models.store.database import Database


@dataclass(slots=True)
class Findings:
    """What does not fit.

    Attributes
    ----------
    orphans : list of Path
        Folders and files under the archive that no row names.
    lost : list of str
        Layers whose files are not there: take the scene in again.
    spoilt : list of str
        Files whose SHA-256 is not the one in the lineage.
    """

    checked: int = 0
    orphans: list[Path] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all fits."""
        return not (self.orphans or self.lost or self.spoilt)


def check(database: Database, archive: Path, *, settled_s: float = 3600) -> Findings:
    """Compare files and rows; read every file of which the lineage knows the checksum.

    Parameters
    ----------
    settled_s : float
        Files younger than this are no orphans yet: a scene on its way in is renamed into the
        archive just before its rows are committed.
    """
    found = Findings()
    folders = sorted((archive / catalogue.SCENES).glob("*"))
    settled = time.time() - settled_s
    with database.reading() as tx:
        layers = scenes.layers(tx)
    named: dict[Path, set[str]] = {}
    for layer in layers:
        _of_layer(layer, archive, named, found)
    for folder in folders:
        if folder not in named:
            found.orphans += _older([folder], settled)
            continue
        files = {one.name for one in folder.iterdir()}
        beyond = [folder / name for name in sorted(files - named[folder] - _BESIDE)]
        found.orphans += _older(beyond, settled)
        _sums(database, folder, found)
    return found


def _older(paths: list[Path], settled: float) -> list[Path]:
    # a rename changes ctime, not mtime
    return [path for path in paths if path.lstat().st_ctime <= settled]


# bands and the counts of a composite belong to the scene, not to one layer
_BESIDE = {"bands.tif", "count.tif", "age.tif", "years.tif"}


def _of_layer(layer: Layer, archive: Path, named: dict[Path, set[str]], found: Findings) -> None:
    paths = [layer.data_path, layer.display_path, *([layer.bands_path] if layer.bands_path else [])]
    found.checked += 1
    for path in paths:
        named.setdefault((archive / path).parent, set()).add(Path(path).name)
    if not all((archive / path).is_file() for path in paths):
        found.lost.append(layer.id)


def _sums(database: Database, folder: Path, found: Findings) -> None:
    with database.reading() as tx:
        known = scenes.scene(tx, folder.name) if scenes.has_scene(tx, folder.name) else None
    sums = {} if known is None else known.lineage.get("files", {})
    for name, sha256 in sorted(sums.items()):
        path = folder / name
        if path.is_file() and checksum(path) != sha256:
            found.spoilt.append(f"{folder.name}/{name}")


def remove(archive: Path, orphans: list[Path]) -> None:
    """Remove what no row names, and what crashes left in the making; nothing outside."""
    root = (archive / catalogue.SCENES).resolve()
    for path in orphans:
        if root not in path.resolve().parents:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    incoming = archive / INCOMING
    if incoming.is_dir() and not any(incoming.iterdir()):
        incoming.rmdir()
