"""What the uplinks of all LoRaWAN network servers have in common.

A network server hands on the bytes of a frame, the object that its own decoder made of them,
or both. The object counts; where there is none, or the decoder failed, the bytes go through
the codec that the device's profile names.
"""

import binascii
import math
from base64 import b64decode
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ingest import codecs
from ingest.mqtt.format import Decoded, Sent, Signs, Undecodable, Uplink
from ingest.mqtt.harvest import Harvest, storable
from ingest.mqtt.wire import instant, named, number_or_text
from ingest.profiles import profiles
from models.errors import UnknownUnit
from models.profile import Profile, ProfileChannel
from models.reading import Reason
from models.units import to_canonical

_HISTORY = "history"  # earlier records, sent after a gap: each with its own time
_STAMPS = ("timestamp", "time")
# a decoder that failed tells nothing but these (LoRa Alliance TS013, section 4)
_FAILED = {"errors", "warnings", "error"}
_COUNTERS = 1 << 32
# units of the normalized payload: TheThingsNetwork/lorawan-devices 0a254aa, lib/payload.json
_NORMALIZED = {
    "moisture": "%",
    "temperature": "Cel",
    "ec": "dS/m",
    "pH": "[pH]",
    "relativeHumidity": "%",
    "pressure": "hPa",
    "co2": "[ppm]",
    "lightIntensity": "lx",
    "speed": "m/s",
    "direction": "deg",
}


class Frame(NamedTuple):
    """An uplink, whichever network server handed it on.

    Both leave out what is 0: a missing counter or signal-to-noise ratio is one of 0.

    Attributes
    ----------
    time : int or None
        When the network received it, microseconds since 1970-01-01T00:00Z.
    session, counter, port : object
        As stated.
    measured : dict or None
        Object of the network server's decoder.
    normalized : list of dict
        The same in the words of the device repository, where the network server tells it.
    data : str or None
        Bytes in Base64.
    complaint : str
        What the network server's decoder said when it failed.
    """

    time: int | None
    session: object
    counter: object
    port: object
    measured: dict[str, Any] | None
    data: str | None
    complaint: str = ""
    normalized: Sequence[dict[str, Any]] = ()


def decode(frame: Frame, signs: Signs, profile_key: str) -> Decoded:
    """Read an uplink.

    Raises
    ------
    Undecodable
        There are bytes, but neither an object nor a codec that fits them.
    """
    profile = profiles().get(profile_key)
    harvest = Harvest(numeric_text=True)
    if frame.measured and not _failed(frame.measured):
        _take_object(harvest, frame.measured, frame.time)
    elif frame.normalized:
        _take_normalized(harvest, frame)
    elif frame.data:
        _take_bytes(harvest, frame, profile)
    found = harvest.decoded(_with_battery(signs, harvest.sent, frame.time, profile))
    return found._replace(uplink=_uplink(frame))


def _failed(measured: dict[str, Any]) -> bool:
    return measured.keys() <= _FAILED


def _take_object(harvest: Harvest, measured: dict[str, Any], time: int | None) -> None:
    history = measured.get(_HISTORY)
    if not isinstance(history, list):
        harvest.take_all(measured, time)
        return
    harvest.take_all({key: v for key, v in measured.items() if key != _HISTORY}, time)
    for record in history:
        _take_record(harvest, record)


def _take_record(harvest: Harvest, record: object) -> None:
    if not isinstance(record, dict):
        harvest.refuse(_HISTORY, f"a record is {named(record)}, not an object")
        return
    stamp = next((key for key in _STAMPS if key in record), "")
    try:
        time = _own_time(record.get(stamp))
    except Undecodable as fault:
        harvest.refuse(_HISTORY, f"a record is without its time: {fault.detail}")
        return
    harvest.take_all({key: v for key, v in record.items() if key != stamp}, time)


def _take_normalized(harvest: Harvest, frame: Frame) -> None:
    for record in frame.normalized:
        time = moment(record.get("time"))
        values = {key: v for key, v in record.items() if key != "time"}
        harvest.take_all(values, frame.time if time is None else time, units=_NORMALIZED)


def _own_time(stated: object) -> int:
    try:
        return instant(number_or_text(stated))
    except Undecodable:
        return instant(stated)


def _take_bytes(harvest: Harvest, frame: Frame, profile: Profile | None) -> None:
    said = f" ({frame.complaint})" if frame.complaint else ""
    if profile is None or not profile.codec:
        why = "the device has no profile" if profile is None else "its profile names no codec"
        raise Undecodable(Reason.UNDECODED, f"raw bytes only{said}: {why}")
    try:
        data = b64decode(frame.data or "", validate=True)
    except (binascii.Error, ValueError):
        raise Undecodable(Reason.UNDECODED, f"the bytes are no Base64{said}") from None
    port = figure(frame.port)
    for name, value, time in codecs.decode(
        profile.codec, data, None if port is None else int(port)
    ):
        harvest.take(name, value, frame.time if time is None else time)


def _with_battery(
    signs: Signs, sent: Iterable[Sent], time: int | None, profile: Profile | None
) -> Signs:
    """Add the battery that the frame itself measured."""
    for reading in sent:
        channel = profile.channel(reading.channel or "") if profile else None
        if channel is None or reading.time != time or not _measured(reading.value, channel):
            continue
        with suppress(UnknownUnit):
            value = to_canonical(reading.value, reading.unit or channel.unit, channel.quantity)
            if channel.quantity == "battery_level":
                signs = signs._replace(battery_pct=value)
            elif channel.quantity == "battery_voltage":
                signs = signs._replace(battery_v=value)
    return signs


def _measured(value: float, channel: ProfileChannel) -> bool:
    return math.isfinite(value) and value not in channel.sentinels


def _uplink(frame: Frame) -> Uplink | None:
    counter = 0.0 if frame.counter is None else figure(frame.counter)
    if not isinstance(frame.session, str) or not frame.session or frame.time is None:
        return None
    if counter is None or counter != int(counter) or not 0 <= counter < _COUNTERS:
        return None
    return Uplink(storable(frame.session[:100]), int(counter), frame.time)


def reception(gateways: object, name: tuple[str, ...]) -> tuple[Signs, int | None]:
    """Return the signal at the gateway that heard the frame best, and when gateways heard it.

    Parameters
    ----------
    gateways : object
        List of objects with ``rssi`` [dBm], ``snr`` [dB] and ``nsTime`` or ``time``.
    name : tuple of str
        Path to the gateway's name.

    Returns
    -------
    signs : Signs
    time : int or None
        The earliest one stated, microseconds since 1970-01-01T00:00Z.
    """
    heard = [g for g in gateways if isinstance(g, dict)] if isinstance(gateways, list) else []
    if not heard:
        return Signs(online=True), None
    best = max(heard, key=_strength)
    rssi = figure(best.get("rssi"))
    signs = Signs(
        rssi_dbm=rssi,
        snr_db=figure(best.get("snr", None if rssi is None else 0)),
        gateway=_inner(best, name),
        online=True,
    )
    return signs, _heard_at(heard)


def _strength(gateway: dict[str, Any]) -> float:
    rssi = figure(gateway.get("rssi"))
    return -math.inf if rssi is None else rssi


def _heard_at(gateways: list[dict[str, Any]]) -> int | None:
    # the network server's clock first: gateways without GPS may be years off
    for key in ("nsTime", "time"):
        times = [at for g in gateways if (at := moment(g.get(key))) is not None]
        if times:
            return min(times)
    return None


def _inner(found: Any, path: tuple[str, ...]) -> str | None:  # noqa: ANN401
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return storable(found[:100]) if isinstance(found, str) else None


def figure(stated: object) -> float | None:
    """Read a number, also as text; None for anything else and for what is not finite."""
    try:
        found = number_or_text(stated)
    except Undecodable:
        return None
    return found if math.isfinite(found) else None


def moment(stated: object) -> int | None:
    """Read an RFC 3339 time; None where there is none or it cannot be read."""
    try:
        return instant(stated) if isinstance(stated, str) else None
    except Undecodable:
        return None
