"""A watch killed again and again tells every excursion once, and none twice."""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from ingest.alarms.watch import Patience, Watchman
from models import reading
from models.store import alarm_rules, readings
from tests import probes
from tests.analytics.alarms.rules import rule

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
STREAMS, KILLS, STEP_S = 20, 20, 0.1
_WATCH = """\
import sys, time
from ingest.alarms.watch import Patience, Watchman
from models.store.database import Database
watchman = Watchman(Database(sys.argv[1]), Patience(grace_s=0.3, asleep_s=1e6))
print("up", flush=True)
while True:
    watchman.look()
    time.sleep(0.01)
"""


def watching(url):
    child = subprocess.Popen([sys.executable, "-c", _WATCH, url], stdout=subprocess.PIPE)
    child.stdout.readline()
    return child


def killed(child):
    child.kill()
    child.wait(5)
    child.stdout.close()


def test_a_watch_killed_twenty_times(province, fresh_url):
    probes.plant(province, STREAMS, streams=[probes.NewStream("air", "air_temperature", "Cel")])
    with province.writing() as tx:
        kept = alarm_rules.add(tx, rule(), "test", datetime.now(UTC))
        alarm_rules.enable(tx, kept, "test", datetime.now(UTC), force=True)
        ids = [row[0] for row in tx.driver.execute("SELECT id FROM datastream ORDER BY id")]
    dice, child = random.Random(3), watching(fresh_url)
    cold = dict.fromkeys(ids, False)
    excursions = dict.fromkeys(ids, 0)
    kills, at = 0, time.monotonic() + 0.3
    while kills < KILLS or any(cold.values()):
        for stream in ids:
            before = cold[stream]
            cold[stream] = kills < KILLS and dice.random() < (0.7 if before else 0.2)
            excursions[stream] += cold[stream] and not before
        now = round(time.time() * 1e6)
        values = [0.0 if cold[stream] else 8.0 for stream in ids]
        with province.writing() as tx:
            readings.add(tx, reading.block(ids, now, values))
        if kills < KILLS and time.monotonic() > at:
            killed(child)
            kills += 1
            child = watching(fresh_url)
            at = time.monotonic() + dice.uniform(0.05, 0.6)
        time.sleep(STEP_S)
    killed(child)
    time.sleep(0.5)
    Watchman(province, Patience(grace_s=0.3, asleep_s=1e6)).look()
    with province.reading() as tx:
        run = tx.connection.exec_driver_sql
        found = run("SELECT datastream_id, count(*) FROM alarm GROUP BY 1").all()
        told = {row[0]: row[1] for row in found}
        open_ones = run("SELECT count(*) FROM alarm WHERE state = 'open'").scalar()
        letters = run(
            "SELECT occasion, count(*), count(DISTINCT alarm_id) FROM outbox GROUP BY 1 ORDER BY 1"
        ).all()
    total = sum(excursions.values())
    assert total > 60
    assert told == excursions
    assert open_ones == 0
    assert [tuple(row) for row in letters] == [("cleared", total, total), ("opened", total, total)]
