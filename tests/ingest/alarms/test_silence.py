"""Silence: one alarm for an outage, none for our own, and the levels of the intake itself."""

import pytest

from models.alarm import Kind, Severity
from models.device import NewStream
from tests.analytics.alarms.rules import rule
from tests.ingest.alarms.bench import START, Bench, minutes

SOIL = [
    NewStream("soil_temperature_10", "soil_temperature", "Cel", 10),
    NewStream("soil_moisture_10", "soil_moisture", "%", 10),
]
CALM = {"connected": True, "lag_s": 0.0, "waiting": 0}


def no_data(**more):
    facts = {"key": "no-data", "cadences": 3.0, "at_least_s": 900.0}
    return rule(Kind.NO_DATA, (), **facts | more)


@pytest.fixture
def bench(province):
    made = Bench(province)
    made.cadence(600.0)
    return made


def speak(bench, devices, until, every=5):
    """Let devices speak every few minutes up to a minute after the start."""
    while (bench.now - START).total_seconds() < until * 60:
        rows = [(s, bench.now, 20.0) for _, own in devices for s in own]
        if rows:
            bench.store(*rows)
        bench.run(every * 60, 60)


def told(bench):
    return bench.rows("SELECT subject, state, members, returned FROM alarm ORDER BY id")


def test_a_device_that_falls_silent_is_told_once_and_clears_once(bench):
    one, *others = bench.plant(4, SOIL)
    bench.cadence(300.0)
    bench.keep(no_data())
    speak(bench, [one, *others], 30)
    speak(bench, others, 90)
    assert told(bench) == [(f"device:{one[0]}", "open", 0, 0)]
    [(subject, opened)] = bench.rows("SELECT subject, opened FROM alarm")
    assert (opened - minutes(25)).total_seconds() == pytest.approx(900, abs=30)
    speak(bench, [one, *others], 120)
    assert told(bench) == [(subject, "cleared", 0, 0)]
    assert [letter[1] for letter in bench.letters()] == ["opened", "cleared"]
    # one that falls silent again is told again
    speak(bench, others, 160)
    assert len(told(bench)) == 2


def test_a_gateway_outage_is_one_alarm_and_not_500(bench):
    behind = bench.plant(500, SOIL[:1])
    beside = bench.plant(20, SOIL[:1], "farm-2", first=500)
    bench.cadence(600.0)
    bench.gateway([device for device, _ in behind], "a84041")
    bench.gateway([device for device, _ in beside], "b84041")
    bench.keep(no_data(severity=Severity.CRITICAL, escalate_after_s=1800.0))
    speak(bench, behind + beside, 40, every=10)
    speak(bench, beside, 120, every=10)
    assert told(bench) == [("gateway:a84041", "open", 500, 0)]
    assert [letter[1] for letter in bench.letters()] == ["opened", "escalated"]
    speak(bench, behind + beside, 150, every=10)
    [(subject, state, members, returned)] = told(bench)
    assert (subject, state, members) == ("gateway:a84041", "cleared", 500)
    assert returned == 500
    assert [letter[1] for letter in bench.letters()] == ["opened", "escalated", "cleared"]
    # and nobody is counted as silent afterwards
    speak(bench, behind + beside, 260, every=10)
    assert len(told(bench)) == 1


def test_who_stays_silent_when_the_group_is_back_is_told_alone(bench):
    group = bench.plant(10, SOIL[:1])
    bench.cadence(600.0)
    bench.keep(no_data())
    speak(bench, group, 30)
    speak(bench, [], 90)
    assert told(bench) == [("farm:1", "open", 10, 0)]
    speak(bench, group[:8], 150)
    (first, second, third) = sorted(told(bench)[:3], key=lambda row: row[0] != "farm:1")
    assert first[:2] == ("farm:1", "cleared")
    lost = {f"device:{device}" for device, _ in group[8:]}
    assert {second[0], third[0]} == lost
    assert {second[1], third[1]} == {"open"}


def test_an_alarm_of_its_own_becomes_part_of_the_outage(bench):
    fast = bench.plant(1, SOIL[:1])
    slow = bench.plant(5, SOIL[:1], "farm-2", first=10)
    with bench.database.writing() as tx:
        run = tx.connection.exec_driver_sql
        run("UPDATE device SET farm_id = 1")
        run(
            "INSERT INTO cadence SELECT id, CASE WHEN device_id = %s THEN 300 ELSE 3600 END "
            "FROM datastream",
            (fast[0][0],),
        )
    bench.keep(no_data())
    speak(bench, fast + slow, 30)
    speak(bench, [], 400, every=10)
    (own, group) = told(bench)
    assert own[:2] == (f"device:{fast[0][0]}", "cleared")
    assert group[:2] == ("farm:1", "open")
    assert bench.rows("SELECT what FROM alarm_event WHERE alarm_id = 1 ORDER BY id")[-1] == (
        "absorbed",
    )
    assert [letter[1] for letter in bench.letters()] == ["opened", "opened"]


def test_our_own_outage_is_nobodys_silence(bench):
    devices = bench.plant(30, SOIL[:1])
    bench.cadence(600.0)
    intake = rule(Kind.INTAKE, (), key="intake", hold_s=120.0)
    bench.keep(no_data(), intake)
    bench.beat()
    speak(bench, devices, 60)
    bench.beat(connected=False)  # the broker is away for four hours
    speak(bench, [], 300)
    assert told(bench) == [("platform:", "open", 0, 0)]
    bench.beat()
    # what had gathered comes first: readings of hours ago
    for i in range(12):
        bench.store(*[(own[0], minutes(60 + i * 20), 20.0) for _, own in devices])
        bench.run(10, 5)
    speak(bench, devices, 400)
    assert told(bench) == [("platform:", "cleared", 0, 0)]
    assert [letter[1] for letter in bench.letters()] == ["opened", "cleared"]


def test_after_the_watch_itself_was_down_everybody_gets_their_time_again(bench):
    devices = bench.plant(30, SOIL[:1])
    bench.cadence(600.0)
    bench.keep(no_data())
    speak(bench, devices, 60)
    bench.now = minutes(600)  # nobody looked for nine hours
    bench.restart()
    bench.run(1200, 10)
    assert told(bench) == []
    bench.run(2400, 10)  # but who does not come back after that is silent
    assert [row[:3] for row in told(bench)] == [("farm:1", "open", 30)]


def test_values_gathered_for_an_hour_are_no_silence(bench):
    [(_, [stream, _])] = bench.plant(1, SOIL)
    bench.cadence(600.0)
    bench.keep(no_data())
    for hour in range(1, 9):
        bench.now = minutes(hour * 60)
        bench.store(*[(stream, minutes(hour * 60 - 50 + i * 10), 20.0) for i in range(6)])
        bench.run(3590, 60)
    # at first an hour without a message looks like silence; it is learnt after three
    assert len(told(bench)) <= 3
    assert bench.rows("SELECT max(opened) FROM alarm")[0][0] < minutes(5 * 60)


def test_a_quantity_that_stops_while_its_device_speaks(bench):
    [(_, [temperature, moisture])] = bench.plant(1, SOIL)
    bench.cadence(600.0)
    bench.keep(no_data(per="datastream"))
    speak(bench, [(0, [temperature, moisture])], 30)
    speak(bench, [(0, [temperature])], 120)
    assert told(bench) == [(f"datastream:{moisture}", "open", 0, 0)]


def test_a_flooding_device_is_told_until_it_stops(bench):
    [(device, _)] = bench.plant(1, SOIL)
    bench.keep(rule(Kind.FLOODING, (), key="flooding", clear_delay_s=600.0))
    for n in (0, 120, 4000, 9000):
        bench.beat(flooding={"dev-0": n} if n else {})
        bench.run(60)
    bench.beat()
    bench.run(300)
    assert told(bench) == [(f"device:{device}", "open", 0, 0)]
    bench.run(600)
    assert told(bench) == [(f"device:{device}", "cleared", 0, 0)]
    [(value, peak)] = bench.rows("SELECT value, peak FROM alarm")
    assert (value, peak) == (120, 9000)


def test_a_device_taken_out_of_service_is_not_missed(bench):
    one, *others = bench.plant(4, SOIL)
    bench.cadence(600.0)
    bench.keep(no_data())
    speak(bench, [one, *others], 30)
    speak(bench, others, 90)
    assert [row[1] for row in told(bench)] == ["open"]
    with bench.database.writing() as tx:
        run = tx.connection.exec_driver_sql
        run("UPDATE device SET active = false WHERE id = %s", (one[0],))
        run("UPDATE platform SET value = '99' WHERE key = 'catalogue'")
    speak(bench, others, 120)
    assert [row[1] for row in told(bench)] == ["cleared"]
    assert [letter[1] for letter in bench.letters()] == ["opened"]
