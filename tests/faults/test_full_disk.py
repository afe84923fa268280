"""The disk of the database fills up: refused visibly, nothing corrupt, back soon after."""

import subprocess
import threading
import time

import pytest

from deploy.embedded.part import DatabasePart, Guardian
from models.errors import Unavailable
from models.store import heartbeats
from tests import brokers
from tests.benchmarks.blaster import Load, blast
from tests.faults import parts
from tests.probes import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.mosquitto,
    pytest.mark.timeout(240),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
SIZE, PROBES, BEFORE, DURING = 400, 50, 20_000, 400_000
MEGABYTE = 2**20


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 400 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=755", "heitu-test", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


class Watchman:
    """Starts the server again when it ends, as the supervisor of `make demo` does."""

    def __init__(self, server):
        self._guardian = Guardian(DatabasePart(server), lambda _: None)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._over.wait(0.5):
            self._guardian.look()

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def refusal(database):
    """What the store says when something is written."""
    try:
        with database.writing() as tx:
            heartbeats.beat(tx, "test", {})
    except Unavailable as error:
        return error.message
    return ""


def test_the_disk_is_full_and_then_is_not(small_disk, tmp_path, jilin, capsys):
    store = parts.Store(small_disk / "pg", jilin, PROBES, max_wal_size="64MB", min_wal_size="32MB")
    ballast = small_disk / "ballast"
    try:
        with (
            brokers.mosquitto(tmp_path / "mqtt") as port,
            parts.running(store.server.url, port) as process,
            Watchman(store.server),
        ):
            blast(Load(port, BEFORE, devices=PROBES))
            until(lambda: parts.totals(store.database).stored == BEFORE)
            free = SIZE * MEGABYTE - used(small_disk)
            ballast.write_bytes(b"\0" * (free - 12 * MEGABYTE))
            blast(Load(port, DURING, devices=PROBES, since=86_400))
            until(lambda: process.figure("ready") == 0.0, patience=60, pause=0.2)
            why = until(lambda: refusal(store.database), patience=60, pause=0.2)
            time.sleep(5)
            assert process.alive
            assert process.figure("ready") == 0.0
            ballast.write_bytes(b"")
            freed = time.monotonic()
            until(process.ready, patience=30, pause=0.2)
            back = time.monotonic() - freed
            until(lambda: settled(store.database) == BEFORE + DURING, patience=120, pause=0.5)
            # the server ends with the thread that started it: look before the watchman goes
            totals, aside = parts.account(store.database)
            with store.database.reading() as tx:
                query = "SELECT count(*), count(DISTINCT (datastream_id, time)) FROM reading"
                assert tx.driver.execute(query).fetchone() == (BEFORE + DURING, BEFORE + DURING)
    finally:
        store.close()
    parts.tell(capsys, f"disk full: {why!r}; ready {back:.1f} s after space was freed")
    assert "No space left" in why or "not available" in why
    assert aside == {}
    assert totals.stored == BEFORE + DURING


def used(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def settled(database):
    try:
        return parts.totals(database).stored
    except Unavailable:
        return -1
