"""How the broker is reached, and the client that reaches it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.mqtt.buffered import BufferedClient

_SESSION_S = 14 * 86_400  # v5: how long the broker keeps our session and its queue
_WINDOW = 65_535  # v5 ReceiveMaximum; unstated, mosquitto allows 20
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Link:
    """How to reach the broker.

    Attributes
    ----------
    client_id : str
        Names the session that the broker keeps; one running ingestor per name.
    keepalive : int
        Seconds.
    reserved : bool
        The broker takes filters that begin with ``$``, as Huawei's topics do.
    host_id : str
        Sparkplug host application to announce; empty announces none.
    """

    host: str
    port: int = 1883
    client_id: str = "heitu-ingestor"
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: Path | None = None
    version: Literal["3.1.1", "5"] = "3.1.1"
    keepalive: int = 30
    reserved: bool = True
    host_id: str = ""


def unconnected(link: Link, *, keep: bool = True) -> BufferedClient:
    """Return a client of a session that the broker keeps, or that ends with the connection."""
    five = link.version == "5"
    made = BufferedClient(
        CallbackAPIVersion.VERSION2,
        client_id=link.client_id,
        clean_session=None if five else not keep,
        protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        manual_ack=True,
    )
    made.suppress_exceptions = True
    if link.username:
        made.username_pw_set(link.username, link.password)
    if link.tls:
        made.tls_set(ca_certs=str(link.ca) if link.ca else None)
    if five:
        wishes: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval, wishes.ReceiveMaximum = _SESSION_S if keep else 0, _WINDOW
        made.connect_async(
            link.host, link.port, link.keepalive, clean_start=not keep, properties=wishes
        )
    else:
        made.connect_async(link.host, link.port, link.keepalive)
    return made


def discard_session(link: Link) -> None:
    """Make the broker forget a session and its queue.

    Raises
    ------
    OSError
        The broker does not answer.
    """
    made = unconnected(link, keep=False)
    made.reconnect()
    deadline = time.monotonic() + _PATIENCE_S
    while not made.is_connected() and time.monotonic() < deadline:
        made.loop(0.1)
    made.disconnect()
