"""Builders of small scenes with known pixels, in the layouts that people really have."""

from pathlib import Path

import numpy as np
import rasterio

# a corner in the middle of Jilin, UTM 51N, on the 20 m grid
LEFT, TOP = 683_200.0, 4_864_400.0
SAFE = "S2B_MSIL2A_20240601T023551_N0510_R089_T51TXL_20240601T052637"


def write(path, values, *, pixel=10.0, epsg=32651, left=LEFT, top=TOP, driver="GTiff", **more):
    """Write a raster; `values` is (y, x) or (band, y, x)."""
    bands = np.atleast_3d(values) if values.ndim == 3 else values[None]
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptions, tags = more.pop("descriptions", ()), more.pop("tags", {})
    scales, offsets = more.pop("scales", None), more.pop("offsets", None)
    kind = {"nodata": 0} | more
    with rasterio.open(
        path,
        "w",
        driver=driver,
        count=len(bands),
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype,
        crs=None if epsg is None else f"EPSG:{epsg}",
        transform=rasterio.Affine(pixel, 0, left, 0, -pixel, top),
        **kind,
    ) as dataset:
        dataset.write(bands)
        for i, text in enumerate(descriptions, 1):
            dataset.set_band_description(i, text)
        if tags:
            dataset.update_tags(**tags)
        if scales:
            dataset.scales, dataset.offsets = scales, offsets
    return path


def red_and_nir(height=60, width=80, seed=1):
    """Digital numbers of a field landscape: red 300..1500, nir 1500..4500."""
    rng = np.random.default_rng(seed)
    red = rng.integers(300, 1500, (height, width), dtype=np.uint16)
    nir = rng.integers(1500, 4500, (height, width), dtype=np.uint16)
    return red, nir


def folder(path: Path, red=None, nir=None, scl=None, sidecar='{"time": "2024-06-01T02:35:51Z"}'):
    """Make a plain folder B04.tif, B08.tif[, SCL.tif at 20 m][, scene.json]."""
    path.mkdir(parents=True, exist_ok=True)
    made_red, made_nir = red_and_nir()
    write(path / "B04.tif", made_red if red is None else red)
    write(path / "B08.tif", made_nir if nir is None else nir)
    if scl is not None:
        write(path / "SCL.tif", scl, pixel=20.0)
    if sidecar is not None:
        (path / "scene.json").write_text(sidecar)
    return path


def safe(root: Path, red, nir, scl, *, name=SAFE, xml=""):
    """Make a SAFE tree of JPEG 2000 bands, with the decoys that real ones hold."""
    product = root / f"{name}.SAFE"
    data = product / "GRANULE" / "L2A_T51TXL_A037832_20240601T023551"
    images, stem = data / "IMG_DATA", "T51TXL_20240601T023551"
    lossless = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "nodata": None}
    write(images / "R10m" / f"{stem}_B04_10m.jp2", red, **lossless)
    write(images / "R10m" / f"{stem}_B08_10m.jp2", nir, **lossless)
    write(images / "R20m" / f"{stem}_B04_20m.jp2", red[::2, ::2], pixel=20.0, **lossless)
    write(images / "R20m" / f"{stem}_B8A_20m.jp2", nir[::2, ::2], pixel=20.0, **lossless)
    write(images / "R20m" / f"{stem}_SCL_20m.jp2", scl, pixel=20.0, **lossless)
    write(data / "QI_DATA" / "MSK_QUALIT_B04.jp2", red[:8, :8].astype(np.uint8), **lossless)
    (product / "MTD_MSIL2A.xml").write_text(xml or metadata_xml())
    return product


def metadata_xml(baseline="05.10", offset=-1000, kind="S2MSI2A"):
    """Write the few elements of an MTD_MSIL2A.xml that matter, in their real form."""
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{i}">{offset}</BOA_ADD_OFFSET>' for i in range(13))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_User_Product><n1:General_Info><Product_Info>
<PRODUCT_START_TIME>2024-06-01T02:35:51.024Z</PRODUCT_START_TIME>
<PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL><PRODUCT_TYPE>{kind}</PRODUCT_TYPE>
<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<Datatake datatakeIdentifier="GS2B_20240601T023551_037832_N05.10">
<DATATAKE_SENSING_START>2024-06-01T02:35:51.024Z</DATATAKE_SENSING_START></Datatake>
</Product_Info><Product_Image_Characteristics><QUANTIFICATION_VALUES_LIST>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
</QUANTIFICATION_VALUES_LIST>
{f"<BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST>" if offset else ""}
</Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>"""


class Untouched:
    """A database for scenes that are refused before it is asked anything."""

    def __getattr__(self, name):
        raise AssertionError(f"the database was asked to {name} for a scene that cannot come in")
