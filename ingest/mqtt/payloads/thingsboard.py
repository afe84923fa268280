"""ThingsBoard's gateway telemetry: one message for many devices.

``{"Device A": [{"ts": ms, "values": {"temperature": 42}}], ...}``; the device is its name, an
entry without ``ts`` has the time of arrival. The device API (``v1/devices/me/telemetry``)
tells who sends by the connection's password only, so it cannot be told apart here.
Source: ThingsBoard documentation, MQTT gateway API.
"""

import json
from collections.abc import Sequence

from ingest.mqtt.format import Address, Decoded, Format, Undecodable
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.naming import key_of
from ingest.mqtt.wire import document, instant, json_object, named
from models.reading import Reason

_TOPIC = "v1/gateway/telemetry"


def decode(address: Address, payload: bytes) -> Decoded:
    """Read the entries of one device.

    Raises
    ------
    Undecodable
        No telemetry, or that of several devices which was not parted.
    """
    if len(address.levels) == 3:
        json_object(payload)
        raise Undecodable(Reason.WRONG_SHAPE, "not an object of lists by device name")
    entries = document(payload, unique=True)
    harvest = Harvest()
    for entry in entries if isinstance(entries, list) else [entries]:
        if not isinstance(entry, dict):
            raise Undecodable(Reason.WRONG_SHAPE, f"an entry is {named(entry)}, not an object")
        if not entry.keys() & {"ts", "values"}:
            harvest.take_all(entry, None)
            continue
        values, stated = entry.get("values"), entry.get("ts")
        if not isinstance(values, dict):
            raise Undecodable(Reason.WRONG_SHAPE, f"'values' is {named(values)}, not an object")
        harvest.take_all(values, None if stated is None else instant(stated))
    return harvest.decoded()


def parts(levels: tuple[str, ...], payload: bytes) -> Sequence[tuple[str, bytes]]:
    """Part a message of a gateway among its devices."""
    if len(levels) > 3:
        return ()
    try:
        by_device = json_object(payload)
    except Undecodable:
        return ()
    if not all(name and isinstance(told, list | dict) for name, told in by_device.items()):
        return ()
    return [
        (f"{_TOPIC}/{key_of(name)}", json.dumps(told).encode()) for name, told in by_device.items()
    ]


def _device_key(levels: tuple[str, ...]) -> str:
    return levels[3] if len(levels) > 3 else ""


FORMAT = Format(
    "thingsboard", (_TOPIC, f"{_TOPIC}/+"), _device_key, decode, parts=parts, gateways=(_TOPIC,)
)
