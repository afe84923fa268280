"""Devices by the command line: a table of them, claim keys, calibrations."""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.__main__ import main
from models.store import calibrations, claims, devices, readings
from tests.models.store.seeds import block, plant_device, plant_farm

TABLE = """\
key,farm,name_zh,profile,depth_cm,datastreams
p-1,farm-1,一号,dragino-lse01,10,
p-2,farm-1,二号,,,t:air_temperature:Cel

p-3,nowhere,三号,dragino-lse01,,
"""


@pytest.fixture
def store(province, fresh_url, monkeypatch, tmp_path):
    monkeypatch.setenv("HEITU_DATABASE_URL", fresh_url)
    monkeypatch.chdir(tmp_path)
    with province.writing() as tx:
        plant_farm(tx)
    return province


def keys(store):
    with store.reading() as tx:
        return [it.key for it in devices.devices(tx)]


def test_a_table_is_imported_with_its_errors_by_line(store, tmp_path, capsys):
    (tmp_path / "devices.csv").write_text(TABLE, "utf-8-sig")
    secrets = tmp_path / "secrets.csv"
    verb = ["devices", "import", "devices.csv"]
    assert main([*verb, "--dry-run"]) == 3
    said = capsys.readouterr()
    assert "2 would be registered, 0 exist already, 1 would be refused" in said.out
    assert "devices.csv:5: p-3:" in said.err
    assert keys(store) == []
    assert main(verb) == 1
    assert "--secrets" in capsys.readouterr().err
    assert main([*verb, "--secrets", str(secrets)]) == 3
    assert keys(store) == ["p-1", "p-2"]
    first = secrets.read_text()
    assert [line.split(",")[0] for line in first.splitlines()] == ["key", "p-1", "p-2"]
    assert secrets.stat().st_mode & 0o777 == 0o600
    (tmp_path / "devices.csv").write_text(TABLE.replace("nowhere", "farm-1"), "utf-8")
    capsys.readouterr()
    assert main([*verb, "--secrets", str(secrets)]) == 0
    assert "1 registered, 2 exist already, 0 refused" in capsys.readouterr().out
    assert secrets.read_text().startswith(first)
    assert secrets.read_text().count("\n") == 4


def test_a_table_that_is_none_is_said_in_one_line(store, tmp_path, capsys):
    (tmp_path / "none.csv").write_bytes(b"\xff\xfe")
    for name in ("none.csv", "missing.csv"):
        assert main(["devices", "import", name, "--dry-run"]) == 1
        assert name in capsys.readouterr().err


def test_claim_keys_are_made_for_labels(store, tmp_path):
    (tmp_path / "serials.txt").write_text("s-1\ns-2\n")
    verb = ["devices", "announce", "serials.txt", "--profile", "dragino-lse01"]
    verb += ["--region", "220182", "--labels", "labels.csv"]
    assert main(verb) == 0
    labels = (tmp_path / "labels.csv").read_text().splitlines()
    assert labels[0] == "key,profile,claim_key"
    claim_key = labels[1].split(",")[2]
    with store.writing() as tx:
        assert claims.announced(tx, claim_key).device_key == "s-1"
    assert main(verb) == 1  # announced already: nothing is written twice
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 3


def test_values_follow_a_calibration_at_the_verb(store, capsys):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    with store.writing() as tx:
        device = plant_device(tx, plant_farm(tx, "farm-2"))
        stream = devices.datastreams(tx, device_ids=[device.id])[0].id
        rows = [(stream, at + timedelta(hours=h), 10.0 + h) for h in range(5)]
        readings.add(tx, block(rows))
        since = at + timedelta(hours=2)
        calibrations.put(tx, datastream_id=stream, since=since, bias=1.0, by="test")
    assert main(["recalibrate"]) == 0
    assert "3 values derived again" in capsys.readouterr().out
    with store.reading() as tx:
        found = readings.window(tx, [stream], at, at + timedelta(days=1))
    assert found["value"].tolist() == [10.0, 11.0, 13.0, 14.0, 15.0]
    assert main(["recalibrate"]) == 0
    assert "0 values" in capsys.readouterr().out
