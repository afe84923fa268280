"""What the fault runs share: an ingestor process that can be killed, figures, accounts."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.request

import psutil

from deploy.embedded.database import EmbeddedPostgres
from models.store import ledger, places, quarantine
from models.store.database import Database
from models.store.migrations import migrate
from tests import brokers, probes
from tests.models.store.seeds import plant_device, plant_farm
from tests.probes import until


class Process:
    """An ingestor process and its metrics page; ``options`` are of `tests.faults.ingestor`."""

    def __init__(self, url, port, **options):
        self._url, self._port, self._metrics = url, port, brokers.free_port()
        self._options, self._process = options, None

    def start(self):
        command = [sys.executable, "-m", "tests.faults.ingestor", self._url, str(self._port)]
        self._process = subprocess.Popen([*command, str(self._metrics), json.dumps(self._options)])
        return self

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        """End it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(5)

    def stop(self):
        """Ask it to end, and see that it does so in good order."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(15) == 0

    @property
    def alive(self):
        return self._process.poll() is None

    def figure(self, name):
        """A figure of its metrics page; None while the page does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        found = re.findall(rf"^heitu_ingest_{name} (\S+)$", text, re.MULTILINE)
        return float(found[0]) if found else None

    def ready(self):
        return self.figure("ready") == 1.0


@contextlib.contextmanager
def running(url, port, **options):
    """An ingestor process that is ready, stopped in good order at the end."""
    process = Process(url, port, **options).start()
    try:
        until(process.ready)
        yield process
    except BaseException:
        process.kill()
        raise
    process.stop()


def tell(capsys, line):
    """Show a figure to the person who runs this."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")


def totals(database):
    with database.reading() as tx:
        return ledger.totals(tx, ledger.Selection())


def account(database):
    """What ledger and tables say, which must be the same."""
    with database.reading() as tx:
        held = ledger.reconciliation(tx)
        assert held.totals.balanced
        assert held.agrees, held
        return held.totals, quarantine.count(tx)


class Store:
    """A database server of its own, with so many probes; it can be hung, killed or shut down."""

    def __init__(self, folder, jilin, devices, **settings):
        self.server = EmbeddedPostgres(folder, settings=settings)
        self.server.start()
        migrate(self.server.url)
        self.database = Database(self.server.url)
        with self.database.writing() as tx:
            places.add_regions(tx, *jilin)
        probes.plant(self.database, devices)

    def signal(self, what):
        """Send a signal to every process of the server."""
        postmaster = psutil.Process(self.server.process.pid)
        for process in (postmaster, *postmaster.children()):  # each has a group of its own
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend that was ending
                process.send_signal(what)

    def kill(self):
        """End every process of it at once, as a power cut would."""
        self.signal(signal.SIGKILL)
        self.server.process.wait(10)
        self.database.close()

    def close(self):
        self.database.close()
        self.server.stop()


def plant_flooder(database):
    """Register a device of a farm of its own, by the key flooder-0."""
    with database.writing() as tx:
        plant_device(tx, plant_farm(tx, "farm-flood"), key="flooder-0", streams=probes.SOIL[:1])


# the review writes flagged rows anew, so that the row itself tells a later commit
FIRST_COMMITS = """
CREATE TABLE first_commit (datastream_id int, time timestamptz);
CREATE FUNCTION note_first_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO first_commit VALUES (NEW.datastream_id, NEW.time);
    RETURN NULL;
END $$;
CREATE TRIGGER note_first_commit AFTER INSERT ON reading
FOR EACH ROW EXECUTE FUNCTION note_first_commit();
"""
