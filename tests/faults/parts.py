"""What the fault runs share: an ingestor process that can be killed, figures, accounts."""

import contextlib
import re
import signal
import subprocess
import sys
import urllib.request

from models.store import ledger, quarantine
from tests import brokers
from tests.probes import until


class Process:
    """An ingestor process and its metrics page."""

    def __init__(self, url, port):
        self._url, self._port, self._metrics = url, port, brokers.free_port()
        self._process = None

    def start(self):
        command = [sys.executable, "-m", "tests.faults.ingestor", self._url]
        self._process = subprocess.Popen([*command, str(self._port), str(self._metrics)])
        return self

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
def running(url, port):
    """An ingestor process that is ready, stopped in good order at the end."""
    process = Process(url, port).start()
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
