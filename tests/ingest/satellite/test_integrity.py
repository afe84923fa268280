"""Whether a file is all there: TIFFs of every build pass whole and fail when cut."""

import numpy as np
import pytest
from rasterio.shutil import copy

from ingest.satellite.integrity import CutError, check_whole
from tests.ingest.satellite import scenes

BUILDS = {
    "strips": {},
    "tiles": {"tiled": True, "blockxsize": 64, "blockysize": 64},
    "big": {"BIGTIFF": "YES", "tiled": True, "blockxsize": 64, "blockysize": 64},
    "big-endian": {"ENDIANNESS": "BIG"},
    "packed": {"compress": "deflate", "predictor": 2},
    "one strip": {"blockysize": 300},
    "by band": {"interleave": "band"},
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_whole_tiff_passes_and_a_cut_one_does_not(tmp_path, build):
    values = np.random.default_rng(1).integers(1, 9999, (2, 300, 200), dtype=np.uint16)
    path = scenes.write(tmp_path / "a.tif", values, **BUILDS[build])
    check_whole(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.9)])
    with pytest.raises(CutError):
        check_whole(path)


def test_a_cloud_optimised_and_a_sparse_tiff_pass(tmp_path):
    values = np.random.default_rng(1).integers(1, 9999, (1, 600, 700), dtype=np.uint16)
    path = scenes.write(tmp_path / "a.tif", values)
    copy(path, tmp_path / "cog.tif", driver="COG", blocksize=128)
    check_whole(tmp_path / "cog.tif")
    sparse = {"SPARSE_OK": True, "tiled": True, "blockxsize": 64, "blockysize": 64}
    check_whole(scenes.write(tmp_path / "s.tif", np.zeros((1, 300, 200), np.uint16), **sparse))
