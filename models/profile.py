"""Device profiles: what the values of a device model mean."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from models.device import NewStream


@dataclass(frozen=True)
class ProfileChannel:
    """One value of a device model: what it measures, and how it is spelt on the wire.

    Attributes
    ----------
    name : str
        Channel of the datastream.
    quantity, unit : str
        What it measures; the unit in which the device sends it.
    keys : tuple of str
        Spellings of the value in payloads, of each network server and decoder; the name of
        the channel itself always counts.
    depth_cm : float or None
        Depth of the probe where the model fixes it, centimetres.
    buried : bool
        Whoever installs the probe chooses its depth.
    optional : bool
        Not every device has it: no datastream unless it is asked for.
    sentinels : tuple of float
        Values in the wire unit that mean "no measurement".
    floor, ceiling : float or None
        Ends of the scale in the wire unit: a value there is saturated.
    """

    name: str
    quantity: str
    unit: str
    keys: tuple[str, ...] = ()
    depth_cm: float | None = None
    buried: bool = False
    optional: bool = False
    sentinels: tuple[float, ...] = ()
    floor: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True)
class Profile:
    """A device model.

    Attributes
    ----------
    codec : str
        Name of the codec of its bytes; empty when it sends none.
    cadence_s : float or None
        Seconds between two messages as the maker sets it; None when it varies.
    source : str
        Where the facts come from.
    """

    key: str
    maker: str
    zh: str
    en: str
    channels: tuple[ProfileChannel, ...]
    source: str
    codec: str = ""
    cadence_s: float | None = None

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Spelling of a value in payloads -> its channel."""
        named = {channel.name: channel.name for channel in self.channels}
        return {key: c.name for c in self.channels for key in c.keys} | named

    @cached_property
    def by_name(self) -> dict[str, ProfileChannel]:
        """Channel -> its description."""
        return {channel.name: channel for channel in self.channels}

    def spellings(self, registered: Collection[str]) -> dict[str, str]:
        """Return other names of a device's registered channels: name -> channel.

        A device may also be registered under the spelling that its network server uses; the
        other spellings of that value then mean the same datastream.
        """
        found: dict[str, str] = {}
        for channel in self.channels:
            names = (channel.name, *channel.keys)
            meant = next((name for name in names if name in registered), None)
            if meant is not None:
                found |= {name: meant for name in names if name not in registered}
        return found

    def channel(self, key: str) -> ProfileChannel | None:
        """Return the channel that a payload key names, or None."""
        name = self.aliases.get(key)
        return None if name is None else self.by_name[name]


def streams_of(
    profile: Profile,
    *,
    depth_cm: float | None = None,
    depths: Mapping[str, float] | None = None,
    optional: frozenset[str] = frozenset(),
) -> list[NewStream]:
    """Return the datastreams that a device of a profile gets.

    Parameters
    ----------
    depth_cm : float, optional
        Depth at which its probe was buried, centimetres.
    depths : mapping, optional
        Channel -> depth, centimetres, for a device with probes at several depths.
    optional : frozenset of str
        Optional channels that this device has.
    """
    chosen = [c for c in profile.channels if not c.optional or c.name in optional]
    return [
        NewStream(c.name, c.quantity, c.unit, _depth(c, depth_cm, depths or {})) for c in chosen
    ]


def _depth(
    channel: ProfileChannel, depth_cm: float | None, depths: Mapping[str, float]
) -> float | None:
    chosen = depth_cm if channel.buried else channel.depth_cm
    return depths.get(channel.name, chosen)
