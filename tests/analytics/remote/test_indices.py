"""Indices against spyndex, and where they are undefined."""

import numpy as np
import pytest
import rasterio
import spyndex
from hypothesis import given
from hypothesis import strategies as st

from analytics.remote.digital import Calibration, display, has_value, numbers, reflectance
from analytics.remote.indices import INDICES, index, ndvi
from models.errors import NotFound
from tests.conftest import DATA

S2 = DATA.parents[1] / "deploy" / "demo" / "data" / "sentinel2"


def test_ndvi_equals_spyndex_on_real_pixels():
    red, nir = (rasterio.open(S2 / f"{name}.tif").read(1) for name in ("B04", "B08"))
    reflectances = [reflectance(dn, Calibration()) for dn in (red, nir)]
    ours = ndvi(*reflectances)
    theirs = spyndex.computeIndex("NDVI", {"R": red / 1e4, "N": nir / 1e4})
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


# our name -> theirs, where it differs
THEIRS = {"ndre": "NDREI", "bsi": "BI"}
SYMBOLS = {"blue": "B", "green": "G", "red": "R", "rededge1": "RE1", "nir": "N", "swir1": "S1"}


@pytest.mark.parametrize("key", sorted(INDICES))
def test_every_index_equals_spyndex(key):
    chance = np.random.default_rng(7)
    one = index(key)
    given = {role: chance.uniform(0.005, 0.6, 5_000).astype(np.float32) for role in one.bands}
    symbols = {SYMBOLS[role]: band.astype(float) for role, band in given.items()}
    constants = {"g": 2.5, "C1": 6.0, "C2": 7.5, "L": 0.5 if key == "savi" else 1.0}
    theirs = spyndex.computeIndex(THEIRS.get(key, key.upper()), symbols | constants)
    ours = one.formula(*given.values())
    assert ours.dtype == np.float32
    said = np.isfinite(ours)
    assert said.mean() > 0.5  # EVI runs away where 7.5 blue is more than the rest
    np.testing.assert_allclose(ours[said], theirs[said], atol=2e-5)


@pytest.mark.parametrize("key", sorted(INDICES))
def test_no_index_speaks_of_a_pixel_without_light(key):
    one = index(key)
    dark = [np.array([np.nan, -0.3], np.float32) for _ in one.bands]
    assert np.isnan(one.formula(*dark)).all() or key in ("evi", "evi2", "savi")


def test_an_offset_left_out_is_seen():
    """Baseline 04.00 adds 1000 to each DN: NDVI 0.5 would read 0.27 without the offset."""
    before = reflectance(np.array([1000, 3000], np.uint16), Calibration())
    since = reflectance(np.array([2000, 4000], np.uint16), Calibration(offset=-1000.0))
    np.testing.assert_allclose(before, since)
    naive = reflectance(np.array([2000, 4000], np.uint16), Calibration())
    assert ndvi(*since.reshape(2, 1))[0] == pytest.approx(0.5)
    assert ndvi(*naive.reshape(2, 1))[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("red", "nir"), [(0.0, 0.0), (-0.01, 0.02), (0.02, -0.01), (-0.1, -0.1), (np.nan, 0.3)]
)
def test_undefined_where_a_reflectance_is_not_positive_enough(red, nir):
    assert np.isnan(ndvi(np.array([red], np.float32), np.array([nir], np.float32)))[0]


@given(st.floats(0, 1.5, width=32), st.floats(0, 1.5, width=32))
def test_stays_within_minus_one_and_one(red, nir):
    value = ndvi(np.array([red], np.float32), np.array([nir], np.float32))[0]
    assert np.isnan(value) or -1 <= value <= 1


def test_no_value_in_nodata_and_saturation():
    dn = np.array([0, 1, 65534, 65535], np.uint16)
    assert has_value(dn).tolist() == [False, True, True, False]


def test_numbers_keep_a_ten_thousandth_and_nodata():
    coded = numbers(np.array([-1.0, -0.00004, 0.12345, 1.0, np.nan], np.float32))
    assert coded.tolist() == [-10000, 0, 1234, 10000, -32768] or coded.tolist()[2] in (1234, 1235)
    assert coded.dtype == np.int16


def test_display_codes_span_the_range_and_clip():
    values = np.array([-0.9, -0.2, 0.4, 1.0, np.nan], np.float32)
    assert display(values, -0.2, 1.0).tolist() == [1, 1, 128, 255, 0]


def test_unknown_index():
    with pytest.raises(NotFound):
        index("ndwii")
