"""Formulas over two quantities that an alarm rule may watch."""

from collections.abc import Callable


def thi_mader_2006(temperature: float, humidity: float) -> float:
    """Temperature-humidity index of cattle, Mader et al. 2006.

    Source: agronomy reference, section 7 (eagle.direct): 0.8 T + RH (T - 14.4) + 46.4.

    Parameters
    ----------
    temperature : float
        Air temperature [Cel].
    humidity : float
        Relative humidity [%].
    """
    return 0.8 * temperature + humidity / 100 * (temperature - 14.4) + 46.4


FORMULAS: dict[str, Callable[[float, float], float]] = {"thi_mader_2006": thi_mader_2006}
