"""Radiance to reflectance, against published figures."""

import math

import pytest

from analytics.remote.radiance import earth_sun_distance, reflectance_per_radiance


@pytest.mark.parametrize(
    # Landsat 7 Science Data Users Handbook, table 11.4
    ("day", "distance"),
    [(1, 0.98331), (91, 0.99926), (152, 1.01403), (182, 1.01667), (274, 1.00119), (365, 0.98333)],
)
def test_distance_of_the_sun(day, distance):
    assert earth_sun_distance(day) == pytest.approx(distance, abs=6e-4)


def test_a_white_surface_under_the_zenith_reflects_everything():
    radiance = 1500 / math.pi
    assert radiance * reflectance_per_radiance(1500, 90, 1.0) == pytest.approx(1)
    assert reflectance_per_radiance(1500, 30, 1.0) == pytest.approx(2 * math.pi / 1500)
