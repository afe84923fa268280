"""The words every payload format speaks: what it is told and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from models.calendar import SHANGHAI
from models.reading import Reason


class Sent(NamedTuple):
    """One reading as the device sent it.

    Attributes
    ----------
    item : int
        Position in the message; the same for every decoding of the same bytes.
    time : int or None
        Phenomenon time, microseconds since 1970-01-01T00:00Z; None where the payload tells
        none, then it is the time of arrival, and flagged so.
    value : float
        In the wire unit; may be infinite or NaN, the intake refuses those.
    channel, unit, quantity, depth_cm
        As named in the payload, None where it does not say.
    seq : int
        The device's own number of a reading, which tells two of one instant apart.
    ago : int
        Microseconds before the arrival, where the payload tells no more than that
        (``time`` is None).
    """

    item: int
    time: int | None
    value: float
    channel: str | None
    unit: str | None = None
    quantity: str | None = None
    depth_cm: float | None = None
    seq: int = 0
    ago: int = 0


class Refusal(NamedTuple):
    """One reading of a message that could not be read, and why."""

    item: int
    reason: Reason
    detail: str
    channel: str | None = None


class Kept(NamedTuple):
    """A value that is not a number (a valve's state, a text): kept beside the readings."""

    channel: str
    text: str


class Uplink(NamedTuple):
    """A LoRaWAN frame: session (device address or session key), counter, network time [us].

    The same frame may come by two ways with two times; the first one counts.
    """

    session: str
    counter: int
    time: int


class Signs(NamedTuple):
    """What a message tells about the device itself; None where it does not say."""

    battery_pct: float | None = None
    battery_v: float | None = None
    rssi_dbm: float | None = None
    snr_db: float | None = None
    gateway: str | None = None
    online: bool | None = None


class Decoded(NamedTuple):
    """The readings of one message.

    Attributes
    ----------
    selective : bool
        The message carries every value the device knows: those without a registered
        datastream are kept unclaimed and are nobody's loss.
    uplink : Uplink or None
        The LoRaWAN frame that carried it.
    signs : Signs or None
        Battery, signal and so on.
    replies : sequence of (str, bytes)
        Topics and payloads to publish (QoS 0) once the message is committed.
    kept : sequence of Kept
        Values that are not numbers.
    """

    sent: list[Sent]
    refused: list[Refusal]
    selective: bool = False
    uplink: Uplink | None = None
    signs: Signs | None = None
    replies: Sequence[tuple[str, bytes]] = ()
    kept: Sequence[Kept] = ()


class Undecodable(Exception):  # noqa: N818
    """A whole message goes to quarantine."""

    def __init__(
        self, reason: Reason, detail: str, replies: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.replies = replies


class NotMine(Exception):  # noqa: N818
    """The topic fits, the shape does not: ask the next format that the topic fits."""


class Memory:
    """What the messages of a format say once for the later ones: birth certificates.

    Attributes
    ----------
    changed : dict
        Key -> document put since the memory was made; stored with the batch.
    explains : bool
        Something was put that may explain messages refused before (`Reason.NO_BIRTH`).
    """

    def __init__(self, known: dict[str, dict[str, Any]] | None = None) -> None:
        self._known = known or {}
        self.changed: dict[str, dict[str, Any]] = {}
        self.explains = False

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the newest document of a key, or None."""
        return self.changed.get(key) or self._known.get(key)

    def put(self, key: str, document: dict[str, Any], *, explains: bool = False) -> None:
        """Remember a document (JSON types) under a key that is unique over all formats."""
        self.changed[key] = document
        self.explains = self.explains or explains


class Address(NamedTuple):
    """What a topic says: the format, the device, and the levels themselves.

    Attributes
    ----------
    zone : ZoneInfo
        Site time zone of the device, for local times that name none.
    memory : Memory
        For formats that need what an earlier message said.
    profile : str
        Key of the device's profile, which names the codec of its bytes; empty without one.
    """

    format: "Format"
    device_key: str
    levels: tuple[str, ...]
    zone: ZoneInfo = SHANGHAI
    memory: Memory = Memory()
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """A payload format.

    Attributes
    ----------
    name : str
        Short name, for metrics.
    subscription : str or tuple of str
        MQTT topic filters under which it arrives (``+`` is one level).
    device_level : int or callable
        Level of the topic, from 0, that names the device; or levels to the device's key.
    decode : callable
        Topic address and payload to readings; raises `Undecodable` or `NotMine`.
    other_name : callable, optional
        The device's other name, read from the payload: asked for only when no device is
        registered under the name in the topic.
    parts : callable, optional
        Levels and payload of a gateway's message to one (topic, payload) for each device it
        speaks for; empty when it speaks for itself. Never raises.
    gateways : tuple of str
        Those of the filters under which a sender may speak for other devices (`parts`): not
        a device's own, to be granted to gateways by name.
    answers : tuple of str
        MQTT topic filters under which it replies to devices.
    alone : bool
        A message is understood without an earlier one: `Address.memory` is not read.
    """

    name: str
    subscription: str | tuple[str, ...]
    device_level: int | Callable[[tuple[str, ...]], str]
    decode: Callable[[Address, bytes], Decoded] = field(compare=False)
    other_name: Callable[[bytes], str | None] | None = field(default=None, compare=False)
    parts: Callable[[tuple[str, ...], bytes], Sequence[tuple[str, bytes]]] | None = field(
        default=None, compare=False
    )
    alone: bool = True
    gateways: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The topic filters as a tuple."""
        return (self.subscription,) if isinstance(self.subscription, str) else self.subscription


NOTHING = Decoded([], [])
