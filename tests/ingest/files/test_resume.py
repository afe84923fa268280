"""An import that is killed in the middle, and goes on."""

import signal
import subprocess
import sys
import time

import pytest

from models.store.readings import DUPLICATE, STORED
from tests.ingest.files.parts import WIDE

ROWS = 60_000
_IMPORT = """\
import sys
from pathlib import Path
from ingest.files import delimited, mapping
from ingest.files.run import Task, take_in
from models import calendar
from models.store.database import Database
url, path, told, errors = sys.argv[1:]
delimited._BLOCK = 100_000  # sixteen pieces
database = Database(url)
task = Task(Path(path), mapping.load(Path(told)), True, Path(errors))
take_in(database, task, calendar.now, lambda *_: print(".", flush=True))
database.close()
"""


def lines(n):
    """Two values a row, every ten seconds; one row of 1,000 is bad."""
    for i in range(n):
        day, second = divmod(i * 10, 86_400)
        hour, minute = divmod(second // 60, 60)
        time_of = (
            f"2026-{1 + day // 28:02}-{1 + day % 28:02} {hour:02}:{minute:02}:{second % 60:02}"
        )
        yield f"{time_of},{'x' if i % 1_000 == 0 else i % 400 / 10},{i % 50}\n"


@pytest.fixture
def paths(desk):
    data = desk.write("time,t,w\n" + "".join(lines(ROWS)))
    desk.mapping(WIDE)
    return str(data), str(desk.folder / "mapping.toml"), str(desk.folder / "errors.csv")


def count(desk):
    with desk.database.reading() as tx:
        query = "SELECT count(*), count(DISTINCT (datastream_id, time)) FROM reading"
        return tx.driver.execute(query).fetchone()


def test_killed_three_times_every_row_is_stored_once(desk, fresh_url, paths):
    command = [sys.executable, "-c", _IMPORT, fresh_url, *paths]
    seen = []
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.read(2)  # a piece is committed
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(5)
        process.stdout.close()
        seen.append(count(desk)[0])
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    bad = ROWS // 1_000
    assert count(desk) == (2 * ROWS - bad, 2 * ROWS - bad)
    totals = desk.account()
    assert (totals.stored, totals.duplicate) == (2 * ROWS - bad, 0)  # its place is kept with them
    assert 0 < seen[0] < seen[-1] < 2 * ROWS - bad
    told = (desk.folder / "errors.csv").read_text("utf-8-sig").splitlines()
    assert [int(row.split(",")[0]) for row in told[1:]] == [2 + k * 1_000 for k in range(bad)]


def test_without_resume_it_begins_again_and_finds_duplicates(desk):
    data = desk.write("time,t,w\n2026-05-01 08:00,1,20\n")
    assert desk.take_in(data).total(STORED) == 2
    again = desk.take_in(data, resume=True)  # it had come to its end: nothing to go on with
    assert (again.total(DUPLICATE), again.resumed) == (2, None)
