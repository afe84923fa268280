"""One connection on which messages are handed on, each known to be taken or not."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ingest.mqtt.link import Link

WINDOW = 100  # messages on their way at most; what the broker says, if less
_PATIENCE_S = 10.0
# MQTT 5: the message was taken though nobody reads it yet
_TAKEN = ("Success", "No matching subscribers")


class Outbound:
    """A connection; made once, and thrown away when it is lost.

    Parameters
    ----------
    will : tuple of str and bytes
        Topic and payload that the broker publishes when the connection is lost.
    wake : callable
        Called from another thread when something was acknowledged or the connection is lost.

    Attributes
    ----------
    window : int
        Messages that may be on their way.
    settled : deque of (int, str)
        Packet ids in the order of their acknowledgement, and why one was not taken.
    """

    def __init__(self, link: Link, will: tuple[str, bytes], wake: Callable[[], None]) -> None:
        self.window = WINDOW
        self.settled: deque[tuple[int, str]] = deque()
        self.why = "not connected yet"
        self._wake = wake
        self._answered = threading.Event()
        five = link.version == "5"
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=link.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            clean_session=None if five else True,
            reconnect_on_failure=False,
        )
        self._link = link
        self._client.max_inflight_messages_set(2 * WINDOW)  # the window is kept by the caller
        self._client.will_set(*will, qos=1)
        if link.username:
            self._client.username_pw_set(link.username, link.password)
        if link.tls:
            self._client.tls_set(ca_certs=str(link.ca) if link.ca else None)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    @property
    def connected(self) -> bool:
        """Whether messages can be handed on."""
        return self.why == ""

    def open(self) -> bool:
        """Connect, and tell whether it worked; `why` says why not."""
        try:
            self._client.connect(self._link.host, self._link.port, self._link.keepalive)
        except (OSError, ValueError) as error:
            self.why = f"{self._link.host}:{self._link.port}: {error}"
            return False
        self._client.loop_start()
        if not self._answered.wait(_PATIENCE_S):
            self.why = f"{self._link.host}:{self._link.port} does not answer"
        return self.connected

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> int | None:
        """Send a message and return its packet id; None when the connection is lost."""
        sent = self._client.publish(topic, payload, qos)
        return sent.mid if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def close(self) -> None:
        """Leave in good order."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self,
        _client: object,
        _data: object,
        _flags: object,
        code: ReasonCode,
        properties: Any,  # noqa: ANN401
    ) -> None:
        self.why = f"the broker refused the connection: {code}" if code.is_failure else ""
        self.window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        self._answered.set()

    def _on_disconnect(
        self, _client: object, _data: object, _flags: object, code: ReasonCode, _more: object
    ) -> None:
        self.why = self.why or f"connection lost: {code}"
        self._answered.set()
        self._wake()

    def _on_publish(
        self, _client: object, _data: object, mid: int, code: ReasonCode, _more: object
    ) -> None:
        name = str(code)
        self.settled.append((mid, "" if name in _TAKEN or not code.is_failure else name))
        self._wake()
