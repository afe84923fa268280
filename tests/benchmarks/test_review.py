"""The review: readings judged per second, as backfill and as a live stream."""

import sys
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from ingest import review
from ingest.mqtt.wire import micros
from models import reading
from models.store import readings
from tests import probes
from tests.models.store.seeds import plant_device, plant_farm

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
STREAMS, DAYS = 200, 7
FIRST = datetime(2026, 5, 4, tzinfo=UTC)
MINUTES = DAYS * 144  # one reading in ten minutes


def plant(database, number):
    """A farm of five probes at one depth."""
    with database.writing() as tx:
        farm = plant_farm(tx, key=f"farm-{number}")
        for i in range(5):
            plant_device(tx, farm, key=f"probe-{number}-{i}", streams=probes.SOIL[:1])


def test_backfill_and_live(province):
    for farm in range(STREAMS // 5):
        plant(province, farm)
    with province.reading() as tx:
        found = tx.driver.execute("SELECT id FROM datastream ORDER BY id").fetchall()
    ids = np.array([row[0] for row in found])
    rng = np.random.default_rng(1)
    times = micros(FIRST) + np.arange(MINUTES + 60) * 600_000_000
    course = np.round(15 + np.cumsum(rng.normal(0, 0.1, (STREAMS, MINUTES + 60)), axis=1), 1)

    def store(columns):
        block = reading.block(
            np.repeat(ids, len(columns)),
            np.tile(times[columns], STREAMS),
            course[:, columns].ravel(),
        )
        with province.writing() as tx:
            readings.add(tx, block)

    for part in np.array_split(np.arange(MINUTES), 20):
        store(part)
    began = time.perf_counter()
    review.catch_up(province)
    backfill = STREAMS * MINUTES / (time.perf_counter() - began)
    live = []
    for minute in range(MINUTES, MINUTES + 10):
        store(np.array([minute]))
        began = time.perf_counter()
        review.catch_up(province)
        live.append((time.perf_counter() - began) / STREAMS)
    typical = float(np.median(live))
    sys.stdout.write(
        f"\nreview: backfill {backfill:,.0f} readings/s; live {typical * 1e3:.2f} ms for the new"
        f" reading of a datastream of a field of five ({1 / typical:,.0f} datastreams/s)\n"
    )
    assert backfill >= 20_000
    assert typical <= 0.02
