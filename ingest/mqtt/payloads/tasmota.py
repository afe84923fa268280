"""Tasmota: periodic telemetry of ESP modules.

``SENSOR`` holds an object for each sensor; its values are called "DHT22.Temperature".
``Time`` is local and names no zone, so the zone of the site is taken; ``Epoch`` is there by
an option and preferred. The units of temperature and pressure stand beside the sensors.
``STATE`` tells the signal, ``LWT`` (retained) whether the module is online.
Source: Tasmota documentation, MQTT and Commands (SetOption8, PressureUnit).
"""

from datetime import datetime
from typing import Any

import msgspec

from ingest.mqtt.format import Address, Decoded, Format, Signs, Undecodable
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.naming import key_of
from ingest.mqtt.wire import epoch, json_object, micros, named
from models.reading import Reason

_TEMPERATURES = ("Temperature", "DewPoint", "HeatIndex")
_PRESSURES = ("Pressure", "SeaPressure")
_UNITS = {"C": "Cel", "F": "[degF]", "K": "K", "hPa": "hPa", "mmHg": "mm[Hg]", "inHg": "[in_i'Hg]"}
_ABOUT = frozenset(("Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit"))


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a telemetry message.

    Raises
    ------
    Undecodable
        No telemetry of Tasmota.
    """
    kind = address.levels[-1]
    if kind == "LWT":
        return _will(payload)
    message = json_object(payload)
    if kind == "STATE":
        return Decoded([], [], signs=Signs(rssi_dbm=_signal(message)))
    harvest = Harvest()
    values = {name: stated for name, stated in message.items() if name not in _ABOUT}
    harvest.take_all(values, _time(message, address), units=_units(message))
    return harvest.decoded()


def _will(payload: bytes) -> Decoded:
    if not payload:
        return Decoded([], [])  # somebody cleared the retained message
    online = {b"online": True, b"offline": False}.get(payload.strip().lower())
    if online is None:
        detail = f"'Online' or 'Offline' is expected, not {payload[:40]!r}"
        raise Undecodable(Reason.WRONG_SHAPE, detail)
    return Decoded([], [], signs=Signs(online=online))


def _signal(message: dict[str, Any]) -> float | None:
    wifi = message.get("Wifi")
    signal = wifi.get("Signal") if isinstance(wifi, dict) else None  # RSSI is a share, in %
    return signal if isinstance(signal, float) else None


def _time(message: dict[str, Any], address: Address) -> int | None:
    stated = message.get("Epoch")
    if isinstance(stated, float):
        return epoch(stated)
    stated = message.get("Time")
    if stated is None:
        return None
    try:
        moment = msgspec.convert(stated, datetime)
    except (msgspec.ValidationError, ValueError):
        detail = f"'Time' {named(stated)} is no date and time: {str(stated)[:40]!r}"
        raise Undecodable(Reason.WRONG_SHAPE, detail) from None
    return micros(moment if moment.tzinfo else moment.replace(tzinfo=address.zone))


def _units(message: dict[str, Any]) -> dict[str, str]:
    told: dict[str, str] = {}
    for declared, names in (("TempUnit", _TEMPERATURES), ("PressureUnit", _PRESSURES)):
        unit = message.get(declared)
        if isinstance(unit, str):
            told |= dict.fromkeys(names, _UNITS.get(unit, unit))
    return told


def _device_key(levels: tuple[str, ...]) -> str:
    return key_of(levels[1])


FORMAT = Format("tasmota", ("tele/+/SENSOR", "tele/+/STATE", "tele/+/LWT"), _device_key, decode)
