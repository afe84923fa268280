"""ChirpStack v4 integration events (JSON marshaler) of LoRaWAN devices.

Source: ChirpStack documentation, Integrations / Event types. ``up`` carries readings, the
other events tell about the device: battery and margin (``status``), a new session (``join``).
``rxInfo`` tells where the gateway stands, not the device.
"""

from typing import Any

import msgspec

from ingest.mqtt import lorawan
from ingest.mqtt.format import NOTHING, Address, Decoded, Format, Signs, Undecodable
from ingest.mqtt.wire import instant, typed
from models.reading import Reason


class _Device(msgspec.Struct):
    devEui: str | None = None  # noqa: N815
    applicationId: str | None = None  # noqa: N815


class _Event(msgspec.Struct):
    time: str | None = None
    deviceInfo: _Device | None = None  # noqa: N815
    object: dict[str, Any] | None = None
    data: str | None = None
    devAddr: Any = None  # noqa: N815
    fCnt: Any = None  # noqa: N815
    fPort: Any = None  # noqa: N815
    rxInfo: Any = None  # noqa: N815
    margin: Any = None
    batteryLevel: Any = None  # noqa: N815
    batteryLevelUnavailable: Any = None  # noqa: N815
    externalPowerSource: Any = None  # noqa: N815


_DECODER = msgspec.json.Decoder(_Event)


def decode(address: Address, payload: bytes) -> Decoded:
    """Read an event.

    Raises
    ------
    Undecodable
        The event as a whole cannot be read, or no codec has read it.
    """
    event = typed(payload, _DECODER)
    kind = address.levels[-1]
    if kind not in ("up", "status", "join"):
        return NOTHING  # ack, txack, log, location, integration
    if event.deviceInfo is None:
        raise Undecodable(Reason.WRONG_SHAPE, "no 'deviceInfo'")
    eui = event.deviceInfo.devEui
    if eui is not None and eui.lower() != address.device_key.lower():
        raise Undecodable(Reason.WRONG_SHAPE, f"topic and payload name two devices ({eui[:40]})")
    if kind == "up":
        return _uplink(event, address.profile)
    return NOTHING._replace(signs=_status(event) if kind == "status" else Signs(online=True))


def topic_of(event: str, payload: bytes) -> str:
    """Return the topic on which ChirpStack publishes an event that it posts over HTTP.

    Parameters
    ----------
    event : str
        The ``event`` parameter of the request.

    Raises
    ------
    Undecodable
        The payload names no device.
    """
    device = typed(payload, _DECODER).deviceInfo or _Device()
    parts = (device.applicationId or "-", device.devEui or "", event)
    if not all(parts) or any(c in part for part in parts for c in "/+#\0"):
        raise Undecodable(Reason.WRONG_SHAPE, "no 'deviceInfo' with a 'devEui', or no event")
    return "application/{}/device/{}/event/{}".format(*parts)


def _uplink(event: _Event, profile: str) -> Decoded:
    signs, heard = lorawan.reception(event.rxInfo, ("gatewayId",))
    time = heard if event.time is None else instant(event.time)
    frame = lorawan.Frame(
        time, event.devAddr, event.fCnt, event.fPort, event.object, event.data or None
    )
    return lorawan.decode(frame, signs, profile)


def _status(event: _Event) -> Signs:
    """Battery, and the margin: the signal-to-noise ratio at which the device heard the server."""
    powered = event.externalPowerSource is True or event.batteryLevelUnavailable is True
    return Signs(
        battery_pct=None if powered else lorawan.figure(event.batteryLevel),
        snr_db=0.0 if event.margin is None else lorawan.figure(event.margin),
        online=True,
    )


FORMAT = Format("chirpstack", "application/+/device/+/event/+", device_level=3, decode=decode)
