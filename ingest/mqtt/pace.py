"""Answers to devices: commands to edge nodes are not repeated at every message."""

import time

_EVERY_S = 60.0  # a rebirth certificate of a large node is hundreds of kilobytes
_MOST = 10_000  # nodes remembered; beyond, those asked long ago are forgotten


class Pace:
    """Lets a command to one edge node pass once a minute, and every other answer."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}  # topic -> time.monotonic

    def due(self, replies: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        """Return the replies that may be sent now."""
        return [(topic, payload) for topic, payload in replies if self._passes(topic)]

    def _passes(self, topic: str) -> bool:
        if not (topic.startswith("spBv1.0/") and "/NCMD/" in topic):
            return True
        now = time.monotonic()
        if now - self._asked.get(topic, -_EVERY_S) < _EVERY_S:
            return False
        if len(self._asked) >= _MOST:
            self._asked = {t: at for t, at in self._asked.items() if now - at < _EVERY_S}
        self._asked[topic] = now
        return True
