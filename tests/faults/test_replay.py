"""A replay killed again and again puts every reading through once."""

import random
import subprocess
import sys
import time

import pytest

from ingest.batch import store
from ingest.intake import digest
from ingest.mqtt.inbox import Message
from ingest.mqtt.wire import micros
from ingest.placement import Placement
from models.reading import Reason
from models.store import catalogue
from tests import probes
from tests.faults import parts
from tests.probes import START, encode, reading, topic

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]
N = 20_000
_REPLAY = """\
import sys
from ingest.rejects import replay
from models import calendar
from models.store.database import Database
database = Database(sys.argv[1])
replay(database, calendar.now)
database.close()
"""


def test_a_replay_killed_five_times(province, fresh_url):
    received = micros(START) + 30 * 86_400_000_000
    with province.writing() as tx:
        nobody = Placement(catalogue.load(tx))
        payloads = [encode(reading(i)) for i in range(N)]
        messages = [Message(topic(), p, received, len(p)) for p in payloads]
        store(tx, digest(messages, nobody))
    probes.plant(province)
    chance = random.Random(5)
    command = [sys.executable, "-c", _REPLAY, fresh_url]
    through = []
    for _ in range(5):
        process = subprocess.Popen(command)
        time.sleep(chance.uniform(0.8, 1.6))
        process.kill()
        process.wait(5)
        totals, aside = parts.account(province)
        assert totals.stored + aside.get(Reason.UNKNOWN_DEVICE, 0) == N
        through.append(totals.stored)
    subprocess.run(command, check=True, timeout=90)
    totals, aside = parts.account(province)
    assert (totals.received, totals.stored, totals.duplicate, aside) == (N, N, 0, {})
    assert through[-1] > 0
    assert through[0] < N
