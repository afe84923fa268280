"""Scene classification codes, one by one."""

import numpy as np
import pytest

from analytics.remote import masks


@pytest.mark.parametrize(
    ("code", "kept", "cloud"),
    [
        (0, False, False),
        (1, False, False),
        (2, True, False),
        (3, False, True),
        (4, True, False),
        (5, True, False),
        (6, True, False),
        (7, True, False),
        (8, False, True),
        (9, False, True),
        (10, False, True),
        (11, False, False),
        (12, False, False),
        (255, False, False),
    ],
)
def test_each_code(code, kept, cloud):
    scl = np.array([[code]], np.uint8)
    assert masks.clear(scl)[0, 0] == kept
    assert masks.cloudy(scl)[0, 0] == cloud


def test_every_code_is_decided():
    assert sorted(masks.KEPT + masks.MASKED) == list(range(12))


def test_coarse_classes_are_repeated_never_averaged():
    coarse = np.array([[4, 9], [5, 6]], np.uint8)
    fine = masks.nearest(coarse, np.arange(4), np.arange(3), 2)
    assert fine.tolist() == [[4, 4, 9], [4, 4, 9], [5, 5, 6], [5, 5, 6]]


@pytest.mark.parametrize("bit", range(16))
def test_each_bit_of_qa_pixel_stands_alone(bit):
    """Bits of LSDS-1619 table 6-3; a shift by one would fail four of these."""
    marks = masks.QA_PIXEL.marks(np.array([[1 << bit, 0]], np.uint16))[0]
    expected = {
        0: masks.OUT,
        1: masks.OUT | masks.UNDER_CLOUD,
        2: masks.OUT | masks.UNDER_CLOUD,
        3: masks.OUT | masks.UNDER_CLOUD,
        4: masks.OUT | masks.UNDER_SHADOW,
        5: masks.OUT | masks.SNOW,
        7: masks.WATER,
    }
    assert marks.tolist() == [expected.get(bit, 0), 0]


@pytest.mark.parametrize(
    ("word", "passes"),
    [(21824, True), (21952, True), (22280, False), (23888, False), (30048, False), (1, False)],
)
def test_words_of_qa_pixel_as_they_come(word, passes):
    """Typical values of the USGS guide: clear, water, cloud, shadow, snow, fill."""
    assert bool(masks.passing(masks.QA_PIXEL.marks(np.array([word], np.uint16)))[0]) is passes


def test_codes_beyond_a_table_are_out_whatever_their_type():
    scheme = masks.by_code("x", (0, 1), {"snow": (2,)})
    codes = np.array([-1, 0, 1, 2, 3, 300, 70_000, np.nan])
    assert masks.passing(scheme.marks(codes)).tolist() == [False, True, True] + 5 * [False]
    signed = np.array([-1, 0, 127], np.int8)
    assert masks.passing(scheme.marks(signed)).tolist() == [False, True, False]


@pytest.mark.parametrize("radius", [1, 2, 3, 7, 40])
def test_widening_equals_the_distance_to_every_pixel(radius):
    rng = np.random.default_rng(radius)
    flags = rng.random((23, 31)) > 0.99
    rows, columns = np.mgrid[0:23, 0:31]
    expected = np.zeros_like(flags)
    for row, column in np.argwhere(flags):
        expected |= (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    assert np.array_equal(masks.dilated(flags, radius), expected)


def test_widening_takes_cloud_and_shadow_but_neither_snow_nor_water():
    scl = np.full((9, 9), 4, np.uint8)
    scl[4, 4], scl[0, 0], scl[8, 8] = 9, 11, 6
    wide = masks.grown(masks.SCL.marks(scl), 1)
    assert masks.clouded(wide).sum() == 5
    assert (~masks.passing(wide)).sum() == 6
    assert ((wide & masks.SNOW) != 0).sum() == ((wide & masks.WATER) != 0).sum() == 1
    assert masks.grown(wide, 0) is wide
