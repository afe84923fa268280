"""``python -m deploy``: help, errors in one line, and verbs on a real store."""

import io
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from shapely.geometry import box

from deploy.__main__ import main, parser
from models.place import FarmKind, Provenance
from models.store import people, places
from models.store.database import Database

ROOT = Path(__file__).parents[2]
VERBS = [
    "demo", "stack", "serve", "ingest", "migrate", "scene", "scenes", "replay", "reset", "advise",
    "alarms", "people", "check", "broker-passwords", "deliver", "regions",
]  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("HEITU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEITU_DATA", str(tmp_path / "data"))


@pytest.fixture
def store(province, fresh_url, monkeypatch):
    monkeypatch.setenv("HEITU_DATABASE_URL", fresh_url)
    return province


def test_help_names_every_verb_and_setting(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert [v for v in VERBS if not re.search(rf"^    {v}\s+\w", told, re.M)] == []
    assert "HEITU_DATABASE_URL" in told
    assert "==SUPPRESS==" not in told


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as left:
        parser().parse_args([verb, "--help"])
    assert left.value.code == 0
    assert len(capsys.readouterr().out) > 100


def test_without_a_verb_it_says_how(capsys):
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == 2
    assert "VERB" in capsys.readouterr().err


def test_a_bad_setting_is_one_line_without_traceback():
    done = subprocess.run(
        [sys.executable, "-m", "deploy", "check"],
        cwd=ROOT,
        env=os.environ | {"HEITU_API_PORT": "eighty"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("heitu: The setting HEITU_API_PORT cannot be used")
    assert len(done.stderr.splitlines()) == 1


def test_a_database_that_does_not_answer(monkeypatch, capsys):
    monkeypatch.setenv("HEITU_DATABASE_URL", "postgresql://nobody:hush@127.0.0.1:1/x")
    assert main(["advise", "1"]) == 1
    told = capsys.readouterr().err
    assert "database is not available" in told
    assert "hush" not in told


def test_migrate_is_idempotent(store):
    assert main(["migrate"]) == 0
    assert main(["migrate"]) == 0


def test_a_login_is_made_from_a_password_file(store, tmp_path, capsys):
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery\n")
    who = ["people", "add", "li.hua", "--role", "officer", "--region", "220182"]
    who += ["--name-zh", "李华", "--password-file", str(secret)]
    assert main(who) == 0
    assert "officer of 榆树市 (220182)" in capsys.readouterr().out
    with store.reading() as tx:
        assert people.person_by_login(tx, "li.hua").region_code == "220182"
    assert main(who) == 1  # there is one already
    assert "li.hua" in capsys.readouterr().err


def test_a_login_is_made_from_a_pipe(store, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    who = ["people", "add", "wang", "--role", "viewer", "--region", "220000", "--name-zh", "王"]
    assert main(who) == 0


@pytest.mark.parametrize(
    ("password", "region", "why"),
    [("short\n", "220182", "at least 12"), ("correct horse battery", "999999", "999999")],
)
def test_a_login_that_is_refused(store, tmp_path, capsys, password, region, why):
    secret = tmp_path / "secret"
    secret.write_text(password)
    who = ["people", "add", "x", "--role", "viewer", "--region", region, "--name-zh", "x"]
    assert main([*who, "--password-file", str(secret)]) == 1
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["advise", "no-such-field"], "no-such-field"),
        (["advise", "12345"], "12345"),
        (["advise"], "give a FIELD or --replay ID"),
        (["advise", "--replay", "7"], "7"),
        (["scene", "/nowhere/scene"], "scene"),
        (["people", "add", "x", "--role", "viewer", "--region", "22", "--name-zh", "x",
          "--password-file", "/nowhere/secret"], "/nowhere/secret"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(store, capsys, arguments, why):
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert why in told
    assert "Traceback" not in told


def test_replay_of_an_empty_quarantine(store, capsys):
    assert main(["replay"]) == 0
    assert "left in quarantine: nothing" in capsys.readouterr().out


def test_advisories_are_delivered_once(store, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEITU_DELIVERY_SPOOL", str(tmp_path / "spool"))
    with store.writing() as tx:
        farm = places.add_farm(
            tx,
            key="farm",
            name_zh="农场",
            name_en="Farm",
            kind=FarmKind.FIELD,
            region_code="220182",
            location=(126.5, 44.8),
            provenance=Provenance.SYNTHETIC,
        )
        places.add_field(
            tx,
            key="field",
            farm_id=farm.id,
            name_zh="地",
            name_en="Field",
            geometry=box(126.5, 44.8, 126.51, 44.81),
            provenance=Provenance.SYNTHETIC,
        )
    assert main(["advise", "field"]) == 0
    assert "refused" in capsys.readouterr().out  # no soil data
    assert main(["advise", "--replay", "1"]) == 0
    assert "identical" in capsys.readouterr().out
    assert main(["deliver"]) == 0
    assert "1 delivered, 0 failed" in capsys.readouterr().out
    assert len(list((tmp_path / "spool" / "220182").glob("*.json"))) == 1
    assert main(["deliver"]) == 0
    assert "0 delivered" in capsys.readouterr().out


def test_check_tells_each_part(store, capsys):
    assert main(["check"]) == 0
    told = capsys.readouterr().out
    assert told.count("ok ") == 5
    assert "plain tables" in told or "TimescaleDB" in told


def test_check_fails_when_a_part_does(monkeypatch, capsys):
    monkeypatch.setenv("HEITU_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    monkeypatch.setenv("HEITU_MQTT_HOST", "127.0.0.1")
    monkeypatch.setenv("HEITU_MQTT_PORT", "1")
    assert main(["check"]) == 1
    told = capsys.readouterr().out
    assert told.count("FAIL ") == 2


def test_one_off_verbs_start_the_embedded_database_themselves(tmp_path):
    assert main(["migrate"]) == 0
    folder = tmp_path / "data" / "postgres"
    assert (folder / "PG_VERSION").exists()
    assert not (folder / "postmaster.pid").exists()


def test_reset_removes_what_is_ours_and_nothing_else(tmp_path, capsys):
    data = tmp_path / "data"
    (data / "archive" / "scenes").mkdir(parents=True)
    (data / "demo.json").write_text("{}")
    (data / "thesis.txt").write_text("mine")
    assert main(["reset"]) == 0
    assert [path.name for path in data.iterdir()] == ["thesis.txt"]
    assert "left alone: thesis.txt" in capsys.readouterr().out


def test_the_store_is_closed_behind_each_verb(store):
    assert main(["replay"]) == 0
    with closing(Database(store.url)) as database, database.reading() as tx:
        others = tx.driver.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        ).fetchone()[0]
    assert others <= 6  # the fixture's pool and this connection
