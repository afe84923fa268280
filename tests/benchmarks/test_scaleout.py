"""Several ingestors, each with its own topic partitions, against one: is it linear?

Two ingestors cannot be twice as fast where one leaves less than half of the cores idle. So
the CPU of the whole machine is measured beside the rate, and the linear bound is the smaller
of N times one ingestor's rate and what the cores can do at one ingestor's CPU per reading.
"""

import os
import random
import sys

import pytest

from models.store import ledger
from tests import brokers, probes
from tests.benchmarks import stage
from tests.benchmarks.blaster import Load

pytestmark = [
    pytest.mark.bench,
    pytest.mark.mosquitto,
    pytest.mark.timeout(900),
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]
ROUNDS, DEVICES, PARTITIONS = 3, 240, 4
TARGET = 0.8
MESSAGES = {1: 100_000, 10: 30_000}


def balanced(province):
    """Counties of which each partition has as many."""
    from ingest.mqtt.partitions import shares

    with province.reading() as tx:
        codes = [r[0] for r in tx.driver.execute("SELECT code FROM region ORDER BY 1").fetchall()]
    per = [
        [f.split("/")[2] for f in share if f.split("/")[2] in codes]
        for share in shares(PARTITIONS, codes)
    ]
    return tuple(code for some in zip(*per, strict=False) for code in some)


def test_it_scales_out(province, fresh_url, tmp_path):
    probes.plant(province, DEVICES, streams=probes.SOIL[:1])
    counties, busy = balanced(province), stage.load_average()
    found = {(n, size): [] for n in (1, 2) for size in MESSAGES}
    chance, run, sent = random.Random(6), 0, 0
    with brokers.mosquitto(tmp_path / "mqtt") as port:
        for _ in range(ROUNDS):
            for n, size in chance.sample(list(found), len(found)):
                run += 1
                sent += MESSAGES[size] * size
                load = Load(
                    port,
                    MESSAGES[size],
                    size,
                    DEVICES,
                    since=run * 14_400,
                    topic="heitu/v1/{county}/{key}/readings",
                    counties=counties,
                )
                flood = {"flood_rate": float("inf")}
                with stage.ingestors(fresh_url, port, n, partitions=PARTITIONS, **flood):
                    meter = stage.CpuMeter()
                    rate = stage.timed(load, fresh_url)
                    found[n, size].append((rate, meter.used()))
    show(found, busy)
    with province.reading() as tx:
        held = ledger.reconciliation(tx)
    assert held.agrees
    assert (held.totals.stored, held.totals.quarantined) == (sent, 0)


def show(found, busy):
    out, cores = sys.stdout.write, os.cpu_count()
    out(f"\n{PARTITIONS} partitions, all on {cores} cores, median of {ROUNDS} ({busy})\n")
    for size in MESSAGES:
        (one, used_one), (two, used_two) = (sorted(found[n, size])[ROUNDS // 2] for n in (1, 2))
        linear = min(2 * one, one * cores / used_one)
        out(
            f"  {size:>2} a message: one {one:,.0f} readings/s, {used_one:.2f} cores busy; "
            f"two {two:,.0f}, {used_two:.2f} cores; {two / one:.2f} times, {two / linear:.2f} of "
            f"linear until the cores are full ({linear:,.0f}; target {TARGET})\n"
        )
