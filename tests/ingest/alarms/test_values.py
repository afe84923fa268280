"""Values to alarms to letters: once, in one transaction, and never for late or bad data."""

import random
from datetime import timedelta

import numpy as np
import pytest

from models.alarm import Kind, Severity, Side, Term
from models.device import NewStream
from models.reading import Quality
from models.store import alarm_rules, excursions, readings, watching
from tests.analytics.alarms.rules import rule
from tests.ingest.alarms.bench import START, Bench, failing, minutes

AIR = [NewStream("air_temperature", "air_temperature", "Cel")]
BARN = [*AIR, NewStream("air_humidity", "air_humidity", "%")]


@pytest.fixture
def bench(province):
    return Bench(province)


def fed(bench, stream, values, every=5):
    """One value every few minutes, each arriving at its own time; the watch looks meanwhile."""
    for i, value in enumerate(values):
        bench.now = max(bench.now, minutes(i * every))
        bench.store((stream, minutes(i * every), value))
        bench.run(every * 60, 30)


def test_an_excursion_is_one_alarm_with_one_letter_each_way(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule(hold_s=300, clear_delay_s=300))
    fed(bench, stream, [5, 1.5, 0.5, 2.5, 1, 4, 5, 6, 7])
    assert bench.alarms() == [("frost", f"datastream:{stream}", 10, 30)]
    assert bench.letters() == [(1, "opened", "220182"), (1, "cleared", "220182")]
    [(value, peak, facts)] = bench.rows("SELECT value, peak, facts FROM alarm")
    assert (value, peak) == (1.5, 0.5)
    assert facts["terms"][0]["limit"] == 2.0
    assert bench.rows("SELECT what FROM alarm_event ORDER BY id") == [("opened",), ("cleared",)]
    assert bench.rows("SELECT count(*) FROM arrival") == [(0,)]


def test_a_hold_passes_by_time_alone(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule(hold_s=600))
    bench.store((stream, START, 1.0))
    bench.run(590)
    assert bench.alarms() == []
    bench.run(60)
    assert bench.alarms() == [("frost", f"datastream:{stream}", 10, None)]


def test_flapping_within_the_hysteresis_is_one_alarm(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule())
    fed(bench, stream, [1.9, 2.2] * 12)
    assert len(bench.alarms()) == 1
    assert [letter[1] for letter in bench.letters()] == ["opened"]


def test_a_bad_value_fires_nothing(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule())
    for i, flag in enumerate((Quality.RANGE, Quality.SPIKE, Quality.SENTINEL, Quality.STUCK)):
        bench.store((stream, minutes(i), -40.01, int(flag)))
        bench.run(60)
    assert bench.alarms() == []
    bench.store((stream, minutes(9), 1.0, int(Quality.REVISED | Quality.GAP)))
    bench.run(600)
    assert len(bench.alarms()) == 1


def test_a_flag_that_a_review_sets_within_the_grace_counts(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule())
    bench.store((stream, START, -30.0))
    with bench.database.writing() as tx:
        key = [np.array([part]) for part in (stream, round(START.timestamp() * 1e6), 0)]
        readings.reflag(tx, *key, np.array([int(Quality.SPIKE)]))
        bench.stamp(tx)
    bench.run(300)
    assert bench.alarms() == []


def test_late_data_leave_a_note_and_no_letter(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule())
    fed(bench, stream, [5] * 12)
    # the hour of ten to twenty past comes now, an hour later, in two pieces
    bench.store((stream, minutes(11), 1.0), (stream, minutes(13), -0.5))
    bench.run(60)
    bench.store((stream, minutes(16), 0.5), (stream, minutes(19), 4.0))
    bench.run(60)
    assert bench.alarms() == []
    assert bench.letters() == []
    [(subject, since, until, peak)] = bench.notes()
    assert (subject, since, peak) == (f"datastream:{stream}", 11, -0.5)
    assert 15 <= until <= 20


def test_a_reading_hours_old_never_notifies_even_when_it_is_the_newest(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule())
    bench.store((stream, START, 5.0))
    bench.run(600)
    bench.now = minutes(600)
    # a device off line for ten hours sends what it has gathered, in order
    bench.store(*[(stream, minutes(i * 10), 1.0 if i < 30 else 5.0) for i in range(1, 61)])
    bench.run(120)
    assert bench.alarms() == []
    assert bench.notes() == [(f"datastream:{stream}", 10, 300, 1.0)]
    # but what is still going on is told
    bench.store((stream, bench.now, 1.0))
    bench.run(120)
    assert len(bench.alarms()) == 1


def test_any_order_within_the_grace_gives_the_same_alarms(bench):
    streams = [own[0] for _, own in bench.plant(6, AIR)]
    bench.keep(rule(hold_s=60, clear_delay_s=60))
    dice = random.Random(7)
    values = [[dice.choice([0.0, 1.9, 2.5, 5.0]) for _ in range(40)] for _ in range(2)]
    # streams 0-2 and 3-5 measure the same; one comes in order, the others as the air has it
    due = []
    for n, stream in enumerate(streams):
        for i, value in enumerate(values[n // 3]):
            time = START + timedelta(seconds=30 * i)
            under_way = 0 if n % 3 == 0 else dice.uniform(0, 15)
            due.append((time + timedelta(seconds=under_way), stream, time, value))
    due.sort()
    while due:
        bench.now += timedelta(seconds=4)
        came = [d for d in due if d[0] <= bench.now]
        due = due[len(came) :]
        if came:
            bench.store(*[d[1:] for d in came])
        bench.look()
    bench.run(300)
    by_stream = {s: [] for s in streams}
    for _, subject, opened, cleared in bench.alarms():
        by_stream[int(subject.split(":")[1])].append((opened, cleared))
    assert by_stream[streams[0]] == by_stream[streams[1]] == by_stream[streams[2]] != []
    assert by_stream[streams[3]] == by_stream[streams[4]] == by_stream[streams[5]] != []
    assert bench.notes() == []


def test_two_quantities_of_one_device_join(bench):
    (_, [cold, wet]), (_, [other, _]) = bench.plant(2, BARN)
    terms = (Term("air_temperature", Side.BELOW, 2.0), Term("air_humidity", Side.ABOVE, 90.0))
    bench.keep(rule(Kind.COMBINATION, terms, max_age_s=1800))
    bench.store((cold, START, 1.0), (other, START, 1.0))
    bench.run(60)
    assert bench.alarms() == []
    bench.store((wet, minutes(2), 95.0))
    bench.run(120)
    assert bench.alarms() == [("frost", f"datastream:{cold}", 2, None)]


def test_a_kill_before_the_commit_tells_nothing_and_after_it_nothing_twice(bench, monkeypatch):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule())
    bench.store((stream, START, 1.0))
    bench.now += timedelta(seconds=60)
    for module, name in (
        (watching, "keep_states"),
        (excursions, "escalate"),
        (watching, "keep_watch"),
    ):
        with failing(monkeypatch, module, name), pytest.raises(RuntimeError):
            bench.look()
        bench.restart()
        assert bench.alarms() == bench.letters() == []
    for _ in range(3):
        bench.look()
        bench.restart()
    assert len(bench.alarms()) == len(bench.letters()) == 1


def test_a_second_watch_stands_aside(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule())
    bench.store((stream, START, 1.0))
    bench.now += timedelta(seconds=60)
    with bench.database.writing() as tx:
        assert watching.alone(tx)
        assert bench.look() == 0
    assert bench.look() == 1


def test_a_rule_that_changes_or_is_switched_off_withdraws_its_alarms(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    [kept] = bench.keep(rule())
    bench.store((stream, START, 1.0))
    bench.run(60)
    with bench.database.writing() as tx:
        kept = alarm_rules.change(tx, kept, rule(hold_s=600), "test", bench.now, force=True)
    assert kept.version == 2
    assert [a[3] for a in bench.alarms()] == [1]
    assert bench.rows("SELECT what FROM alarm_event ORDER BY id") == [("opened",), ("withdrawn",)]
    assert [letter[1] for letter in bench.letters()] == ["opened"]  # nobody is told twice
    bench.store((stream, minutes(2), 1.0))
    bench.run(900)
    assert [a[2] for a in bench.alarms()] == [0, 12]


def test_an_unacknowledged_critical_alarm_goes_once_to_the_region_above(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule(severity=Severity.CRITICAL, escalate_after_s=1800))
    bench.store((stream, START, 1.0))
    bench.run(1700)
    assert [letter[1:] for letter in bench.letters()] == [("opened", "220182")]
    bench.run(1200)
    assert bench.letters()[1:] == [(1, "escalated", "220100")]
    bench.run(7200, 600)
    assert len(bench.letters()) == 2


def test_information_stays_on_the_page(bench):
    [(_, [stream])] = bench.plant(1, AIR)
    bench.keep(rule(severity=Severity.INFO))
    bench.store((stream, START, 1.0))
    bench.run(60)
    assert len(bench.alarms()) == 1
    assert bench.letters() == []


def test_scopes_and_kinds_of_farms_choose_who_is_watched(bench):
    [(device, [stream])] = bench.plant(1, AIR)
    rules = [
        rule(key="county", scope="region:220100"),
        rule(key="elsewhere", scope="region:222403"),
        rule(key="device", scope=f"device:{device}"),
        rule(key="pond", farm_kind="fishery"),
        rule(key="deep", terms=(Term("air_temperature", Side.BELOW, 2.0, 0.0, (5.0, 20.0)),)),
    ]
    bench.keep(*rules)
    bench.store((stream, START, 1.0))
    bench.run(60)
    assert {a[0] for a in bench.alarms()} == {"county", "device"}
