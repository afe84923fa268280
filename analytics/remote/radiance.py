"""From radiance at the sensor to reflectance at the top of the atmosphere."""

import math


def earth_sun_distance(day_of_year: int) -> float:
    """Distance of the sun [au] on a day of the year, 1..366.

    1 - 0.01672 cos(0.9856 degrees (day - 4)): Landsat 7 Science Data Users Handbook,
    within 6e-4 of its table 11.4.
    """
    return 1 - 0.01672 * math.cos(math.radians(0.9856 * (day_of_year - 4)))


def reflectance_per_radiance(irradiance: float, sun_elevation: float, distance: float) -> float:
    """Reflectance [1] for each unit of radiance: pi d^2 / (E sin(elevation)).

    Chander et al. 2009, eq. 2 (doi:10.1016/j.rse.2009.01.007).

    Parameters
    ----------
    irradiance : float
        Solar irradiance outside the atmosphere in the band [W m-2 um-1].
    sun_elevation : float
        Height of the sun above the horizon [degrees].
    distance : float
        Distance of the sun [au].
    """
    return math.pi * distance**2 / (irradiance * math.sin(math.radians(sun_elevation)))
