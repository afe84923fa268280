"""Huawei IoTDA property reports, of devices and of gateways for the devices behind them.

The device is the device id of the topic; a value is called "Service.property". An event time
that is missing or has another form is that of the arrival, as at Huawei's own platform.
Source: support.huaweicloud.com, api-iothub 3010 (device) and 3006 (gateway), whose examples
write numbers as text.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ingest.mqtt.format import Address, Decoded, Format, Undecodable
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.naming import key_of
from ingest.mqtt.wire import instant, json_object, micros, named
from models.reading import Reason

_COMPACT = "%Y%m%dT%H%M%SZ"
_GATEWAY = "$oc/devices/+/sys/gateway/sub_devices/properties/report"
_DEVICE = "$oc/devices/+/sys/properties/report"


def decode(_address: Address, payload: bytes) -> Decoded:
    """Read a report of one device.

    Raises
    ------
    Undecodable
        No property report.
    """
    services = json_object(payload).get("services")
    if not isinstance(services, list):
        raise Undecodable(Reason.WRONG_SHAPE, f"'services' is {named(services)}, not a list")
    harvest = Harvest(numeric_text=True)
    for service in services:
        _take(harvest, service)
    return harvest.decoded()


def parts(levels: tuple[str, ...], payload: bytes) -> Sequence[tuple[str, bytes]]:
    """Part a report of a gateway among the devices behind it."""
    if levels[4] != "gateway":
        return ()
    try:
        devices = json_object(payload).get("devices")
    except Undecodable:
        return ()
    found: dict[str, list[Any]] = {}
    for device in devices if isinstance(devices, list) else [None]:
        name = device.get("device_id") if isinstance(device, dict) else None
        services = device.get("services") if isinstance(device, dict) else None
        if not isinstance(name, str) or not name or "/" in name or not isinstance(services, list):
            return ()
        found.setdefault(name, []).extend(services)
    return [
        (_DEVICE.replace("+", name), json.dumps({"services": services}).encode())
        for name, services in found.items()
    ]


def _take(harvest: Harvest, service: object) -> None:
    name = service.get("service_id") if isinstance(service, dict) else None
    properties = service.get("properties") if isinstance(service, dict) else None
    if not isinstance(service, dict) or not isinstance(name, str):
        raise Undecodable(Reason.WRONG_SHAPE, "a service has no 'service_id'")
    if not isinstance(properties, dict):
        raise Undecodable(Reason.WRONG_SHAPE, f"'properties' is {named(properties)}")
    harvest.take_all(properties, _time(service.get("event_time")), prefix=f"{name}.")


def _time(stated: object) -> int | None:
    if not isinstance(stated, str):
        return None
    try:
        return micros(datetime.strptime(stated, _COMPACT).replace(tzinfo=UTC))
    except ValueError:
        pass
    try:
        return instant(stated)
    except Undecodable:
        return None


def _device_key(levels: tuple[str, ...]) -> str:
    return key_of(levels[2])


FORMAT = Format(
    "huawei", (_DEVICE, _GATEWAY), _device_key, decode, parts=parts, gateways=(_GATEWAY,)
)
