"""Say what the numbers of each band mean: from the scene's own words to the platform's habit.

In this order: scales of the scene's metadata (MTL), or of the descriptor beside it; scales that
the platform fixes; gains of radiance; scale and offset of the files; float reflectance; and for
Sentinel-2 the quantification with the offset of its metadata or processing baseline.
"""

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from analytics.remote.digital import Calibration
from ingest.satellite import metadata
from ingest.satellite.bands import Band, opened, read_errors
from ingest.satellite.descriptors import Descriptor
from ingest.satellite.metadata import Metadata
from models.errors import SceneRejected

# reflectance rarely passes 1.6 (snow); digital numbers of anything lit start in the hundreds
_MOST_REFLECTANCE = 2.0


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the numbers of each role mean, where that comes from, and what to note."""

    calibration: dict[str, Calibration]
    source: str
    notes: tuple[str, ...] = ()


def meaning(platform: Descriptor, bands: dict[str, Band], said: Metadata) -> Meaning:
    """Find the calibration of every band.

    Raises
    ------
    SceneRejected
        Nothing says what the numbers mean.
    """
    scales = dict(platform.scales or {}) | (said.scales or {})
    fixed = {role: _scaled(*scales[role]) for role in bands if role in scales}
    for role, one in bands.items():
        if one.stated and said.offset is not None:
            # what is said of the scene holds against the item of a provider who has applied it
            fixed[role] = replace(_scaled(one.scale, 0.0), offset=said.offset)
        elif one.stated:
            fixed[role] = _scaled(one.scale, one.offset)
    rest = {role: one for role, one in bands.items() if role not in fixed}
    if not rest:
        return Meaning(fixed, _source_of_fixed(platform, bands, said))
    usual = _usual(platform, rest, said)
    return Meaning(fixed | usual.calibration, usual.source, usual.notes)


def _scaled(scale: float, offset: float) -> Calibration:
    """Turn value = DN * scale + offset into our form, in which the offset is in DN."""
    if not (isfinite(scale) and isfinite(offset) and scale > 0):
        detail = f"a scale of {scale:g} with an offset of {offset:g} measures nothing"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    return Calibration(scale, offset / scale)


def _source_of_fixed(platform: Descriptor, bands: dict[str, Band], said: Metadata) -> str:
    if any(one.stated for one in bands.values()):
        if said.offset is not None:
            return said.offset_from or "metadata"
        return "scale and offset of the scene's descriptor"
    return said.scales_from or f"platform {platform.key}"


def _usual(platform: Descriptor, bands: dict[str, Band], said: Metadata) -> Meaning:
    """Calibrate by what files, metadata and layout say of all bands together."""
    notes: list[str] = []
    # what the required bands declare decides; a lone optional band does not change the scene
    leading = {r: b for r, b in bands.items() if r in platform.required} or bands
    quantification = said.quantification or platform.quantification
    if all(_declares_scale(one) for one in leading.values()):
        # a scale without an offset says nothing about the offset of the baseline
        silent = said.offset is None and said.baseline is None
        if silent or any(one.offset for one in leading.values()):
            own = {role: _declared(one, leading) for role, one in bands.items()}
            return Meaning(own, "scale and offset of the files")
        quantification = 1 / next(iter(leading.values())).scale
    if all(_holds_reflectance(one) for one in leading.values()):
        notes.append("float reflectance: scale 1, no offset")
        whole = dict.fromkeys(bands, Calibration(1.0, 0.0))
        return Meaning(whole, "float reflectance", tuple(notes))
    if quantification <= 0:
        detail = "nothing says what its numbers mean: state scale and offset of each band"
        raise SceneRejected(reason="bad_metadata", detail=detail)
    offset, source = _offset(platform, said)
    if source == _ASSUMED:
        notes.append("no baseline in the metadata: no DN offset was applied")
    whole = dict.fromkeys(bands, Calibration(1 / quantification, offset))
    return Meaning(whole, source, tuple(notes))


_ASSUMED = "assumed 0: neither offset nor processing baseline is known"


def _offset(platform: Descriptor, said: Metadata) -> tuple[float, str]:
    """DN offset: as stated, else by processing baseline, else as the layout has it."""
    if said.offset is not None:
        return said.offset, said.offset_from or "metadata"
    if platform.offset is not None and not platform.collection.startswith("sentinel-2"):
        return platform.offset, f"layout {platform.key}"
    if said.baseline is not None:
        return metadata.offset_of_baseline(said.baseline), f"baseline {said.baseline}"
    if platform.offset is not None:
        return platform.offset, f"layout {platform.key}"
    return 0.0, _ASSUMED


def _declares_scale(one: Band) -> bool:
    return one.scale != 1.0 and one.scale > 0


def _declared(one: Band, leading: dict[str, Band]) -> Calibration:
    """Take the scale of a band; one that declares none is as its scene's first."""
    said = one if _declares_scale(one) else next(iter(leading.values()))
    return _scaled(said.scale, said.offset)


def _holds_reflectance(one: Band) -> bool:
    """Tell reflectance from digital numbers stored as floats, by a thinned look."""
    if np.dtype(one.dtype).kind != "f":
        return False
    sample = _thinned(one)
    return sample.size > 0 and float(np.median(np.abs(sample))) < _MOST_REFLECTANCE


def _thinned(one: Band, most: int = 200) -> NDArray[np.float64]:
    """Read about ``most`` x ``most`` values of a band that are neither NaN, nodata nor 0."""
    height, width = min(most, one.grid.height), min(most, one.grid.width)
    with read_errors(one.path), opened(one.path) as dataset:
        values = dataset.read(one.index, out_shape=(height, width)).astype(np.float64).ravel()
    keep = np.isfinite(values) & (values != 0)
    measured: NDArray[np.float64] = values[keep & (values != one.nodata)]
    return measured
