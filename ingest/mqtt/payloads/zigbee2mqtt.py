"""zigbee2mqtt: the state of a Zigbee device under its friendly name.

A message holds readings, settings and states together; the registered channels choose. The
time is ``last_seen`` where that option is on, else that of arrival. A retained state that
comes at a new subscription, and tells no time, is dropped by the intake.
Source: zigbee2mqtt documentation, MQTT topics and messages; Configuration (last_seen).
"""

from typing import Any

from ingest.mqtt.format import NOTHING, Address, Decoded, Format, Signs, Undecodable
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.naming import key_of
from ingest.mqtt.wire import document, instant, json_object
from models.reading import Reason

_MILLIVOLT_FROM = 100.0  # a battery of a sensor gives millivolts, a mains plug volts


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a state or an availability.

    Raises
    ------
    Undecodable
        Not an object, or a ``last_seen`` that is no time.
    """
    if not payload.strip():
        return NOTHING  # a device was removed and its retained state with it
    if address.levels[-1] == "availability":
        return Decoded([], [], signs=Signs(online=_online(payload)))
    message = json_object(payload)
    seen = message.pop("last_seen", None)
    harvest = Harvest()
    harvest.take_all(message, None if seen is None else instant(seen))
    return harvest.decoded(_signs(message))


def _online(payload: bytes) -> bool:
    told: Any = payload.decode("utf-8", "replace").strip()
    if told.startswith("{"):
        told = document(payload).get("state")
    if told not in ("online", "offline"):
        detail = f"'online' or 'offline' is expected, not {str(told)[:40]!r}"
        raise Undecodable(Reason.WRONG_SHAPE, detail)
    return bool(told == "online")


def _signs(message: dict[str, Any]) -> Signs | None:
    share, voltage = message.get("battery"), message.get("voltage", 0.0)
    if not isinstance(share, float) or not 0 <= share <= 100:
        return None
    runs_on_it = isinstance(voltage, float) and voltage > _MILLIVOLT_FROM
    return Signs(battery_pct=share, battery_v=float(voltage) / 1_000 if runs_on_it else None)


def _device_key(levels: tuple[str, ...]) -> str:
    return key_of(levels[1])


_FILTERS = ("zigbee2mqtt/+", "zigbee2mqtt/+/availability")
FORMAT = Format("zigbee2mqtt", _FILTERS, _device_key, decode)
