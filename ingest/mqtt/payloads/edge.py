"""Edge stations: envelopes that cannot be opened, and the state of the stations themselves.

A proper envelope never comes here: the intake sees the message inside it (`envelope.opened`).
"""

from ingest.mqtt import topics
from ingest.mqtt.envelope import LEVELS, PREFIX
from ingest.mqtt.format import NOTHING, Address, Decoded, Format, Signs, Undecodable
from ingest.mqtt.wire import document
from models.reading import Reason

STATUS = "heitu/v1/+/status"


def decode(address: Address, payload: bytes) -> Decoded:
    """Read the state of a station; it is online, or its last will says that it is not.

    Raises
    ------
    Undecodable
        A broken envelope.
    """
    if address.levels[2] == "edge":
        raise Undecodable(Reason.WRONG_SHAPE, "an envelope of an edge station, but no header in it")
    said = document(payload)
    online = said.get("online") if isinstance(said, dict) else None
    return NOTHING._replace(signs=Signs(online=online if isinstance(online, bool) else True))


def _device(levels: tuple[str, ...]) -> str:
    """Return the key of the device inside an envelope, else of the station."""
    if len(levels) < LEVELS or levels[2] != "edge":
        return levels[2] if len(levels) > 2 else ""
    try:
        return topics.parse("/".join(levels[LEVELS:])).device_key
    except Undecodable:
        return levels[3]


FORMAT = Format("edge", (f"{PREFIX}+/#", STATUS), device_level=_device, decode=decode)
