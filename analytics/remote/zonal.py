"""What the pixels of a field add up to, and when they are too few to say anything."""

import math
from dataclasses import dataclass

# under this share of valid pixels the mean is null, not a low NDVI
LEAST_VALID_SHARE = 0.30
# coverage fractions are float32: 1 - 1e-6 of a field is the whole field
WHOLE = 0.995


@dataclass(frozen=True, slots=True)
class Spread:
    """How the valid pixels of a field spread, each weighted by its share inside.

    Attributes
    ----------
    median, p10, p90 : float
        Quantiles 0.5, 0.1 and 0.9 [unit of the product].
    sd : float
        Standard deviation of the population of pixels.
    """

    median: float
    p10: float
    p90: float
    sd: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Mean over a field [unit of the product], with the pixels it rests on.

    Attributes
    ----------
    mean : float or None
        None when fewer than 30 % of the field carry a value.
    n_valid, n_total : int
        Pixels with a value, and pixels of the whole field, rounded from coverage.
    valid_share : float
        Share of the field's area that carries a value, 0..1.
    cloud_share : float or None
        Share under cloud, cirrus or shadow; None when no mask knows.
    spread : Spread or None
        None with the mean.
    """

    mean: float | None
    n_valid: int
    n_total: int
    valid_share: float
    cloud_share: float | None
    spread: Spread | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every pixel of the field took part."""
        return self.valid_share >= WHOLE


def verdict(
    mean: float, valid: float, total: float, cloud: float | None, spread: Spread | None = None
) -> Verdict:
    """Judge one field.

    Parameters
    ----------
    mean : float
        Coverage-weighted mean of the valid pixels; NaN when there are none.
    valid, total : float
        Pixels with a value and pixels of the whole field, as sums of coverage: a pixel
        half inside counts 0.5. ``total`` comes from the polygon, so that the part of a
        field beyond the edge of the scene counts as not valid.
    cloud : float or None
        Pixels under cloud, as a sum of coverage; None when there is no cloud mask.
    spread : Spread or None
        Of the valid pixels; kept only where the mean is.
    """
    share = min(valid / total, 1.0) if total > 0 else 0.0
    known = share >= LEAST_VALID_SHARE and math.isfinite(mean)
    return Verdict(
        mean=mean if known else None,
        n_valid=round(valid),
        n_total=round(total),
        valid_share=share,
        cloud_share=None if cloud is None or total <= 0 else min(cloud / total, 1.0),
        spread=spread if known else None,
    )
