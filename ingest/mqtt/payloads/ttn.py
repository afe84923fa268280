"""The Things Stack v3 (The Things Network): uplinks and joins of LoRaWAN devices.

Source: The Things Stack documentation, Data formats. Its MQTT server knows QoS 0 only; its
webhooks post the same JSON and repeat what was not accepted. A device is registered here
under the name that it has there, or under its devEUI.
"""

from typing import Any

import msgspec

from ingest.mqtt import lorawan
from ingest.mqtt.format import NOTHING, Address, Decoded, Format, Signs, Undecodable
from ingest.mqtt.wire import instant, typed
from models.reading import Reason

_UP, _JOIN = "up", "join"


class _Application(msgspec.Struct, frozen=True):
    application_id: str = ""


class _Device(msgspec.Struct):
    device_id: str = ""
    application_ids: _Application = _Application()
    dev_eui: str | None = None
    dev_addr: str | None = None


class _Settings(msgspec.Struct, frozen=True):
    time: str | None = None


class _Battery(msgspec.Struct, frozen=True):
    value: Any = None


class _Uplink(msgspec.Struct):
    session_key_id: str | None = None
    f_cnt: Any = None
    f_port: Any = None
    frm_payload: str | None = None
    decoded_payload: dict[str, Any] | None = None
    decoded_payload_warnings: Any = None
    normalized_payload: list[dict[str, Any]] | dict[str, Any] | None = None
    rx_metadata: Any = None
    settings: _Settings = _Settings()
    received_at: str | None = None
    last_battery_percentage: _Battery = _Battery()


class _Message(msgspec.Struct):
    end_device_ids: _Device
    received_at: str | None = None
    uplink_message: _Uplink | None = None
    join_accept: Any = None
    simulated: bool = False


class _Named(msgspec.Struct):
    end_device_ids: _Device


_DECODER = msgspec.json.Decoder(_Message)
_NAMED = msgspec.json.Decoder(_Named)


def decode(address: Address, payload: bytes) -> Decoded:
    """Read an uplink or a join.

    Raises
    ------
    Undecodable
        The message as a whole cannot be read, or no codec has read it.
    """
    message = typed(payload, _DECODER)
    name = message.end_device_ids.device_id
    if name and name != address.levels[3]:
        raise Undecodable(Reason.WRONG_SHAPE, f"topic and payload name two devices ({name[:40]})")
    if address.levels[-1] == _JOIN:
        return NOTHING._replace(signs=Signs(online=True))
    if message.uplink_message is None:
        raise Undecodable(Reason.WRONG_SHAPE, "no 'uplink_message'")
    if message.simulated:
        raise Undecodable(Reason.WRONG_SHAPE, "a simulated uplink measures nothing")
    return _uplink(message, message.uplink_message, address.profile)


def topic_of(payload: bytes) -> str:
    """Return the topic under which The Things Stack publishes a message that it posts.

    Raises
    ------
    Undecodable
        The payload names no device, or carries neither an uplink nor a join.
    """
    message = typed(payload, _DECODER)
    device = message.end_device_ids
    application = device.application_ids.application_id or "-"
    if not device.device_id or any(c in f"{application}{device.device_id}" for c in "/+#\0"):
        raise Undecodable(Reason.WRONG_SHAPE, "no 'end_device_ids' with a 'device_id'")
    if message.uplink_message is None and message.join_accept is None:
        raise Undecodable(Reason.WRONG_SHAPE, "no 'uplink_message' and no 'join_accept'")
    event = _JOIN if message.uplink_message is None else _UP
    return f"v3/{application}/devices/{device.device_id}/{event}"


def dev_eui(payload: bytes) -> str | None:
    """Return the devEUI of the device, in small letters; None where the payload has none."""
    try:
        found = _NAMED.decode(payload).end_device_ids.dev_eui
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found.lower() if found else None


def _uplink(message: _Message, uplink: _Uplink, profile: str) -> Decoded:
    signs, heard = lorawan.reception(uplink.rx_metadata, ("gateway_ids", "gateway_id"))
    signs = signs._replace(battery_pct=lorawan.figure(uplink.last_battery_percentage.value))
    stated = uplink.received_at or uplink.settings.time or message.received_at
    normalized = uplink.normalized_payload or []
    frame = lorawan.Frame(
        heard if stated is None else instant(stated),
        uplink.session_key_id or message.end_device_ids.dev_addr,
        uplink.f_cnt,
        uplink.f_port,
        uplink.decoded_payload,
        uplink.frm_payload,
        _complaint(uplink.decoded_payload, uplink.decoded_payload_warnings),
        [normalized] if isinstance(normalized, dict) else normalized,
    )
    return lorawan.decode(frame, signs, profile)


def _complaint(measured: dict[str, Any] | None, warnings: object) -> str:
    errors = (measured or {}).get("errors")
    said = errors if isinstance(errors, list) else warnings if isinstance(warnings, list) else []
    return "; ".join(str(word)[:80] for word in said[:5])


FORMAT = Format(
    "ttn",
    (f"v3/+/devices/+/{_UP}", f"v3/+/devices/+/{_JOIN}"),
    device_level=3,
    decode=decode,
    other_name=dev_eui,
)
