r"""The envelope of an edge station: a message as it arrived there, with the instant it did.

Topic ``heitu/v1/edge/{station}/{original topic}``; payload: one line of JSON, a line feed, the
original bytes. It works with MQTT 3.1.1, which has no user properties, and gives the account
of a station one branch of topics to publish under. The original is never changed:

    {"arrived":1777593600123456,"retained":false}\n<original payload>

``arrived`` is microseconds since 1970-01-01T00:00Z by the clock of the station. It becomes the
arrival of the message, for payloads that have no time of their own and for the account by
day; a clock that was never set, or is more than 10 min ahead, does not count.
"""

import msgspec

from ingest.mqtt.inbox import Message

PREFIX = "heitu/v1/edge/"
LEVELS = 4  # of the topic before the original one begins
_FIRST_US = 946_684_800_000_000  # 2000-01-01T00:00Z
_AHEAD_US = 600_000_000
_HEADER = 1_000  # bytes at most


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """What a station adds."""

    arrived: int
    retained: bool = False


_DECODER = msgspec.json.Decoder(Header)
_ENCODER = msgspec.json.Encoder()


def wrapped(
    station: str, topic: str, payload: bytes, *, arrived: int, retained: bool = False
) -> tuple[str, bytes]:
    """Return topic and payload of the envelope of a message."""
    header = _ENCODER.encode(Header(arrived, retained))
    return f"{PREFIX}{station}/{topic}", header + b"\n" + payload


def opened(message: Message) -> Message:
    """Return the message inside an envelope; any other one, and a broken envelope, as it is."""
    if not message.topic.startswith(PREFIX):
        return message
    *_, topic = message.topic.split("/", LEVELS)
    end = message.payload.find(b"\n", 0, _HEADER)
    if end < 0 or not topic or message.topic.count("/") < LEVELS or topic.startswith(PREFIX):
        return message
    try:
        header = _DECODER.decode(message.payload[:end])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return message
    plausible = _FIRST_US <= header.arrived <= message.received + _AHEAD_US
    return message._replace(
        topic=topic,
        payload=message.payload[end + 1 :],
        size=message.size - end - 1,
        received=header.arrived if plausible else message.received,
        retained=header.retained,
    )
