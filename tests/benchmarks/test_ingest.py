"""One ingestor on two cores, with mosquitto, PostgreSQL and the publisher on the same machine.

QoS 1, acknowledged after the commit. In the same run: Node-RED (one insert a message, and a
thousand rows batched by hand), a plain paho script, the ceiling of the client (decode and
acknowledge only), and our own path with a bare COPY into a table without key. The ways take
turns, and medians are compared.
"""

import random
import sys
from dataclasses import replace

import pytest

from models.store import ledger
from tests import brokers, probes
from tests.benchmarks import node_red, stage
from tests.benchmarks.blaster import Load

pytestmark = [
    pytest.mark.bench,
    pytest.mark.mosquitto,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
ROUNDS, DEVICES = 3, 200
SIZES = (1, 10, 50)  # readings a message
# messages of a measurement: 5 to 10 s of work each
MESSAGES = {
    "heitu": {1: 120_000, 10: 40_000, 50: 14_000},
    "client ceiling": {1: 200_000, 10: 100_000, 50: 30_000},
    "bare COPY, no key": {1: 120_000, 10: 60_000, 50: 30_000},
    "Node-RED, batched": {1: 60_000, 10: 15_000, 50: 4_000},
    "Node-RED": {1: 20_000, 10: 6_000, 50: 1_500},
    "paho script": {1: 4_000, 10: 3_000, 50: 1_500},
}
_HOURS = 3_600


class Bench:
    """Broker and database, and one way after another between them."""

    def __init__(self, url, port, folder):
        self.url, self.port, self.folder = url, port, folder
        self.runs = 0

    def load(self, way, size):
        self.runs += 1
        load = Load(self.port, MESSAGES[way][size], size, DEVICES)
        return replace(load, since=self.runs * 4 * _HOURS)

    def run(self, way, size):
        load = self.load(way, size)
        if way == "heitu":
            with stage.ingestors(self.url, self.port, flood_rate=float("inf")):
                return stage.timed(load, self.url)
        if way.startswith("Node-RED"):
            folder = self.folder / f"red-{self.runs}"
            with node_red.running(folder, self.url, self.port, batched="batched" in way):
                return stage.timed(load, self.url, "plain", 0.2)
        mode = {"client ceiling": "ceiling", "bare COPY, no key": "bare"}.get(way, "script")
        return stage.beside(mode, self.url, load)


@pytest.fixture
def bench(province, fresh_url, tmp_path):
    probes.plant(province, DEVICES, streams=probes.SOIL[:1])
    with province.writing() as tx:
        tx.driver.execute(
            "CREATE TABLE plain (device text, channel text, time timestamptz, value float8)"
        )
    with brokers.mosquitto(tmp_path / "mqtt") as port:
        yield Bench(fresh_url, port, tmp_path)


def ways():
    return [way for way in MESSAGES if not (way.startswith("Node-RED") and node_red.missing())]


def test_one_ingestor(bench, province):
    rates = {(way, size): [] for way in ways() for size in SIZES}
    chance, busy = random.Random(4), stage.load_average()
    for _ in range(ROUNDS):
        for way, size in chance.sample(list(rates), len(rates)):
            rates[way, size].append(bench.run(way, size))
    typical = {key: stage.median(found) for key, found in rates.items()}
    show(typical, busy)
    with province.reading() as tx:
        held = ledger.reconciliation(tx)
    assert held.agrees
    sent = sum(MESSAGES["heitu"][size] * size for size in SIZES) * ROUNDS
    assert (held.totals.stored, held.totals.quarantined) == (sent, 0)  # nothing lost, none twice


def show(typical, busy):
    out = sys.stdout.write
    out(f"\ningest, readings/s by readings a message, median of {ROUNDS} ({busy})\n")
    if node_red.missing():
        out(f"  {node_red.missing()}\n")
    out(f"  {'':<20}" + "".join(f"{size:>10}" for size in SIZES) + "\n")
    for way in ways():
        out(f"  {way:<20}" + "".join(f"{typical[way, size]:>10,.0f}" for size in SIZES) + "\n")
    ratios = [("of the client ceiling", "client ceiling", 1, 0.60)]
    ratios += [("of bare COPY, no key", "bare COPY, no key", 50, 0.40)]
    if not node_red.missing():
        ratios += [("of batched Node-RED", "Node-RED, batched", 1, 1.5)]
    for text, way, size, target in ratios:
        ratio = typical["heitu", size] / typical[way, size]
        out(f"  heitu, {size:>2} a message: {ratio:5.2f} {text} (target {target})\n")
