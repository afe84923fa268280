"""Colour ramps: perceptually even, readable without red-green vision, with their legend.

A ramp is a path through OKLab (Ottosson 2020), in which equal distances look equal. It is
walked at constant speed and its lightness only falls, so that order survives colour
blindness, grey printing and a poor screen.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

STEPS = 255  # display codes 1..255; 0 is nodata and transparent
_LEGEND_STOPS = 7

# OKLab -> LMS -> linear sRGB, from the published definition (bottosson.github.io/posts/oklab)
_LAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@dataclass(frozen=True, slots=True)
class Ramp:
    """Knots of a path: lightness 0..1, chroma, hue in degrees (OKLCh)."""

    knots: tuple[tuple[float, float, float], ...]
    unit: str


# bare soil as pale sand, then wheat, leaf, and the deep green of closed maize
_NDVI = Ramp(
    (
        (0.89, 0.045, 80),
        (0.80, 0.095, 95),
        (0.64, 0.125, 128),
        (0.46, 0.105, 146),
        (0.30, 0.06, 155),
    ),
    unit="1",
)
# dry straw to the deep blue of water in the leaves
_MOISTURE = Ramp(
    (
        (0.90, 0.05, 85),
        (0.80, 0.07, 150),
        (0.65, 0.09, 195),
        (0.48, 0.11, 240),
        (0.30, 0.10, 265),
    ),
    unit="1",
)
# land stays pale, water is dark: what is looked for is seen at once
_WATER = Ramp(
    (
        (0.93, 0.02, 100),
        (0.80, 0.05, 215),
        (0.63, 0.10, 235),
        (0.46, 0.13, 255),
        (0.28, 0.11, 265),
    ),
    unit="1",
)
# under leaves pale, bare ground the brown of wet black soil
_SOIL = Ramp(
    (
        (0.92, 0.04, 120),
        (0.80, 0.07, 85),
        (0.64, 0.10, 65),
        (0.47, 0.09, 55),
        (0.30, 0.05, 50),
    ),
    unit="1",
)
RAMPS: dict[str, Ramp] = {
    "ndvi": _NDVI,
    "moisture": _MOISTURE,
    "water": _WATER,
    "soil": _SOIL,
}


def _path(ramp: Ramp, samples: int = 2000) -> NDArray[np.float64]:
    """Return OKLab points along the knots, evenly spaced in colour difference."""
    lightness, chroma, hue = np.array(ramp.knots).T
    along = np.linspace(0, 1, samples)
    at = np.linspace(0, 1, len(ramp.knots))
    chroma = np.interp(along, at, chroma)
    angle = np.radians(np.interp(along, at, hue))
    lab = np.column_stack(
        [np.interp(along, at, lightness), chroma * np.cos(angle), chroma * np.sin(angle)]
    )
    walked = np.r_[0, np.linalg.norm(np.diff(lab, axis=0), axis=1).cumsum()]
    even = np.linspace(0, walked[-1], STEPS)
    return np.column_stack([np.interp(even, walked, lab[:, i]) for i in range(3)])


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.uint8]:
    linear = np.clip((lab @ _LAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    levels: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return levels


@cache
def colours(palette: str) -> NDArray[np.uint8]:
    """Return the colour of every display code, ``(256, rgb)``; code 0 is never seen."""
    table = np.zeros((STEPS + 1, 3), np.uint8)
    table[1:] = _srgb(_path(RAMPS[palette]))
    return table


def stops(palette: str, low: float, high: float) -> list[dict[str, float | str]]:
    """Return values from low to high with their colours, for the legend."""
    table = colours(palette)
    codes = np.linspace(1, STEPS, _LEGEND_STOPS).round().astype(int)
    values = np.linspace(low, high, _LEGEND_STOPS)
    return [
        {"value": round(float(value), 6) + 0.0, "color": "#" + table[code].tobytes().hex()}
        for value, code in zip(values, codes, strict=True)
    ]
