"""Who was here a moment ago: a map asks for 30 tiles at once with the same token."""

import threading
import time
from collections.abc import Callable

from cachetools import TTLCache

from models.person import Person

# s; how long a token revoked through another process may still fetch tiles, and only tiles
_MOMENT = 5.0
_MOST = 10_000


class Visitors:
    """Token -> person for a few seconds; a log-out through this process ends it at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._seen: TTLCache[str, Person] = TTLCache(_MOST, _MOMENT, timer=clock)
        self._lock = threading.Lock()

    def recent(self, token: str) -> Person | None:
        """Return who held a token within the last seconds, or None."""
        with self._lock:
            return self._seen.get(token)

    def saw(self, token: str, person: Person) -> None:
        """Remember who holds a token."""
        with self._lock:
            self._seen[token] = person

    def forget(self, token: str) -> None:
        """Stop knowing a token."""
        with self._lock:
            self._seen.pop(token, None)
