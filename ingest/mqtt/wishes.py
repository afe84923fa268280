"""The topic filters asked of a broker, less those that it cannot take.

Huawei's topics begin with ``$``, which MQTT leaves to the broker (4.7.2). Some brokers close
the connection on such a filter (rumqttd 0.19, the demonstration's, does), some refuse it. Both
only mean that no Huawei device publishes there, and must not keep the other messages out: so
it is tried once on a connection of its own.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from paho.mqtt.reasoncodes import ReasonCode

from ingest.mqtt.link import Link, unconnected

_LOG = logging.getLogger(__name__)
_PATIENCE_S = 5.0


class Wishes:
    """Filters, asked for at QoS 1 on every connection."""

    def __init__(self, filters: Iterable[str]) -> None:
        self._filters = list(filters)
        self._tried = not any(map(_reserved, self._filters))

    def try_out(self, link: Link) -> None:
        """Leave out what the broker cannot take; the first time only.

        Raises
        ------
        OSError
            The broker does not answer.
        """
        if not self._tried:
            first = next(filter(_reserved, self._filters))
            if not _takes(link, first):
                _LOG.info("the broker takes no filter that begins with $: they are left out")
                self._filters = [f for f in self._filters if not _reserved(f)]
            self._tried = True

    def ask(self) -> list[tuple[str, int]]:
        """Return what to subscribe to on a new connection."""
        return [(filter_, 1) for filter_ in self._filters]

    def refused(self, codes: Sequence[ReasonCode]) -> list[str]:
        """Return the filters that the broker has refused and that we cannot do without."""
        pairs = zip(self._filters, codes, strict=False)
        return [f for f, code in pairs if code.is_failure and not _reserved(f)]


def _reserved(filter_: str) -> bool:
    return filter_.startswith("$")


def _takes(link: Link, filter_: str) -> bool:
    client = unconnected(replace(link, client_id=f"{link.client_id}-try"), keep=False)
    answers: list[object] = []

    def ask(connected: Any, *_: object) -> None:  # noqa: ANN401
        connected.subscribe(filter_)

    client.on_connect = ask
    client.on_subscribe = client.on_disconnect = lambda *heard: answers.append(heard)
    client.reconnect()
    deadline = time.monotonic() + _PATIENCE_S
    while not answers and time.monotonic() < deadline:
        client.loop(0.1)
    taken = bool(answers) and client.is_connected()
    client.on_disconnect = None
    client.disconnect()
    return taken
