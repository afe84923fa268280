"""The demonstration: what it plays, where it stands, and the lines it prints."""

import json
import re
import shutil
import subprocess
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta

import pytest
from shapely.geometry import Point, Polygon

from deploy.demo import farms, generated, history, logs, people, places, seeding
from deploy.demo.logs import DailyLog, GeneratedLog, LoopLog
from models.calendar import SHANGHAI, day_of
from models.place import FarmKind, Provenance
from models.quantity import QUANTITIES
from models.store import devices
from models.store import people as known_people
from models.store import places as known_places
from tests.deploy.running import ROOT, Running


def noon(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)


def test_a_daily_log_keeps_month_and_day():
    this_year = datetime.now(SHANGHAI).year
    log = DailyLog({date(2011, 5, 3): {"t": 11.0}, date(2012, 5, 3): {"t": 12.0}})
    assert log.on(date(this_year, 5, 3)) == {"t": 12.0}
    assert log.on(date(this_year - 1, 5, 3)) == {"t": 11.0}
    assert log.on(date(this_year, 5, 4)) == {}  # a gap stays a gap
    assert log.on(date(2024, 2, 29)) == {}


def test_a_daily_log_says_one_message_a_day_at_noon():
    this_year = datetime.now(SHANGHAI).year
    log = DailyLog({date(2012, 5, d): {"t": float(d)} for d in (1, 2, 4)})
    start, end = noon(date(this_year, 5, 1)), noon(date(this_year, 5, 4))
    assert list(log.between(start, end)) == [
        (start, {"t": 1.0}),
        (start + timedelta(days=1), {"t": 2.0}),
    ]
    assert log.at(end + timedelta(hours=11)) == {"t": 4.0}  # held to midnight in Shanghai
    assert log.at(end + timedelta(hours=12)) == {}


def test_a_loop_goes_on_for_ever_at_its_time_of_day():
    log = LoopLog([{0: {"v": 0.0}, 600: {"v": 1.0}}, {600: {"v": 2.0}}])
    morning = noon(date(2026, 5, 2)) - timedelta(hours=1)
    assert log.at(morning) == log.at(morning + timedelta(days=2))
    assert log.at(morning) != log.at(morning + timedelta(days=1))
    two_days = list(log.between(morning, morning + timedelta(days=2)))
    assert len(two_days) == 3
    assert log.at(noon(date(2026, 5, 2)) - timedelta(hours=11, minutes=30)) in ({}, {"v": 0.0})


def test_the_real_logs_are_whole():
    farm, pond = logs.cook_farm(), logs.pond()
    assert len(farm) == 10
    assert all(len(log.values) == 729 for log in farm.values())
    assert farm["CAF079"].values[date(2011, 1, 2)]["soil_temperature_30"] == 2.1
    assert sorted(pond) == [30, 60]
    assert all(len(day) > 720 for log in pond.values() for day in log.days)


def test_history_and_live_agree():
    instant = datetime.now(UTC)
    for device in history.players():
        last = None
        for _, values in device.log.between(instant - timedelta(days=1), instant):
            last = values
        live = device.log.at(instant)
        if last and live and not isinstance(device.log, GeneratedLog):
            assert set(live) <= {s.channel for s in device.streams}


def test_every_generated_value_is_plausible_and_the_same_twice():
    for device in history.players():
        if not isinstance(device.log, GeneratedLog):
            continue
        quantities = {s.channel: QUANTITIES[s.quantity] for s in device.streams}
        start = datetime.now(UTC) - timedelta(days=370)
        once = list(device.log.between(start, start + timedelta(days=365)))
        assert once == list(device.log.between(start, start + timedelta(days=365)))
        for _, values in once:
            assert set(values) == set(quantities)
            assert all(quantities[c].low <= v <= quantities[c].high for c, v in values.items())


def test_the_daily_wave_leaves_the_mean_alone():
    start = datetime(2026, 6, 1, tzinfo=SHANGHAI)
    day = [generated.seedbed(start + timedelta(hours=h))["soil_temperature_10"] for h in range(24)]
    assert max(day) - min(day) == pytest.approx(4.0, abs=0.05)
    four = day[::6]
    assert sum(four) / 4 == pytest.approx(sum(day) / 24, abs=0.02)


def test_every_kind_of_farm_is_there_and_all_is_labelled():
    every = farms.all_farms()
    assert {farm.kind for farm in every} == set(FarmKind)
    for farm in every:
        assert farm.provenance is not Provenance.REAL
        if farm.provenance is Provenance.SYNTHETIC:
            assert "模拟" in farm.name_zh
            assert "synthetic" in farm.name_en
        assert farm.note_zh
        assert farm.note_en


def test_every_probe_stands_in_its_field():
    farm = next(f for f in farms.all_farms() if f.key == "yushu-cookfarm")
    shapes = {
        f.key: Polygon([farms.placed(farm.centre, *corner) for corner in f.corners])
        for f in farm.fields
    }
    for device in farm.devices:
        assert shapes[device.field_key].contains(Point(device.location)), device.key
    keys = sorted(shapes)
    assert not any(shapes[a].overlaps(shapes[b]) for a in keys for b in keys if a < b)
    bare = set(shapes) - {device.field_key for device in farm.devices}
    assert len(bare) == 2  # where advice must refuse


def test_registering_twice_changes_nothing(province):
    for _ in range(2):
        with province.writing() as tx:
            people.register(tx)
            places.register(tx)
    with province.reading() as tx:
        for farm, wanted in zip(known_places.farms(tx), farms.all_farms(), strict=True):
            county = known_places.region_at(tx, *farm.location)
            assert (farm.key, county.code) == (wanted.key, wanted.region)
        assert len(known_places.fields(tx)) == 8
        assert len(devices.devices(tx)) == len(history.players()) + 1  # and the try-it probe
        assert known_people.person_by_login(tx, "officer").region_code == "220182"


def test_last_spring_is_over():
    assert seeding.last_spring(date(2026, 5, 11)) == [date(2025, 4, 24), date(2025, 5, 12)]
    assert seeding.last_spring(date(2026, 5, 12)) == [date(2026, 4, 24), date(2026, 5, 12)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("demo") / "data", "demo")
    try:
        running.said("Stop with Ctrl-C")
        yield running
    finally:
        running.process.terminate()
        running.process.wait(30)


def ask(demo, path, login):
    """GET as one of the demonstration's people."""
    address = demo.said(r"is up \(\d+ s\): (\S+)/")[1]
    account = next(a for a in people.ACCOUNTS if a.login == login)
    body = json.dumps({"login": login, "password": account.password}).encode()
    typed = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/v1/auth/token", body, typed)
    with urllib.request.urlopen(request, timeout=10) as answer:
        token = json.load(answer)["access_token"]
    asked = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def printed(demo, first, last):
    """Return the shell lines printed from one that starts with `first` to one with `last`."""
    text = demo.output.read_text()
    found = re.search(rf"^    ({re.escape(first)}.*?{re.escape(last)}.*?)$", text, re.S | re.M)
    return found[1]


def shell(lines):
    return subprocess.run(
        ["bash", "-euc", lines], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def tried(demo, quantity, patience=15):
    device = next(
        d for d in ask(demo, "/v1/devices?limit=100", "visitor")["items"] if d["key"] == "try-it"
    )
    until = time.monotonic() + patience
    while time.monotonic() < until:
        latest = ask(demo, f"/v1/latest?device={device['id']}", "visitor")["items"]
        found = [item["value"] for item in latest if item["quantity"] == quantity]
        if found:
            return found[0]
        time.sleep(0.3)
    return None


@pytest.mark.timeout(240)
def test_it_comes_up_seeded_and_the_ledger_adds_up(demo):
    ledger = ask(demo, "/v1/ledger", "operator")
    assert ledger["totals"]["received"] > 150_000
    assert ledger["totals"]["balanced"] is True
    assert ledger["totals"]["quarantined"] == 0
    assert len(ask(demo, "/v1/fields", "visitor")["features"]) == 8
    advice = ask(demo, "/v1/recommendations", "officer")["items"]
    assert {"refused", "degraded"} <= {item["status"] for item in advice}
    layers = ask(demo, "/v1/layers", "visitor")["items"]
    assert [layer["provenance"] for layer in layers] == ["relocated"]


def test_its_devices_go_on_publishing(demo):
    before = ask(demo, "/v1/ledger", "operator")["totals"]["received"]
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if ask(demo, "/v1/ledger", "operator")["totals"]["received"] > before:
            return
        time.sleep(0.5)
    pytest.fail("nothing more was received")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_printed_curl_lines_work(demo):
    done = shell(printed(demo, "TOKEN=$(curl", "limit=3'"))
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["items"]) == 3


@pytest.mark.mosquitto
@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="no mosquitto_pub here")
def test_the_printed_mosquitto_line_works(demo):
    done = shell(printed(demo, "mosquitto_pub", '0.27}"'))
    assert (done.returncode, done.stderr) == (0, "")
    assert tried(demo, "soil_moisture") == 0.27


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="run without .venv")
def test_the_printed_python_line_works(demo):
    done = shell(printed(demo, ".venv/bin/python -c", "wait_for_publish(5)"))
    assert (done.returncode, done.stderr) == (0, "")
    assert tried(demo, "soil_temperature") == 9.5


def test_values_held_today_are_of_today(demo):
    latest = ask(demo, "/v1/latest?limit=1000", "visitor")["items"]
    live = [item for item in latest if item["device"] and item["device"]["key"] != "try-it"]
    today = day_of(datetime.now(UTC))
    seen = {day_of(datetime.fromisoformat(item["time"])) for item in live}
    assert max(seen) in (today, today - timedelta(days=1))
