"""The stage of the ingest benchmarks: broker, database and programs as processes of their own."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict

import psutil
import psycopg

from ingest.mqtt.link import discard_session
from ingest.mqtt.partitions import link_of
from tests import brokers
from tests.faults import parts
from tests.probes import until


def load_average():
    """How busy the machine is beside us, before we begin."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


class Publisher:
    """The blaster, its packets made; `go` starts it."""

    def __init__(self, load):
        command = [sys.executable, "-m", "tests.benchmarks.blaster", json.dumps(asdict(load))]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "READY\n"

    def go(self):
        began = time.monotonic()
        self.process.stdin.write("\n")
        self.process.stdin.close()
        return began

    def end(self):
        """Wait for the last acknowledgement; the seconds it took."""
        told = json.loads(self.process.stdout.readline())
        self.process.wait(30)
        self.process.stdout.close()
        return told["seconds"]


def received(url, table="ledger"):
    """Readings settled so far: from the ledger, or counted in the table of a peer."""
    what = "COALESCE(sum(received), 0)" if table == "ledger" else "count(*)"
    with psycopg.connect(url) as connection:
        return int(connection.execute(f"SELECT {what} FROM {table}").fetchone()[0])


def until_received(url, table, wanted, pause, patience=60):
    with psycopg.connect(url, autocommit=True) as connection:
        what = "COALESCE(sum(received), 0)" if table == "ledger" else "count(*)"
        query = f"SELECT {what} FROM {table}"
        until(lambda: connection.execute(query).fetchone()[0] >= wanted, patience, pause)
    return time.monotonic()


def timed(load, url, table="ledger", pause=0.05):
    """Publish and wait until every reading is in the table; readings/s."""
    before = received(url, table)
    publisher = Publisher(load)
    began = publisher.go()
    n = load.messages * load.readings
    ended = until_received(url, table, before + n, pause)
    publisher.end()
    return n / (ended - began)


def beside(mode, url, load):
    """Publish to one of the consumers and wait until it has handled everything; readings/s."""
    command = [sys.executable, "-m", "tests.benchmarks.consumers", mode, url, str(load.port)]
    consumer = subprocess.Popen([*command, str(load.messages)], stdout=subprocess.PIPE, text=True)
    try:
        assert consumer.stdout.readline().startswith("READY")
        publisher = Publisher(load)
        began = publisher.go()
        word, ended = consumer.stdout.readline().split()
        assert word == "DONE"
        publisher.end()
        consumer.wait(30)
    finally:
        consumer.kill()
        consumer.wait(5)
        consumer.stdout.close()
        if mode != "script":
            discard_session(brokers.link(load.port, "beside"))
    return load.messages * load.readings / (float(ended) - began)


def _spread(url, count, n):
    """Whether each has its part of the partitions, and the broker holds all filters."""
    query = "SELECT owner, count(*) FROM partition WHERE held @> filters GROUP BY owner"
    with psycopg.connect(url) as connection:
        found = dict(connection.execute(query).fetchall())
    return len(found) == n and set(found.values()) == {count // n}


@contextlib.contextmanager
def ingestors(url, port, n=1, **options):
    """Ingestor processes that are ready; several share the topics."""
    started = [
        parts.Process(url, port, **(options | ({"name": f"bench-{k}"} if n > 1 else {}))).start()
        for k in range(n)
    ]
    try:
        until(lambda: all(process.ready() for process in started), patience=60, pause=0.2)
        if n > 1:
            until(lambda: _spread(url, options["partitions"], n), patience=60, pause=0.2)
            until(lambda: all(process.ready() for process in started), patience=60, pause=0.2)
        yield started
    finally:
        for process in started:
            process.kill()
        # a session left behind would collect what the next way is sent, at the broker's cost
        plain = brokers.link(port, "heitu-ingestor")
        for number in range(options.get("partitions", 1)):
            discard_session(link_of(plain, number))
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM partition; DELETE FROM ingestor")
            # the review of quality is put off while messages pile up: it is not the next one's
            connection.execute("TRUNCATE review_dirty, neighbour_dirty, rollup_dirty")


class Held:
    """Processes that may run only a share of the time, each by turns of 20 ms."""

    def __init__(self, pids, share):
        self._over, self._on = threading.Event(), 0.02 * share
        self._off = 0.02 - self._on
        self._threads = [threading.Thread(target=self._run, args=(pid,)) for pid in pids]

    def _run(self, pid):
        while not self._over.is_set():
            os.kill(pid, signal.SIGCONT)
            time.sleep(self._on)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self._off)
        os.kill(pid, signal.SIGCONT)

    def __enter__(self):
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()


class CpuMeter:
    """CPU seconds of the whole machine between two looks."""

    def __init__(self):
        self.began, self.before = time.monotonic(), self._busy()

    @staticmethod
    def _busy():
        times = psutil.cpu_times()
        return sum(times) - times.idle - times.iowait - getattr(times, "guest", 0)

    def used(self):
        """Cores kept busy since the start."""
        return (self._busy() - self.before) / (time.monotonic() - self.began)


def median(rates):
    return statistics.median(rates)
