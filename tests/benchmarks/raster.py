"""The raster that the tile benchmarks share: 10980 x 10980, four bands, made once.

Texture from a real Sentinel-2 sample (so that it compresses like one), mirrored into a sheet
and shaded by smooth waves (so that no two tiles are equal).
"""

import os
from pathlib import Path

import numpy as np
import rasterio
from rasterio.shutil import copy
from rasterio.windows import Window

SIDE = 10_980
LEFT, TOP, EPSG = 600_000, 4_900_020, 32651
SAMPLE = Path(__file__).parents[2] / "deploy" / "demo" / "data" / "sentinel2"
BANDS = ("blue", "green", "red", "nir")
_STRIP = 1024


def synthetic(folder: Path) -> Path:
    """Return the raster, made if it is not there yet (about a minute)."""
    path = folder / "synthetic_10980.tif"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        raw, partial = folder / "raw.tif", folder / f"partial.{os.getpid()}.tif"
        _write(raw)
        copy(
            raw,
            partial,
            driver="COG",
            COMPRESS="DEFLATE",
            PREDICTOR="YES",
            BLOCKSIZE="512",
            OVERVIEW_RESAMPLING="AVERAGE",
            NUM_THREADS="2",
            BIGTIFF="IF_SAFER",
        )
        raw.unlink()
        partial.rename(path)
    return path


def _sheet():
    """Mirror the sample to 600 x 600, so that its edges meet: (band, y, x)."""
    red, nir = (rasterio.open(SAMPLE / f"{name}.tif").read(1) for name in ("B04", "B08"))
    four = np.stack([red * 0.55 + 60, red * 0.8 + 80, red, nir]).astype(np.float32)
    wide = np.concatenate([four, four[:, :, ::-1]], axis=2)
    return np.concatenate([wide, wide[:, ::-1]], axis=1)


def _write(path: Path) -> None:
    sheet, rng = _sheet(), np.random.default_rng(7)
    columns = np.arange(SIDE)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=SIDE,
        height=SIDE,
        count=4,
        dtype="uint16",
        nodata=0,
        crs=f"EPSG:{EPSG}",
        transform=rasterio.Affine(10, 0, LEFT, 0, -10, TOP),
        tiled=True,
        blockxsize=512,
        blockysize=512,
        interleave="pixel",
    ) as dataset:
        for band, name in enumerate(BANDS, 1):
            dataset.set_band_description(band, name)
        for row in range(0, SIDE, _STRIP):
            rows = np.arange(row, min(row + _STRIP, SIDE))
            shade = 1 + 0.3 * np.sin(columns / 900) * np.cos(rows / 1100)[:, None]
            strip = sheet[:, rows[:, None] % 600, columns % 600] * shade
            strip += rng.normal(0, 3, strip.shape)
            dataset.write(
                np.clip(strip, 1, 10_000).astype(np.uint16),
                window=Window(0, row, SIDE, len(rows)),
            )
