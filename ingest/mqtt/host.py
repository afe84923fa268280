"""Our state as a Sparkplug B host application: edge nodes may wait for it before they send.

Source: Eclipse Sparkplug 3.0.0, section 5.9 and 6.4.7 (STATE): a retained JSON of our birth,
and of our death as the will of the connection, both with the time of the connection.
"""

import json
import time

from paho.mqtt.client import Client


class HostState:
    """Tells online and offline under ``spBv1.0/STATE/{host id}``; silent without an id."""

    def __init__(self, host_id: str) -> None:
        self._topic = f"spBv1.0/STATE/{host_id}" if host_id else ""
        self._since = 0

    def promise(self, client: Client) -> None:
        """Leave the will with the client, before it connects."""
        if self._topic:
            self._since = _now_ms()
            client.will_set(self._topic, _state(False, self._since), qos=1, retain=True)

    def announce(self, client: Client) -> None:
        """Say that we are online, once subscribed."""
        if self._topic:
            client.publish(self._topic, _state(True, self._since), qos=1, retain=True)

    def leave(self, client: Client) -> None:
        """Say that we go, before a disconnection in good order (which takes the will along)."""
        if self._topic:
            client.publish(self._topic, _state(False, _now_ms()), qos=1, retain=True)


def _state(online: bool, at_ms: int) -> str:
    return json.dumps({"online": online, "timestamp": at_ms}, separators=(",", ":"))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
