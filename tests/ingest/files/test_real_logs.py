"""The three real logs, each by the mapping that is shipped with the platform."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.files import mapping
from ingest.files.registering import register
from ingest.files.run import Task, open_file, take_in
from models.store import readings, rollups
from models.store.readings import STORED
from tests.conftest import SHARED
from tests.ingest.files.parts import Desk, clock
from tests.models.store.seeds import plant_farm

MAPPINGS = Path(__file__).parents[3] / "ingest" / "mappings"
LOGS = Path(__file__).parents[3] / "deploy" / "demo" / "data"
COOK = "soil_cookfarm/cookfarm_readings_10stations_2011_2012.csv"


@pytest.fixture
def desk(province, tmp_path):
    return Desk(province, tmp_path)


def run(desk, path, name):
    with desk.database.writing() as tx:
        farm = plant_farm(tx)
    task = Task(path, mapping.load(MAPPINGS / name))
    made = register(desk.database, open_file(task), task.mapping, farm.id).made
    report = take_in(desk.database, task, clock)
    assert report.bad_rows == 0
    assert report.unused == []
    return made, report


def cells(path, columns=slice(None)):
    """Cells of a file that hold a value, counted the plain way."""
    with path.open(newline="") as file:
        _, *rows = csv.reader(file)
    return sum(bool(cell) for row in rows for cell in row[columns])


def test_soil_probes_of_the_cook_farm(desk):
    path = LOGS / COOK
    made, report = run(desk, path, "soil_cookfarm.toml")
    assert len(made) == 10
    assert report.total(STORED) == cells(path, slice(2, None)) == desk.account().stored
    first = next(row for row in desk.stored() if row[:2] == ("CAF079", "soil_moisture_30"))
    assert first[2:] == (datetime(2011, 1, 2, 20, tzinfo=UTC), 0.3, 0.3)  # noon, UTC-8


@pytest.mark.parametrize(("depth", "streams"), [(30, 3), (60, 2)])
def test_the_pond(desk, depth, streams):
    path = LOGS / f"aquaculture_sehili/aquaculture_{depth}cm.csv"
    made, report = run(desk, path, f"aquaculture_sehili_{depth}cm.toml")
    assert made == [f"pond-sehili-{depth}"]
    kept = report.total(STORED) + report.total(readings.DUPLICATE) + report.total(readings.REVISED)
    assert kept == cells(path, slice(1, None))
    assert len({row[1] for row in desk.stored()}) == streams
    desk.account()


def test_the_weather_station_with_fahrenheit_miles_langleys_and_summer_time(desk):
    path = SHARED / "data" / "iot" / "weather_agrimet" / "fallon_agrimet_2015_hourly_raw.csv"
    if not path.exists():
        pytest.skip("needs ../shared/data/iot/weather_agrimet")
    made, report = run(desk, path, "weather_agrimet.toml")
    assert made == ["agrimet-fallon"]
    assert report.total(STORED) == 4 * report.rows == 4 * 8758
    by_key = {(row[1], row[2]): row[3:] for row in desk.stored()}
    noon = datetime(2015, 5, 19, 20, tzinfo=UTC)  # 13:00, UTC-7
    value, raw = by_key["solar_radiation", noon]
    assert (raw, value) == (105.30, pytest.approx(105.30 * 11.6222, abs=1e-2))
    assert by_key["air_temperature", noon] == (pytest.approx((64.03 - 32) / 1.8), 64.03)
    assert by_key["wind_speed", noon][0] == pytest.approx(7.64 * 0.44704)
    # the morning on which the clock went from 01:00 to 03:00
    night = datetime(2015, 3, 8, 8, tzinfo=UTC), datetime(2015, 3, 8, 12, tzinfo=UTC)
    winds = [row[2] for row in desk.stored() if row[1] == "wind_speed"]
    hours = [moment.hour for moment in winds if night[0] <= moment < night[1]]
    assert hours == [8, 9, 10, 11]


def test_rollups_follow_an_import(desk):
    run(desk, LOGS / COOK, "soil_cookfarm.toml")
    with desk.database.reading() as tx:
        n = tx.driver.execute("SELECT sum(n) FROM reading_daily").fetchone()[0]
    assert n == desk.account().stored
    assert rollups.refresh(desk.database) == 0
