"""Messages of a broker that stands at the station already, into the spool.

Its session is kept and acknowledged after the commit; while the spool is full nothing is
read, and the broker keeps its queue.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from ingest.edge.spool import Arrived
from ingest.mqtt import topics
from ingest.mqtt.client import Subscriber
from ingest.mqtt.envelope import PREFIX
from ingest.mqtt.inbox import Inbox
from ingest.mqtt.link import Link
from models.errors import SpoolFull

_LOG = logging.getLogger(__name__)
_LARGEST = 1 << 20  # bytes of a payload
_MOST = 500
_RETRY_S = 1.0


class Collector:
    """Reads every topic that a format knows; see `Listener` for the attributes."""

    def __init__(self, link: Link, put: Callable[[list[Arrived]], None]) -> None:
        self.received = self.refused = 0
        self.visitors = 0
        self._put = put
        self._inbox = Inbox(2_000)
        filters = [it for it in topics.subscriptions() if not it.startswith(PREFIX)]
        self._subscriber = Subscriber(link, filters, self._inbox, max_payload=_LARGEST)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)

    def start(self) -> None:
        """Begin; the connection is made, and made again, in the background."""
        self._subscriber.start()
        self._thread.start()

    def stop(self) -> None:
        """End; what is not acknowledged stays with the broker."""
        self._stopping.set()
        self._thread.join(timeout=10)
        self._subscriber.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.visitors = int(self._subscriber.connected)
            messages = self._inbox.take(_MOST, wait=0.5, linger=0.02, quiet=0.005)
            if not messages:
                continue
            arrived = [Arrived(m.topic, m.payload, m.received, m.retained) for m in messages]
            if self._kept(arrived):
                self.received += len(messages)
                self._subscriber.settle(messages)

    def _kept(self, arrived: list[Arrived]) -> bool:
        while not self._stopping.is_set():
            with suppress(SpoolFull):
                self._put(arrived)
                self._subscriber.paused = False
                return True
            if not self._subscriber.paused:
                _LOG.warning("the spool is full: the broker keeps what comes")
            self._subscriber.paused = True
            self.refused += 1
            self._stopping.wait(_RETRY_S)
        return False
