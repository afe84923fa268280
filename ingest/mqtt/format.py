"""The words every payload format speaks: what it is told and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from models.reading import Reason


class Sent(NamedTuple):
    """One reading as the device sent it.

    Attributes
    ----------
    item : int
        Position in the message; the same for every decoding of the same bytes.
    time : int
        Phenomenon time, microseconds since 1970-01-01T00:00Z.
    value : float
        In the wire unit; may be infinite or NaN, the intake refuses those.
    channel, unit, quantity, depth_cm
        As named in the payload, None where it does not say.
    """

    item: int
    time: int
    value: float
    channel: str | None
    unit: str | None = None
    quantity: str | None = None
    depth_cm: float | None = None


class Refusal(NamedTuple):
    """One reading of a message that could not be read, and why."""

    item: int
    reason: Reason
    detail: str
    channel: str | None = None


class Decoded(NamedTuple):
    """The readings of one message.

    Attributes
    ----------
    selective : bool
        The message carries every value the device knows: those without a registered
        datastream are nobody's loss, unless none of them has one.
    """

    sent: list[Sent]
    refused: list[Refusal]
    selective: bool = False


class Undecodable(Exception):  # noqa: N818
    """A whole message goes to quarantine."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Address(NamedTuple):
    """What a topic says: the format, the device, and the levels themselves."""

    format: "Format"
    device_key: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """A payload format.

    Attributes
    ----------
    name : str
        Short name, for metrics.
    subscription : str
        MQTT topic filter under which it arrives (``+`` is one level).
    device_level : int
        Level of the topic, from 0, that names the device.
    decode : callable
        Topic address and payload to readings; raises `Undecodable`.
    """

    name: str
    subscription: str
    device_level: int
    decode: Callable[[Address, bytes], Decoded]


NOTHING = Decoded([], [])
