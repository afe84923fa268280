"""The topic filters asked of a broker, less those that it cannot take.

Huawei's topics begin with ``$``, which MQTT leaves to the broker (4.7.2). Some brokers close
the connection on such a filter (rumqttd 0.19, the demonstration's, does), some refuse it. Both
only mean that no Huawei device publishes there, and must not keep the other messages out.
"""

import logging
from collections.abc import Iterable, Sequence

from paho.mqtt.reasoncodes import ReasonCode

_LOG = logging.getLogger(__name__)


class Wishes:
    """Filters, asked for at QoS 1 on every connection.

    Parameters
    ----------
    reserved : bool
        Whether to ask for those that begin with ``$``.
    """

    def __init__(self, filters: Iterable[str], *, reserved: bool = True) -> None:
        self._filters = [f for f in filters if reserved or not _reserved(f)]
        self._waiting = False

    def ask(self) -> list[tuple[str, int]]:
        """Return what to subscribe to on a new connection."""
        self._waiting = True
        return [(filter_, 1) for filter_ in self._filters]

    def refused(self, codes: Sequence[ReasonCode]) -> list[str]:
        """Take the answer; return the filters refused that we cannot do without."""
        self._waiting = False
        pairs = zip(self._filters, codes, strict=False)
        return [f for f, code in pairs if code.is_failure and not _reserved(f)]

    def cut_off(self) -> None:
        """Note that the connection has ended; where no answer had come, ask for less.

        A session that the broker keeps still has what it took before, so a connection lost
        by chance at that moment loses nothing.
        """
        if self._waiting and any(map(_reserved, self._filters)):
            _LOG.warning("cut off while subscribing: filters that begin with $ are left out")
            self._filters = [f for f in self._filters if not _reserved(f)]
        self._waiting = False


def _reserved(filter_: str) -> bool:
    return filter_.startswith("$")
