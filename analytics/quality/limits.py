"""Limits of the quality checks, loaded once from `limits.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from models.quantity import quantity

_FILE = Path(__file__).with_name("limits.toml")
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class StepLimit:
    """Largest credible change: see the head of `limits.toml`; unit, rate in unit per hour."""

    rise: float
    fall: float
    k: float
    sudden: float
    rate: float
    most: float


@dataclass(frozen=True, slots=True)
class SpikeLimit:
    """Smallest prominence of a spike: floor [unit], k times the usual one, share of the level."""

    floor: float
    k: float
    relative: float


@dataclass(frozen=True, slots=True)
class StuckLimit:
    """Longest credible run of equal values.

    Attributes
    ----------
    least : float
        No shorter run says anything [h].
    surprise : float
        Improbability of a run above which it is flagged [nat].
    prior : float
        Share of repeated values to assume where the neighbourhood is short.
    hours : float
        Longest run credible at all [h].
    release : float
        Jump at the end of a run that betrays even a shorter one [unit].
    by : str
        Direction of such a jump: ``both`` or ``fall``.
    rest : tuple of (low, high, hours)
        Values at which the quantity may rest, and for how long [unit, unit, h].
    """

    least: float
    surprise: float
    prior: float
    hours: float
    release: float
    by: str
    rest: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class GapLimit:
    """A gap is longer than so many times the usual interval."""

    times: float


@dataclass(frozen=True, slots=True)
class NeighbourLimit:
    """Departure from the other stations: floor [unit], k times the usual one, days to learn."""

    floor: float
    k: float
    days: int


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one quantity; a check without one is not made.

    Attributes
    ----------
    low, high : float
        Plausible range, canonical unit.
    sentinels : tuple of float
        Codes as sent that mean "no measurement" even where they are plausible values.
    codes : tuple of float
        Codes as sent that mean it only outside the plausible range.
    saturated_low, saturated_high : float
        A value at or beyond one of these is pinned at the end of its probe.
    """

    low: float
    high: float
    sentinels: tuple[float, ...]
    codes: tuple[float, ...]
    saturated_low: float
    saturated_high: float
    step: StepLimit | None = None
    spike: SpikeLimit | None = None
    stuck: StuckLimit | None = None
    gap: GapLimit | None = None
    neighbour: NeighbourLimit | None = None

    @property
    def contextual(self) -> bool:
        """Whether any check looks at a value's own neighbours in time."""
        return any((self.step, self.spike, self.stuck, self.gap))


def _read(key: str, table: Mapping[str, Any], codes: tuple[float, ...]) -> Limits:
    known = quantity(key)
    saturation = table.get("saturation", {})
    own = table.get("sentinels", {}).get("codes", ())
    return Limits(
        known.low,
        known.high,
        tuple(float(code) for code in own),
        codes,
        float(saturation.get("low", float("-inf"))),
        float(saturation.get("high", float("inf"))),
        _part(StepLimit, table.get("step")),
        _part(SpikeLimit, table.get("spike")),
        _stuck(table.get("stuck")),
        _part(GapLimit, table.get("gap")),
        _part(NeighbourLimit, table.get("neighbour")),
    )


def _part(kind: type[_Part], table: Mapping[str, Any] | None) -> _Part | None:
    if table is None:
        return None
    return kind(**{name: value for name, value in table.items() if name != "source"})


def _stuck(table: Mapping[str, Any] | None) -> StuckLimit | None:
    if table is None:
        return None
    rest = tuple((float(a), float(b), float(h)) for a, b, h in table["rest"])
    return _part(StuckLimit, {**table, "rest": rest})


@cache
def tables() -> dict[str, Any]:
    """Return the file as it is."""
    return tomllib.loads(_FILE.read_text("utf-8"))


@cache
def limits(key: str) -> Limits:
    """Return the limits of a quantity.

    Raises
    ------
    UnknownQuantity
        The key is not in the register of quantities.
    """
    quantity(key)
    codes = tuple(float(code) for code in tables()["sentinels"]["codes"])
    return _read(key, tables().get(key, {}), codes)


def of_probe(
    common: Limits, sentinels: Sequence[float], floor: float | None, ceiling: float | None
) -> Limits:
    """Return the limits of a quantity as one probe model measures it.

    Parameters
    ----------
    common : Limits
        Of the quantity.
    sentinels : sequence of float
        Further codes of this model, as sent.
    floor, ceiling : float or None
        Ends of its scale, canonical unit; None leaves the common ones.
    """
    return replace(
        common,
        sentinels=(*common.sentinels, *sentinels),
        saturated_low=common.saturated_low if floor is None else floor,
        saturated_high=common.saturated_high if ceiling is None else ceiling,
    )
