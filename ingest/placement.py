"""Placement: which datastream a reading belongs to and how its value is converted.

The catalogue of devices is compiled into rows of numbers, so that a reading costs one
dictionary lookup and a batch is converted and checked by numpy at once.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from ingest.judgement import Sorts
from ingest.mqtt.format import Sent
from ingest.profiles import profiles
from models import units
from models.calendar import SHANGHAI
from models.calibration import calibrated
from models.device import Datastream, DeviceCatalogue
from models.errors import UnknownQuantity, UnknownUnit
from models.profile import Profile
from models.quantity import quantity
from models.reading import Reason
from models.units import conversion

_ROW = np.dtype(
    [
        ("datastream_id", np.int32),
        ("factor", np.float64),
        ("offset", np.float64),
        ("sort", np.int32),
        ("unit", np.int16),
    ]
)
_EUI = re.compile(r"[0-9a-f]{16}")  # as ChirpStack writes it in topics; labels use capitals


class Unplaced(NamedTuple):
    """Why a reading has no datastream."""

    reason: Reason
    detail: str


@dataclass(slots=True)
class Device:
    """A device: the row of each channel that needs no thought, and all its datastreams."""

    key: str
    id: int = 0
    rows: dict[str | None, int] = field(default_factory=dict)
    streams: dict[str, Datastream] = field(default_factory=dict)
    zone: ZoneInfo | None = None  # where it or a profile is not the usual one
    profile: str = ""


class Placement:
    """A compiled catalogue."""

    def __init__(self, catalogue: DeviceCatalogue) -> None:
        self.version = catalogue.version
        self.calibration_version = catalogue.calibration_version
        self.calibrations = catalogue.calibrations
        self.calibrated = np.array(sorted(catalogue.calibrations), np.int32)
        self.announcements = catalogue.announcements
        self.sorts = Sorts()
        self._rows: list[tuple[int, float, float, int, int]] = []
        self._table: NDArray[np.void] = np.zeros(0, _ROW)
        self._overridden: dict[tuple[int, str], int] = {}
        self._devices = {
            key: self._device(key, device_id, catalogue)
            for key, device_id in catalogue.devices.items()
        }

    def _device(self, key: str, device_id: int, catalogue: DeviceCatalogue) -> Device:
        streams = catalogue.streams.get(device_id, {})
        device = Device(key, device_id, streams=streams)
        zone = catalogue.zones.get(device_id, SHANGHAI.key)
        device.profile = catalogue.profiles.get(device_id, "")
        if device.profile or zone != SHANGHAI.key:
            device.zone = _zone(zone)
        for channel, stream in streams.items():
            # a stream registered before its unit left the register must not stop the others
            with suppress(UnknownQuantity, UnknownUnit):
                device.rows[channel] = self._add(stream, stream.unit, device)
        if device.profile in profiles():
            _respell(device, profiles()[device.profile])
        return device

    def _add(self, stream: Datastream, unit: str, device: Device) -> int:
        factor, offset = conversion(unit, stream.quantity)
        sort = self.sorts.number(stream, device.profile)
        self._rows.append((stream.id, factor, offset, sort, units.number(unit)))
        return len(self._rows) - 1

    def correct(
        self, stream: int, values: NDArray[np.float64], times: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Apply the calibrations of a datastream to canonical values at some times [us]."""
        return calibrated(values, times, self.calibrations[stream])

    def remember(self, announced: dict[str, dict[str, Any]]) -> None:
        """Take over what committed messages said for the later ones."""
        self.announcements.update(announced)

    def device(self, key: str) -> Device | None:
        """Find a device by its key; a LoRaWAN devEUI also when registered in capitals."""
        found = self._devices.get(key)
        if found is None and _EUI.fullmatch(key):
            return self._devices.get(key.upper())
        return found

    def table(self) -> NDArray[np.void]:
        """Return the rows: datastream, factor and offset to canonical, plausible range, unit."""
        if len(self._table) != len(self._rows):
            self._table = np.array(self._rows, _ROW)
        return self._table

    def row(self, device: Device, sent: Sent) -> int | Unplaced:
        """Find the row of a reading that names a unit or a quantity, or no known channel."""
        stream = self._stream(device, sent)
        if isinstance(stream, Unplaced):
            return stream
        unit = stream.unit if sent.unit is None else sent.unit
        key = (stream.id, unit)
        if key not in self._overridden:
            try:
                self._overridden[key] = self._add(stream, unit, device)
            except UnknownUnit as error:
                return Unplaced(Reason.UNKNOWN_UNIT, error.message)
            except UnknownQuantity as error:
                return Unplaced(Reason.UNKNOWN_QUANTITY, error.message)
        return self._overridden[key]

    def _stream(self, device: Device, sent: Sent) -> Datastream | Unplaced:
        if sent.channel is not None:
            found = device.streams.get(sent.channel)
            if found is None:
                detail = f"the device has no channel {sent.channel[:80]!r}"
                return Unplaced(Reason.UNKNOWN_QUANTITY, detail)
            if sent.quantity in (None, found.quantity):
                return found
            detail = f"channel {found.channel!r} measures {found.quantity}, not {sent.quantity!r}"
            return Unplaced(Reason.UNKNOWN_QUANTITY, detail)
        return _by_quantity(device, sent)


def _by_quantity(device: Device, sent: Sent) -> Datastream | Unplaced:
    try:
        wanted = quantity(sent.quantity or "")
    except UnknownQuantity as error:
        return Unplaced(Reason.UNKNOWN_QUANTITY, error.message)
    matches = [
        stream
        for name, stream in device.streams.items()
        if name == stream.channel  # once, not under each of its spellings
        and stream.quantity == wanted.key
        and sent.depth_cm in (None, stream.depth_cm)
    ]
    if len(matches) == 1:
        return matches[0]
    depth = "" if sent.depth_cm is None else f" at {sent.depth_cm:g} cm"
    hint = "; say which 'channel' or 'depth_cm'" if matches else ""
    detail = f"the device has {len(matches)} datastreams of {wanted.key}{depth}{hint}"
    return Unplaced(Reason.UNKNOWN_QUANTITY, detail)


def _respell(device: Device, profile: Profile) -> None:
    """Let the other spellings that the device's profile knows mean the same datastreams."""
    others = profile.spellings(device.streams)
    device.streams = device.streams | {o: device.streams[name] for o, name in others.items()}
    device.rows |= {o: device.rows[name] for o, name in others.items() if name in device.rows}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # it was checked when it was registered
        return SHANGHAI
