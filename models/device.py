"""Devices and their datastreams (SensorThings words)."""

import re
from dataclasses import dataclass
from datetime import datetime

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
    """A thing that publishes: `key` is its name on the wire (serial or LoRaWAN devEUI)."""

    id: int
    key: str
    farm_id: int
    field_id: int | None
    region_code: str
    name_zh: str
    name_en: str
    location: tuple[float, float]
    provenance: Provenance


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
    """

    devices: dict[str, int]
    streams: dict[int, dict[str, Datastream]]
    version: int
