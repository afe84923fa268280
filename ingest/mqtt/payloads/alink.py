"""Alink JSON (Alibaba Cloud IoT) property reports, of devices and of gateways.

The device is the DeviceName. Long form ``{"params": {"WF": {"value": 23.6, "time": ms}}}``,
short form ``{"params": {"WF": 23.6}}`` with the time of arrival; a batch has a list of long
forms. A history or a pack names the devices it speaks for, and is parted among them. With
``"sys": {"ack": 1}`` the device waits for an answer, which it gets after the commit.
Source: help.aliyun.com, document 89301 (post, batch, pack and history reports); the clones
under ``thing/properties/up`` and ``gateway/up`` after docs.chn-das.com.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ingest.mqtt.format import Address, Decoded, Format, Undecodable
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.naming import key_of
from ingest.mqtt.wire import instant, json_object, named
from models.reading import Reason

_PLAIN = ("thing/event/property/post", "thing/properties/up")
_BATCH = "thing/event/property/batch/post"
_MANY = (
    "thing/event/property/pack/post",
    "thing/event/property/history/post",
    "thing/properties/gateway/up",
)
_LONG = ({"value"}, {"value", "time"})
_NAMES = (("productKey", "deviceName"), ("productId", "deviceId"))  # Alibaba's, the clones'
_Properties = dict[str, Any]


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a report of one device.

    Raises
    ------
    Undecodable
        No Alink report, or one that speaks for other devices and was not parted.
    """
    message = json_object(payload)
    by_device = _by_device(address.levels, message)
    own = by_device.pop("", [])
    if by_device:
        raise Undecodable(Reason.WRONG_SHAPE, f"speaks for {len(by_device)} other devices")
    harvest = Harvest(numeric_text=True)
    for properties in own:
        for name, stated in properties.items():
            for each in stated if _is_series(stated) else [stated]:
                _take(harvest, name, each)
    return harvest.decoded()._replace(replies=_answer(address, message))


def parts(levels: tuple[str, ...], payload: bytes) -> Sequence[tuple[str, bytes]]:
    """Part a report of a gateway among its devices; the answer stays with the gateway."""
    if _tail(levels) not in _MANY:
        return ()
    try:
        message = json_object(payload)
        by_device = _by_device(levels, message)
    except Undecodable:
        return ()
    if not by_device.keys() - {""}:
        return ()
    by_device.setdefault("", [])
    own = {key: message[key] for key in ("id", "sys") if key in message}
    return [
        (topic or "/".join(levels), json.dumps(({} if topic else own) | _report(told)).encode())
        for topic, told in by_device.items()
    ]


def _report(properties: list[_Properties]) -> dict[str, Any]:
    return {"params": [{"properties": properties}]}


def _by_device(levels: tuple[str, ...], message: dict[str, Any]) -> dict[str, list[_Properties]]:
    """Return the properties under the topic of each device, "" for the sender itself."""
    params = message.get("params")
    if _tail(levels) not in _MANY:  # of the sender alone, whatever it names
        if _tail(levels) == _BATCH and isinstance(params, dict):
            params = params.get("properties")
        if not isinstance(params, dict):
            raise Undecodable(Reason.WRONG_SHAPE, f"'params' holds {named(params)}")
        return {"": [params]}
    found: dict[str, list[_Properties]] = {}
    for entry in params if isinstance(params, list) else [params]:
        for device in (entry, *_behind(entry)):
            topic = _topic_of(levels, device)
            found.setdefault(topic, []).extend(_reports(device))
    return found


def _behind(entry: object) -> list[Any]:
    behind = entry.get("subDevices") if isinstance(entry, dict) else None
    if behind is not None and not isinstance(behind, list):
        raise Undecodable(Reason.WRONG_SHAPE, f"'subDevices' is {named(behind)}, not a list")
    return behind or []


def _topic_of(levels: tuple[str, ...], device: object) -> str:
    identity = device.get("identity") if isinstance(device, dict) else None
    if not isinstance(identity, dict):
        return ""
    start = _start(levels)
    for product, name in _NAMES:
        told = [str(identity.get(part) or "") for part in (product, name)]
        if all(part and "/" not in part for part in told):
            same = tuple(told) == levels[start + 1 : start + 3]
            return "" if same else "/".join((*levels[: start + 1], *told, *levels[start + 3 :]))
    return ""


def _reports(device: object) -> Iterator[_Properties]:
    """Yield the properties of a device: one object, or a list of them in a history."""
    stated = device.get("properties") if isinstance(device, dict) else None
    if stated is None and isinstance(device, dict) and device.keys() & {"subDevices", "events"}:
        return
    for properties in stated if isinstance(stated, list) else [stated]:
        if not isinstance(properties, dict):
            detail = f"'properties' is {named(properties)}, not an object"
            raise Undecodable(Reason.WRONG_SHAPE, detail)
        yield properties


def _is_series(stated: object) -> bool:
    return (
        isinstance(stated, list)
        and bool(stated)
        and all(isinstance(each, dict) and each.keys() in _LONG for each in stated)
    )


def _take(harvest: Harvest, name: str, stated: Any) -> None:  # noqa: ANN401
    time = None
    if isinstance(stated, dict) and stated.keys() in _LONG:
        try:
            time = None if stated.get("time") is None else instant(stated["time"])
        except Undecodable as fault:
            harvest.refuse(name, fault.detail)
            return
        stated = stated["value"]
    harvest.take_all({name: stated}, time)


def _answer(address: Address, message: dict[str, Any]) -> tuple[tuple[str, bytes], ...]:
    system = message.get("sys")
    if not isinstance(system, dict) or system.get("ack") != 1:
        return ()
    answer: dict[str, Any] = {"id": message.get("id"), "code": 200, "data": {}}
    return ((_answer_topic("/".join(address.levels)), json.dumps(answer).encode()),)


def _answer_topic(topic: str) -> str:
    return topic + ("_reply" if topic.endswith("post") else "/response")


def _tail(levels: tuple[str, ...]) -> str:
    return "/".join(levels[_start(levels) + 3 :])


def _start(levels: tuple[str, ...]) -> int:
    return levels.index("sys")  # Alibaba's topics begin with a slash


def _device_key(levels: tuple[str, ...]) -> str:
    return key_of(levels[_start(levels) + 2])


_OWN = (
    *(("" if "properties" in tail else "/") + f"sys/+/+/{tail}" for tail in (*_PLAIN, _BATCH)),
    f"sys/+/+/{_PLAIN[0]}",  # as some gateways shorten it
)
_GATEWAYS = tuple(("" if "properties" in tail else "/") + f"sys/+/+/{tail}" for tail in _MANY)
_FILTERS = (*_OWN, *_GATEWAYS)
_ANSWERS = tuple(map(_answer_topic, _FILTERS))
FORMAT = Format(
    "alink", _FILTERS, _device_key, decode, parts=parts, gateways=_GATEWAYS, answers=_ANSWERS
)
