"""The limits that each datastream is judged by: those of its quantity, and of its probe's model."""

from analytics.quality.limits import Limits, limits, of_probe
from analytics.quality.pointwise import PointLimits
from ingest.profiles import profiles
from models.device import Datastream
from models.profile import ProfileChannel
from models.units import to_canonical


class Sorts:
    """Numbers the different limits of a catalogue, so that a batch is judged at once."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._limits: list[Limits] = []
        self._compiled: PointLimits | None = None

    def number(self, stream: Datastream, profile: str = "") -> int:
        """Return the number of the limits of a datastream of a device of some profile.

        Raises
        ------
        UnknownQuantity
            The quantity left the register.
        """
        known = profiles().get(profile)
        channel = known.channel(stream.channel) if known else None
        key = (stream.quantity, profile, channel.name) if channel else (stream.quantity, "", "")
        if key not in self._numbers:
            self._limits.append(_limits(stream.quantity, channel))
            self._numbers[key] = len(self._limits) - 1
            self._compiled = None
        return self._numbers[key]

    def compiled(self) -> PointLimits:
        """Return all limits numbered so far."""
        if self._compiled is None:
            self._compiled = PointLimits(self._limits)
        return self._compiled


def _limits(quantity: str, channel: ProfileChannel | None) -> Limits:
    common = limits(quantity)
    if channel is None or channel.quantity != quantity:
        return common
    ends = [
        None if end is None else to_canonical(end, channel.unit, quantity)
        for end in (channel.floor, channel.ceiling)
    ]
    return of_probe(common, channel.sentinels, *ends)
