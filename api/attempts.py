"""Failed attempts (to log in, to claim) counted by address and login over a sliding window."""

import threading
import time
from collections import deque
from collections.abc import Callable

from cachetools import LRUCache

from api.errors import TooManyAttempts

_WINDOW = 300.0  # s
_OF_LOGIN = 8  # failures of one login from one address
_OF_ADDRESS = 60  # failures from one address, which may be a whole office
_KEPT = 10_000  # counters; the oldest go first


class Attempts:
    """Recent failures; a success forgets those of its login."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: LRUCache[tuple[str, str], deque[float]] = LRUCache(_KEPT)

    def check(self, address: str, login: str) -> None:
        """Pass while there are few failures.

        Raises
        ------
        TooManyAttempts
            With the seconds after which the next attempt is heard.
        """
        now = self._clock()
        with self._lock:
            for key, most in (((address, login), _OF_LOGIN), ((address, ""), _OF_ADDRESS)):
                failures = self._recent(key, now)
                if len(failures) >= most:
                    raise TooManyAttempts(seconds=int(failures[0] + _WINDOW - now) + 1)

    def failed(self, address: str, login: str) -> None:
        """Count a failure."""
        now = self._clock()
        with self._lock:
            for key in ((address, login), (address, "")):
                self._recent(key, now).append(now)

    def succeeded(self, address: str, login: str) -> None:
        """Forget the failures of a login."""
        with self._lock:
            self._failures.pop((address, login), None)

    def _recent(self, key: tuple[str, str], now: float) -> deque[float]:
        failures = self._failures.setdefault(key, deque())
        while failures and failures[0] <= now - _WINDOW:
            failures.popleft()
        return failures
