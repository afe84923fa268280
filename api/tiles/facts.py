"""What the header of a raster says: grid, numbers, size of the file."""

from dataclasses import dataclass
from pathlib import Path

from api.tiles.handles import Handles


@dataclass(frozen=True, slots=True)
class Facts:
    """Header of a raster.

    Attributes
    ----------
    transform : tuple of float
        Affine coefficients a, b, c, d, e, f: pixel to the raster's system.
    names : tuple of str
        Description of each band; empty where it has none.
    scale, offset : float
        value = number * scale + offset, of the first band.
    size : int
        Length of the file [bytes].
    """

    epsg: int | None
    width: int
    height: int
    transform: tuple[float, float, float, float, float, float]
    bbox: tuple[float, float, float, float]
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    names: tuple[str, ...]
    size: int

    @classmethod
    def open(cls, path: Path, handles: Handles) -> "Facts":
        """Read the header of a raster."""
        with handles.borrow(path) as dataset:
            t = dataset.transform
            return cls(
                epsg=dataset.crs.to_epsg() if dataset.crs else None,
                width=dataset.width,
                height=dataset.height,
                transform=(t.a, t.b, t.c, t.d, t.e, t.f),
                bbox=tuple(dataset.bounds),
                dtype=dataset.dtypes[0],
                nodata=dataset.nodata,
                scale=float(dataset.scales[0]),
                offset=float(dataset.offsets[0]),
                names=tuple(text or "" for text in dataset.descriptions),
                size=path.stat().st_size,
            )
