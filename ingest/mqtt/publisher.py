"""A publisher: what a gateway or the demonstration's devices use to send readings."""

import json
from collections import deque
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest.mqtt.client import Link
from models.errors import Unavailable

WINDOW = 200  # messages on their way before publishing waits for the broker
PATIENCE = 30.0  # seconds for an acknowledgement


class Publisher:
    """Publishes at QoS 1 and waits, so that a slow broker slows the sender.

    Parameters
    ----------
    link : Link
        How to reach the broker; the session is not kept.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waiting: deque[paho.MQTTMessageInfo] = deque()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=link.client_id, clean_session=True
        )
        self._client.max_inflight_messages_set(WINDOW)
        self._client.max_queued_messages_set(5 * WINDOW)
        if link.username:
            self._client.username_pw_set(link.username, link.password)
        if link.tls:
            self._client.tls_set(ca_certs=str(link.ca) if link.ca else None)

    def send(self, device_key: str, document: dict[str, Any]) -> None:
        """Publish one Heitu JSON message of a device."""
        payload = json.dumps(document, separators=(",", ":"), allow_nan=False)
        topic = f"heitu/v1/{device_key}/readings"
        self._waiting.append(self._client.publish(topic, payload, qos=1))
        while len(self._waiting) >= WINDOW:
            self._confirm()

    def flush(self) -> None:
        """Wait until the broker has acknowledged everything."""
        while self._waiting:
            self._confirm()

    def _confirm(self) -> None:
        sent = self._waiting.popleft()
        try:
            sent.wait_for_publish(PATIENCE)
        except RuntimeError:  # paho 2.2 raises it for a message queued while disconnected
            return
        if not sent.is_published():
            raise Unavailable(part="broker", why=f"no acknowledgement in {PATIENCE:g} s")

    def __enter__(self) -> Self:
        try:
            self._client.connect(self._link.host, self._link.port, self._link.keepalive)
        except OSError as problem:
            address = f"{self._link.host}:{self._link.port}"
            raise Unavailable(part="broker", why=f"{address}: {problem}") from None
        self._client.loop_start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
