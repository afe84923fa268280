"""Devices and their datastreams (SensorThings words)."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.calibration import Calibration
from models.errors import Invalid
from models.place import Provenance

# a key is an MQTT topic level and an entry of a password file: no wildcard, separator or control
_KEY = re.compile(r"[^\s/+#:\x00-\x1f\x7f]{1,100}")


def checked_key(key: str) -> str:
    """Return the name of a device on the wire, or raise Invalid when it cannot be one."""
    if _KEY.fullmatch(key) is None:
        why = f"{key!r} cannot name a device: 1 to 100 characters, none of them space / + # or :"
        raise Invalid(why=why)
    return key


@dataclass(frozen=True, slots=True)
class Device:
    """A thing that publishes: `key` is its name on the wire (serial or LoRaWAN devEUI).

    Attributes
    ----------
    profile : str or None
        Key of the profile that it was registered by (model, codec, channels).
    active : bool
        An inactive device may not log in to the broker, and its messages are set aside.
    formats : tuple of str
        Payload formats whose topics of its own it may publish.
    relays : tuple of str
        Topic filters that a gateway may publish for others.
    relay_group_id : int or None
        A group of devices whose topics a gateway may publish.
    has_secret : bool
        Whether it may log in to the broker.
    """

    id: int
    key: str
    farm_id: int
    field_id: int | None
    region_code: str
    name_zh: str
    name_en: str
    location: tuple[float, float]
    provenance: Provenance
    profile: str | None = None
    active: bool = True
    formats: tuple[str, ...] = ("heitu",)
    relays: tuple[str, ...] = ()
    relay_group_id: int | None = None
    has_secret: bool = False


@dataclass(frozen=True, slots=True)
class Datastream:
    """One quantity measured at one depth, in one wire unit, by a device or from the sky.

    Attributes
    ----------
    device_id : int or None
        The device; None for a zonal product of a field.
    field_id : int or None
        The field of a zonal product; None for a device's datastream.
    channel : str
        Name of the value in the device's payload, unique within the device.
    unit : str
        Unit in which the device sends it (UCUM); readings are stored in the canonical one.
    depth_cm : float or None
        Depth below the surface (soil, water), centimetres.
    """

    id: int
    device_id: int | None
    field_id: int | None
    channel: str
    quantity: str
    unit: str
    depth_cm: float | None


@dataclass(frozen=True, slots=True)
class Installation:
    """A span of time over which a device stood at one place (valid-time, end open)."""

    device_id: int
    location: tuple[float, float]
    since: datetime
    until: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class NewStream:
    """A datastream to register: see `Datastream` for the meaning of each attribute."""

    channel: str
    quantity: str
    unit: str
    depth_cm: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Devices that are looked after together; it lies in a region."""

    id: int
    key: str
    name_zh: str
    name_en: str
    region_code: str
    members: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to a device, by whom; never changed afterwards."""

    id: int
    device_id: int
    at: datetime
    by: str
    what: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A device announced with a claim key on its label, and what became of it."""

    device_key: str
    profile: str
    region_code: str
    announced: datetime
    announced_by: str
    claimed: datetime | None
    claimed_by: str | None
    device_id: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a device by its messages.

    Attributes
    ----------
    seen : datetime or None
        Arrival of its last message; None when there was none.
    online : bool
        It said so itself, or was heard within three of its usual intervals.
    battery_pct, battery_v, rssi_dbm, snr_db, skew_s : float or None
        Charge [%, V], signal [dBm, dB], clock ahead of ours [s].
    gateway : str or None
        The way its last message came.
    """

    seen: datetime | None = None
    online: bool = False
    battery_pct: float | None = None
    battery_v: float | None = None
    rssi_dbm: float | None = None
    snr_db: float | None = None
    skew_s: float | None = None
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who may log in to the broker, and what he may do there.

    Attributes
    ----------
    name : str
        User name; of a device its key.
    secret_hash : str
        As mosquitto keeps it: ``$7$rounds$salt$hash``.
    publishes, subscribes : tuple of str
        Topic filters he may publish to, and subscribe to and receive from.
    """

    name: str
    secret_hash: str
    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """A device that may log in to the broker, as the store knows it.

    Attributes
    ----------
    relayed : tuple of (str, tuple of str)
        Key and formats of each device whose topics it may publish too.
    """

    key: str
    secret_hash: str
    formats: tuple[str, ...]
    relays: tuple[str, ...]
    relayed: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class DeviceCatalogue:
    """What the intake needs to place a reading.

    Attributes
    ----------
    devices : dict
        Device key -> device id.
    streams : dict
        Device id -> its datastreams by channel.
    version : int
        Grows when a device or datastream is registered or changed.
    zones : dict
        Device id -> IANA time zone of its site.
    profiles : dict
        Device id -> key of its profile, of devices that have one.
    calibrations : dict
        Datastream id -> its calibrations.
    calibration_version : int
        Grows with every calibration.
    announcements : dict
        What messages said for the later ones, by its key.
    """

    devices: dict[str, int]
    streams: dict[int, dict[str, Datastream]]
    version: int
    zones: dict[int, str] = field(default_factory=dict)
    profiles: dict[int, str] = field(default_factory=dict)
    calibrations: dict[int, list[Calibration]] = field(default_factory=dict)
    calibration_version: int = 0
    announcements: dict[str, dict[str, Any]] = field(default_factory=dict)
