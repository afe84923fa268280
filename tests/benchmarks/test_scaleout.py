"""Several ingestors, each with its own topic partitions, against one: is it linear?

Broker, database, publisher and ingestors share the cores: two ingestors cannot be twice as
fast where one leaves less than half of them idle. So it is measured twice: each ingestor held
to a fifth of the time, which leaves the cores room for two, and then unheld, with the CPU of
the whole machine beside it: the linear bound is the smaller of N times one ingestor's rate and
what the cores can do at one ingestor's CPU per reading.
"""

import contextlib
import os
import random
import sys

import pytest

from ingest.mqtt.partitions import shares
from ingest.mqtt.payloads.heitu import BY_COUNTY
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
HELD = 0.2  # of the time
# (readings a message, share of the time): messages
MESSAGES = {(1, HELD): 30_000, (10, HELD): 8_000, (1, 1.0): 100_000, (10, 1.0): 30_000}


def balanced(province):
    """Counties of which each partition has as many."""
    with province.reading() as tx:
        codes = [r[0] for r in tx.driver.execute("SELECT code FROM region ORDER BY 1").fetchall()]
    by_county = {BY_COUNTY.replace("+", code, 1): code for code in codes}
    per = [[by_county[f] for f in share if f in by_county] for share in shares(PARTITIONS, codes)]
    return tuple(code for some in zip(*per, strict=False) for code in some)


def test_it_scales_out(province, fresh_url, tmp_path):
    probes.plant(province, DEVICES, streams=probes.SOIL[:1])
    counties, busy = balanced(province), stage.load_average()
    found = {(n, case): [] for n in (1, 2) for case in MESSAGES}
    chance, run, sent = random.Random(6), 0, 0
    with brokers.mosquitto(tmp_path / "mqtt") as port:
        for _ in range(ROUNDS):
            for n, (size, share) in chance.sample(list(found), len(found)):
                run += 1
                load = Load(
                    port,
                    MESSAGES[size, share],
                    size,
                    DEVICES,
                    since=run * 14_400,
                    topic="heitu/v1/{county}/{key}/readings",
                    counties=counties,
                )
                sent += load.messages * size
                found[n, (size, share)].append(measured(fresh_url, load, n, share))
    show(found, busy)
    with province.reading() as tx:
        held = ledger.reconciliation(tx)
    assert held.agrees
    assert (held.totals.stored, held.totals.quarantined) == (sent, 0)


def measured(url, load, n, share):
    """Readings/s and cores busy."""
    options = {"partitions": PARTITIONS, "flood_rate": float("inf")}
    with stage.ingestors(url, load.port, n, **options) as processes:
        pids = [process.pid for process in processes]
        with stage.Held(pids, share) if share < 1 else contextlib.nullcontext():
            meter = stage.CpuMeter()
            rate = stage.timed(load, url)
            return rate, meter.used()


def show(found, busy):
    out, cores = sys.stdout.write, os.cpu_count()
    out(f"\n{PARTITIONS} partitions, all on {cores} cores, median of {ROUNDS} ({busy})\n")
    for size, share in MESSAGES:
        (one, used_one), (two, used_two) = (
            sorted(found[n, (size, share)])[ROUNDS // 2] for n in (1, 2)
        )
        linear = min(2 * one, one * cores / used_one)
        how = f"each held to {share:.0%} of the time" if share < 1 else "unheld"
        out(
            f"  {size:>2} a message, {how}: one {one:,.0f} readings/s, {used_one:.2f} cores busy; "
            f"two {two:,.0f}, {used_two:.2f} cores; {two / one:.2f} times, {two / linear:.2f} of "
            f"linear until the cores are full ({linear:,.0f}; target {TARGET})\n"
        )
