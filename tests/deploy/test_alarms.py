"""``python -m deploy alarms``: rules from files, tried on stored readings, switched on."""

import os
from datetime import timedelta

import pytest

from deploy.__main__ import main
from models import reading
from models.calendar import now
from models.device import NewStream
from models.store import readings
from tests.models.store.seeds import plant_device, plant_farm

AIR = [NewStream("air_temperature", "air_temperature", "Cel")]


@pytest.fixture
def store(province, fresh_url, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("HEITU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEITU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HEITU_DATABASE_URL", fresh_url)
    return province


@pytest.fixture
def cold_nights(store):
    """Three nights of half-hourly air at -1 C in the May of 2025, from midnight to six."""
    with store.writing() as tx:
        device = plant_device(tx, plant_farm(tx), streams=AIR)
        (stream,) = tx.connection.exec_driver_sql(
            "SELECT id FROM datastream WHERE device_id = %s", (device.id,)
        ).one()
        start = 1_746_028_800_000_000  # 2025-05-01T00:00 in Shanghai
        times = [start + i * 1_800_000_000 for i in range(48 * 10)]
        values = [-1.0 if i // 48 < 3 and i % 48 < 12 else 8.0 for i in range(len(times))]
        readings.add(tx, reading.block([stream] * len(times), times, values))
    return stream


def test_a_season_is_tried_before_a_rule_is_switched_on(cold_nights, capsys):
    assert main(["alarms", "load"]) == 0
    assert "added        frost-air" in capsys.readouterr().out
    assert main(["alarms", "enable", "frost-air"]) == 1
    assert "back-test" in capsys.readouterr().err

    assert main(["alarms", "backtest", "frost-air", "--season", "2025"]) == 0
    told = capsys.readouterr().out
    assert "frost-air, 2025-04-01 to 2025-10-31: would have fired 3 times on 3 days" in told
    assert "at 1 of 1 subjects (480 readings)" in told
    # each alarm lasts from 00:30 (half an hour below) to 07:00 (an hour above): 6.5 h
    assert "19.5 h in all" in told
    assert "days: 2025-05-01, 2025-05-02, 2025-05-03" in told

    assert main(["alarms", "enable", "frost-air"]) == 0
    assert main(["alarms"]) == 0
    assert "on  frost-air                critical  [R]" in capsys.readouterr().out
    assert main(["alarms", "load"]) == 0  # again: nothing changes
    assert "same         frost-air" in capsys.readouterr().out


def test_every_shipped_rule_can_be_tried_and_switched_on(cold_nights, capsys):
    assert main(["alarms", "load", "--enable"]) == 0
    told = capsys.readouterr().out
    assert told.count("on           ") == 18
    assert main(["alarms", "watch"]) == 0
    assert main(["alarms", "open"]) == 0
    assert "no open alarm" in capsys.readouterr().out


def test_gaps_are_what_a_rule_about_silence_is_tried_on(store, capsys):
    """Two farms of four devices: one goes silent whole, in the other a single device."""
    last = int((now() - timedelta(days=1)).timestamp()) // 600 * 600
    with store.writing() as tx:
        for farm_number in range(2):
            farm = plant_farm(tx, f"farm-{farm_number}")
            for n in range(4):
                device = plant_device(tx, farm, f"dev-{farm_number}-{n}", streams=AIR)
                (stream,) = tx.connection.exec_driver_sql(
                    "SELECT id FROM datastream WHERE device_id = %s", (device.id,)
                ).one()
                hit = farm_number == 0 or n == 2
                hours = [h for h in range(288) if not (hit and 100 < h < 130)]
                times = [(last - (288 - h) * 600) * 1_000_000 for h in hours]
                readings.add(tx, reading.block([stream] * len(times), times, 8.0))
    main(["alarms", "load"])
    capsys.readouterr()
    start, end = (now() - timedelta(days=4)).date(), now().date()
    asked = ["--start", start.isoformat(), "--end", end.isoformat()]
    assert main(["alarms", "backtest", "no-data", *asked]) == 0
    told = capsys.readouterr().out
    # the end of the data, a day ago, may be a silence too: those of the hole come first
    assert "(farm:1)" in told
    assert "(device:7)" in told


def test_a_file_that_makes_no_sense_is_told_where(store, tmp_path, capsys):
    path = tmp_path / "own.toml"
    path.write_text('[[rule]]\nkey = "x"\nkind = "threshold"\n', "utf-8")
    assert main(["alarms", "load", str(path)]) == 1
    assert "own.toml, rule 1 (x): alarm rule: Object missing required field" in (
        capsys.readouterr().err
    )
    assert main(["alarms", "backtest", "nothing"]) == 1
    assert "no alarm rule 'nothing'" in capsys.readouterr().err
