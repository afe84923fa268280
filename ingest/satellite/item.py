"""STAC items: which asset is which band, and what its numbers mean.

Assets lie beside the item. An address on the network is never followed from here: whoever
fetches a scene lays its assets beside the item under the last part of their address.
"""

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from ingest.satellite.descriptors import Descriptor, descriptors
from ingest.satellite.metadata import Metadata, Named, number, read_text
from models.errors import SceneRejected

# STAC's names of platforms and collections, by how they begin -> our descriptor
_PLATFORMS = {
    "sentinel-2": "sentinel-2-band-files",
    "landsat-8": "landsat-8-9-c2-l2",
    "landsat-9": "landsat-8-9-c2-l2",
    "landsat-4": "landsat-4-7-c2-l2",
    "landsat-5": "landsat-4-7-c2-l2",
    "landsat-7": "landsat-4-7-c2-l2",
    "modis-13": "modis-13",
    "mod13": "modis-13",
    "myd13": "modis-13",
}
_DESCRIBED = "described"


def candidates(folder: Path) -> list[Path]:
    """Return the STAC items of a folder: JSON files at its top that say so."""
    return [
        path
        for path in sorted(folder.glob("*.json"))
        if path.stat().st_size < 1_000_000 and '"stac_version"' in read_text(path)
    ]


def platform_of(said: dict[str, Any]) -> str | None:
    """Return the key of the descriptor that a scene's own words name, None if they name none.

    A collection or platform we do not know is described by its own bands.
    """
    words = [str(said[key]).lower() for key in ("platform", "collection") if said.get(key)]
    for word in words:
        if word in descriptors():
            return word
        for start, key in _PLATFORMS.items():
            if word.startswith(start):
                return key
    return _DESCRIBED if words else None


def with_assets(facts: Metadata, said: dict[str, Any], path: Path) -> Metadata:
    """Add the bands that the assets of an item are.

    Raises
    ------
    SceneRejected
        An asset lies outside the folder of the item, or one that is needed was not fetched.
    """
    key = facts.platform or _DESCRIBED
    platform = descriptors()[key]
    assets = {name: one for name, one in said["assets"].items() if _is_raster(one)}
    bands, away = {}, []
    for role in platform.bands or _common_roles():
        name = _asset_of(role, platform, assets)
        if name is None:
            continue
        named = _named(assets[name], name, path.parent)
        if named is not None:
            bands[role] = named
            continue
        away.append(f"no {role}: its asset {name} at {assets[name]['href']} was not fetched")
        if role in platform.required or not platform.bands:
            raise SceneRejected(reason="missing_band", detail=away[-1])
    notes = (*(facts.notes or ()), *away)
    return replace(facts, bands=bands, platform=key, notes=notes or None)


def _is_raster(asset: dict[str, Any]) -> bool:
    kind = str(asset.get("type", "image/tiff"))
    return "tiff" in kind or "jp2" in kind


def _common_roles() -> tuple[str, ...]:
    return tuple(descriptors()["sentinel-2-band-files"].bands)


def _asset_of(role: str, platform: Descriptor, assets: dict[str, Any]) -> str | None:
    """Find the asset of a role: by its key, then by the common name of its only band."""
    patterns = platform.bands.get(role, ())
    for pattern in patterns:
        hits = [name for name in assets if pattern.search(name)]
        hits.sort(key=lambda name: (pattern.fullmatch(name) is None, _gsd(assets[name]), name))
        if hits:
            return hits[0]
    named = [name for name, one in assets.items() if _common_name(one) == role]
    return named[0] if len(named) == 1 else None


def _gsd(asset: dict[str, Any]) -> float:
    """Return the pixel of an asset [m], large where it does not say."""
    said = asset.get("gsd", _first_band(asset, "bands").get("gsd"))
    return float(said) if isinstance(said, int | float) else 1e9


def _first_band(asset: dict[str, Any], of: str) -> dict[str, Any]:
    found = asset.get(of)
    return found[0] if isinstance(found, list) and len(found) == 1 else {}


def _common_name(asset: dict[str, Any]) -> str | None:
    """Return the common name in the words of STAC 1.1 or of the extension before it."""
    name = _first_band(asset, "bands").get("eo:common_name")
    return name or _first_band(asset, "eo:bands").get("common_name")


def _named(asset: dict[str, Any], name: str, folder: Path) -> Named | None:
    old, new = _first_band(asset, "raster:bands"), _first_band(asset, "bands")

    def fact(key: str) -> float | None:
        for place in (new, asset, old):
            for word in (f"raster:{key}", key):
                if isinstance(place.get(word), int | float):
                    return number(place[word])
        return None

    href = local(str(asset.get("href", "")), name, folder)
    if href is None:
        return None
    return Named(href, 1, fact("scale"), fact("offset"), fact("nodata"))


def local(href: str, name: str, folder: Path) -> str | None:
    """Return the file of an asset, relative to the folder of its item; None: not fetched.

    Raises
    ------
    SceneRejected
        It lies elsewhere on this machine.
    """
    address = urlparse(href)
    if address.scheme not in ("", "file"):
        file = PurePosixPath(address.path).name
        return file if file and (folder / file).is_file() else None
    path = (folder / address.path).resolve()
    if not path.is_relative_to(folder.resolve()):
        detail = f"the asset {name} points outside the folder of its item: {href}"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    return path.relative_to(folder.resolve()).as_posix()
