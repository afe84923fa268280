"""Import of a CSV file beside bare COPY of the same rows and row-wise INSERT."""

import sys
import time

import numpy as np
import psycopg
import pytest

from ingest.files import mapping
from ingest.files.run import Task, take_in
from models.store.readings import STORED
from tests.ingest.files.parts import Desk, clock

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
ROWS = 1_500_000
MAPPING = """
[time]
columns = ["time"]
zone = "Asia/Shanghai"

[device]
column = "probe"

[long]
channel = "what"
value = "value"

[[value]]
name = "t"
channel = "soil_temperature_10"
quantity = "soil_temperature"
unit = "Cel"

[[value]]
name = "w"
channel = "soil_moisture_10"
quantity = "soil_moisture"
unit = "%"
"""
TABLE = "CREATE UNLOGGED TABLE bare (probe text, time timestamp, what text, value float8)"


def rows(n):
    """One reading a row, 50 probes of two channels, a minute apart, over 10 days and more."""
    minutes = np.arange(n // 100)
    stamps = (np.datetime64("2026-03-01T00:00") + minutes).astype("M8[s]").astype(str)
    for minute, stamp in zip(minutes.tolist(), stamps.tolist(), strict=True):
        shown = stamp.replace("T", " ")
        for probe in range(50):
            yield f"probe-{probe},{shown},t,{(minute + probe) % 400 / 10}\n"
            yield f"probe-{probe},{shown},w,{20 + (minute + probe) % 50 / 10}\n"


@pytest.fixture
def desk(province, tmp_path):
    made = Desk(province, tmp_path)
    made.plant(50)
    return made


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_import_of_a_csv_file(desk, fresh_url, capsys):
    path = desk.write("probe,time,what,value\n" + "".join(rows(ROWS)))
    (desk.folder / "m.toml").write_text(MAPPING)
    task = Task(path, mapping.load(desk.folder / "m.toml"))
    marks = {}

    def progress(done, whole, report):
        if done == whole:
            marks["stored"] = time.perf_counter()

    began = time.perf_counter()
    report = take_in(desk.database, task, clock, progress)
    ended = time.perf_counter()
    assert report.total(STORED) == ROWS
    stored, rolled = marks["stored"] - began, ended - marks["stored"]
    with psycopg.connect(fresh_url, autocommit=True) as connection:
        connection.execute(TABLE.replace("UNLOGGED ", ""))
        data = path.read_bytes()

        def copied():
            with connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write(data)

        bare = timed(copied)
        connection.execute("TRUNCATE bare")
        few = [line.split(",") for line in rows(60_000)]

        def inserted():
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany("INSERT INTO bare VALUES (%s, %s, %s, %s)", few)

        row_wise = timed(inserted) * ROWS / len(few)
    rate = ROWS / stored
    with capsys.disabled():
        sys.stdout.write(
            f"\nimport of {ROWS:,} CSV rows: {rate:,.0f} rows/s "
            f"({bare / stored:.0%} of bare COPY, {ROWS / bare:,.0f}/s, no key, no ledger; "
            f"{row_wise / stored:.1f} x executemany, {ROWS / row_wise:,.0f}/s); "
            f"rollups {rolled:.1f} s\n"
        )
