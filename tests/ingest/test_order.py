"""Shuffled, repeated and late input gives the same rollups as ordered input."""

import random
from datetime import timedelta

import pytest

from ingest.batch import store
from ingest.intake import digest
from ingest.mqtt.inbox import Message
from ingest.mqtt.wire import micros
from ingest.placement import Placement
from models.store import catalogue, ledger, readings, rollups
from tests import probes
from tests.probes import START, encode, reading, topic

N = 3_000  # one a minute: two days and two hours, over two week partitions
FIRST = START + timedelta(days=2)  # 2026-05-03, a Sunday in Shanghai and in UTC


def message(key, i):
    # decimal fractions: a sum in another order must not differ in its last bits
    document = reading(i, value=round(10 + (i * 7919 % 1000) / 37, 3))
    document["time"] = (FIRST + i * timedelta(minutes=1)).isoformat()
    payload = encode(document)
    return Message(topic(key), payload, micros(FIRST + timedelta(days=9)), len(payload))


def take_in(database, messages, *, batch, refresh_every):
    with database.reading() as tx:
        placement = Placement(catalogue.load(tx))
    for k, start in enumerate(range(0, len(messages), batch)):
        with database.writing() as tx:
            store(tx, digest(messages[start : start + batch], placement))
        if k % refresh_every == 0:
            rollups.refresh(database)
    rollups.refresh(database)


def rolled(database, key, width):
    with database.reading() as tx:
        (newest,) = [r for r in readings.latest(tx, prefix="22") if r.device_key == key]
        end = FIRST + timedelta(days=10)
        buckets = readings.buckets(tx, newest.datastream_id, START - timedelta(days=1), end, width)
    return buckets, (newest.time, newest.value)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_gives_the_same_rollups_and_the_same_latest(province, seed):
    probes.plant(province, 2)
    chance = random.Random(seed)
    ordered = [message("probe-0", i) for i in range(N)]
    jumbled = [message("probe-1", i) for i in range(N)]
    jumbled += chance.sample(jumbled, N // 3)  # a third comes twice
    chance.shuffle(jumbled)
    take_in(province, ordered, batch=500, refresh_every=1)
    take_in(province, jumbled, batch=171, refresh_every=5)
    for width in ("hour", "day"):
        buckets, newest = rolled(province, "probe-0", width)
        assert sum(bucket.n for bucket in buckets) == N
        assert (buckets, newest) == rolled(province, "probe-1", width)
    with province.reading() as tx:
        assert ledger.reconciliation(tx).agrees
        totals = ledger.totals(tx, ledger.Selection(device_key="probe-1"))
    assert (totals.received, totals.stored, totals.duplicate) == (N + N // 3, N, N // 3)
