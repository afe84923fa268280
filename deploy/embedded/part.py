"""A supervised part: started, watched, restarted with back-off, stopped."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from deploy.embedded import child
from deploy.embedded.database import EmbeddedPostgres
from models.errors import StartFailed

READY_SECONDS = 60.0  # a cold start on a slow disk
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0  # seconds before a restart, doubled each time
SETTLED = 60.0  # seconds of life after which the waits start over
LOG_LIMIT = 10 * 2**20  # bytes


class Part(Protocol):
    """What the supervisor needs of a part."""

    name: str

    def start(self) -> None:
        """Start and wait until it works; raises `StartFailed`."""

    def stop(self) -> None:
        """Stop and wait."""

    @property
    def running(self) -> bool:
        """Whether its process lives."""

    @property
    def log(self) -> Path:
        """Where it says what went wrong."""


class DatabasePart:
    """The embedded PostgreSQL as a part."""

    name = "database"

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    def start(self) -> None:
        """Start the server."""
        self.server.start()

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop()

    @property
    def running(self) -> bool:
        """Whether the postmaster lives."""
        return self.server.running

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.server.log


class ProcessPart:
    """A program of ours as a part.

    Parameters
    ----------
    ready : callable
        Tells whether it works by now; asked every 50 ms while it starts.
    patience : float
        Seconds it gets to end after SIGTERM.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        ready: Callable[[], bool],
        environment: Mapping[str, str],
        patience: float = 10,
    ) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.ready = ready
        self.environment = environment
        self.patience = patience
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the program and wait until it is ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".old"))
        with self.log.open("ab") as log:
            self.process = child.spawn(
                self.command,
                log,
                environment=self.environment,
                death_signal=signal.SIGKILL,  # nothing they hold outlives the supervisor
                stdin=subprocess.PIPE,
            )
        self._wait()

    def stop(self) -> None:
        """Ask it to end, then insist."""
        if self.process is not None:
            child.end(self.process, (signal.SIGTERM, self.patience))
            if self.process.stdin is not None:
                self.process.stdin.close()
            self.process = None

    def _wait(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while not self.ready():
            if not self.running or time.monotonic() > until:
                self.stop()
                raise StartFailed(
                    part=f"the {self.name}", why=f"{self._last_words()} (see {self.log})"
                )
            time.sleep(0.05)

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it ended without a word"


class Guardian:
    """Restarts one part when it dies, waiting longer each time."""

    def __init__(self, part: Part, say: Callable[[str], None]) -> None:
        self.part = part
        self._say = say
        self._wait = FIRST_WAIT
        self._started = time.monotonic()
        self._due: float | None = None

    def look(self) -> None:
        """Check the part; restart it when its waiting time is over."""
        now = time.monotonic()
        if self.part.running:
            if now - self._started > SETTLED:
                self._wait = FIRST_WAIT
            return
        if self._due is None:
            self._due = now + self._wait
            seconds, log = f"{self._wait:g}", self.part.log
            self._say(f"{self.part.name} stopped; starting it again in {seconds} s (see {log})")
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        elif now >= self._due:
            self._restart()

    def _restart(self) -> None:
        self._due = None
        self.part.stop()
        try:
            self.part.start()
        except StartFailed as problem:
            self._say(problem.message)
            return
        self._started = time.monotonic()
        self._say(f"{self.part.name} runs again")
