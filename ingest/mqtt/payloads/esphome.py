"""ESPHome: one bare value under ``{prefix}/{component}/{object id}/state``.

The device is the prefix, the channel the object id. A value tells no time, so it has that of
its arrival; ESPHome retains its states, and one that comes at a new subscription, of unknown
age, is dropped by the intake.
Source: ESPHome documentation, MQTT client component.
"""

from ingest.mqtt.format import NOTHING, Address, Decoded, Format, Undecodable
from ingest.mqtt.harvest import Harvest
from ingest.mqtt.naming import key_of
from models.reading import Reason

_LONGEST = 500  # bytes of a state


def decode(address: Address, payload: bytes) -> Decoded:
    """Read a state.

    Raises
    ------
    Undecodable
        Not a short text.
    """
    if not payload.strip():
        return NOTHING
    if len(payload) > _LONGEST:
        raise Undecodable(Reason.WRONG_SHAPE, f"a state of {len(payload)} bytes")
    try:
        stated = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise Undecodable(Reason.UNREADABLE, f"not UTF-8 at byte {error.start}") from None
    harvest = Harvest(numeric_text=address.levels[1] == "sensor")
    harvest.take(address.levels[2], stated, None)
    return harvest.decoded()


def _device_key(levels: tuple[str, ...]) -> str:
    return key_of(levels[0])


_COMPONENTS = ("sensor", "binary_sensor", "text_sensor")
_FILTERS = tuple(f"+/{component}/+/state" for component in _COMPONENTS)
FORMAT = Format("esphome", _FILTERS, _device_key, decode)
