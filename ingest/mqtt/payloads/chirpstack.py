"""ChirpStack v4 integration events (JSON marshaler) of LoRaWAN devices.

Source: ChirpStack documentation, Integrations / Event types. The codec's output is in
``object``; its keys are the channels of the device. ``rxInfo`` tells where the gateway
stands, not the device, and is not read.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from ingest.mqtt.format import NOTHING, Address, Decoded, Format, Refusal, Sent, Undecodable
from ingest.mqtt.wire import document, instant, named, number_or_text
from models.reading import Reason

_MAX_DEPTH = 8  # of objects within `object`; real codecs use one or two


class _Device(msgspec.Struct):
    devEui: str | None = None  # noqa: N815


class _Uplink(msgspec.Struct):
    time: str | None = None
    deviceInfo: _Device | None = None  # noqa: N815
    object: dict[str, Any] | None = None
    data: str | None = None


_DECODER = msgspec.json.Decoder(_Uplink)


def decode(address: Address, payload: bytes) -> Decoded:
    """Read an event; only uplinks carry readings.

    Raises
    ------
    Undecodable
        The event as a whole cannot be read, or no codec has read it.
    """
    uplink = _read(payload)
    if address.levels[-1] != "up":
        return NOTHING  # join, status, ack, txack, log, location, integration
    if uplink.deviceInfo is None:
        raise Undecodable(Reason.WRONG_SHAPE, "no 'deviceInfo'")
    eui = uplink.deviceInfo.devEui
    if eui is not None and eui.lower() != address.device_key.lower():
        raise Undecodable(Reason.WRONG_SHAPE, f"topic and payload name two devices ({eui[:40]})")
    if uplink.object:
        return _readings(instant(uplink.time), uplink.object)
    if uplink.data:
        raise Undecodable(Reason.UNDECODED, "raw bytes only: the device profile has no codec")
    return NOTHING  # an empty uplink answers a downlink and measures nothing


def _read(payload: bytes) -> _Uplink:
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        lenient = document(payload)  # NaN and 1e400 of a codec spoil their own reading only
    try:
        return msgspec.convert(lenient, _Uplink)
    except msgspec.ValidationError as error:
        raise Undecodable(Reason.WRONG_SHAPE, str(error)) from None


def _readings(time: int, measured: dict[str, Any]) -> Decoded:
    sent: list[Sent] = []
    refused: list[Refusal] = []
    for index, (channel, stated) in enumerate(_flat(measured)):
        try:
            sent.append(Sent(index, time, number_or_text(stated), channel))
        except Undecodable:
            detail = f"{channel!r} is {named(stated)}, not a number"
            refused.append(Refusal(index, Reason.WRONG_SHAPE, detail, channel))
    return Decoded(sent, refused, selective=True)


def _flat(measured: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, stated in measured.items():
        if isinstance(stated, dict) and depth < _MAX_DEPTH:
            yield from _flat(stated, f"{prefix}{key}.", depth + 1)
        else:
            yield prefix + key, stated


FORMAT = Format("chirpstack", "application/+/device/+/event/+", device_level=3, decode=decode)
