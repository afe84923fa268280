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
