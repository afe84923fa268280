"""Brokers for tests: the embedded one, and Debian's mosquitto on a free port."""

import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
import time

from deploy.embedded import broker
from ingest.mqtt.client import Link

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

# as in production (deploy/compose), but open and on loopback
_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 5
max_queued_messages 0
max_inflight_messages {window}
persistent_client_expiration 14d
set_tcp_nodelay true
log_type error
user {user}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def link(port, client_id="ingestor-under-test", **more):
    """How to reach a broker; ``reserved=True`` asks for topics that begin with $ too."""
    return Link("127.0.0.1", port, client_id=client_id, **({"reserved": False} | more))


@contextlib.contextmanager
def _running(command, port, **more):
    process = subprocess.Popen(command, **more)
    try:
        deadline = time.monotonic() + 20
        while not broker.answers("127.0.0.1", port, 0.2):
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            assert time.monotonic() < deadline, "the broker did not come up in 20 s"
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait(5)
        if process.stdin:
            process.stdin.close()


@contextlib.contextmanager
def embedded(folder, port=None):
    """The demonstration's broker; gives its port."""
    port = port or free_port()
    command = broker.configure(folder / "broker.toml", port)
    with _running(command, port, stdin=subprocess.PIPE):  # it ends when the pipe closes
        yield port


def _mosquitto(folder, port, window):
    folder.mkdir(exist_ok=True)
    conf = folder / "mosquitto.conf"
    conf.write_text(_CONF.format(port=port, folder=folder, window=window, user=getpass.getuser()))
    return _running([MOSQUITTO, "-c", str(conf)], port)


@contextlib.contextmanager
def mosquitto(folder, window=10_000):
    """Debian's mosquitto with a window of so many unacknowledged messages; gives its port."""
    port = free_port()
    with _mosquitto(folder, port, window):
        yield port


class Mosquitto:
    """Debian's mosquitto on one port and folder, which can be killed and started again."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()

    def start(self):
        self._running = _mosquitto(self.folder, self.port, 10_000)
        self.process = self._running.__enter__()
        return self

    def kill(self):
        """End it as a power cut would: what was not saved is gone."""
        self.process.kill()
        self.process.wait(5)
        self.stop()

    def stop(self):
        self._running.__exit__(None, None, None)
