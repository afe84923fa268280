"""Silence: how long is too long, and which silences are one outage."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.alarms.silence import Member, collapse, gaps, limit_us, together, usual
from models.alarm import Kind
from tests.analytics.alarms.rules import DAY, HOUR, MINUTE, START, rule

SILENT = rule(Kind.NO_DATA, (), cadences=3.0, at_least_s=900.0)


def members(heards, gateway="a", farm=1, usual_s=600.0, first=1):
    groups = ((f"gateway:{gateway}",) if gateway else ()) + (f"farm:{farm}", "region:220182")
    return [Member(first + i, groups, START + h * MINUTE, usual_s) for i, h in enumerate(heards)]


def names(outages):
    return [(o.group, len(o.devices)) for o in outages]


def test_the_usual_interval_is_the_longer_of_values_and_arrivals():
    assert usual(None, []) is None
    assert usual(600.0, []) == 600.0
    assert usual(None, [3600.0, 3500.0]) is None  # two arrivals may be chance
    # ten-minute values gathered for an hour: silent for 59 min again and again, and well
    assert usual(600.0, [3600.0, 3590.0, 3600.0]) == 3600.0
    # a backlog arrives in a rush and must not make the watch hasty
    assert usual(600.0, [2.0, 2.0, 2.0]) == 600.0


def test_a_limit_is_no_shorter_than_the_least():
    assert limit_us(SILENT, 10.0) == 900_000_000
    assert limit_us(SILENT, 3600.0) == 3 * HOUR


def test_500_devices_behind_a_gateway_are_one_outage():
    dice = random.Random(1)
    behind = members([dice.uniform(-10, 0) for _ in range(500)])
    beside = members([25 + dice.uniform(-10, 0) for _ in range(40)], "b", first=1000)
    now = START + 25 * MINUTE
    outages, alone = collapse([behind[0].device], behind + beside, now)
    assert names(outages) == [("gateway:a", 500)]
    assert alone == []


def test_a_device_whose_neighbours_speak_stands_alone():
    group = members([-30, 24, 22, 23, 21, 24])
    outages, alone = collapse([1], group, START + 25 * MINUTE)
    assert outages == []
    assert alone == [1]


def test_without_a_gateway_the_farm_is_what_they_share():
    group = members([-3, -5, -1, -8], gateway=None) + members([24, 20], None, 2, first=50)
    outages, alone = collapse([4], group, START + 25 * MINUTE)
    assert names(outages) == [("farm:1", 4)]
    assert alone == []


def test_slow_devices_prove_nothing_before_they_are_due():
    fast = members([-1, -2, -3], usual_s=300.0)
    slow = members([-20] * 30, usual_s=3600.0, first=100)
    outages, _ = collapse([1], fast + slow, START + 20 * MINUTE)
    assert names(outages) == [("gateway:a", 3)]


def test_two_gateways_of_one_county_are_one_outage_of_the_county():
    both = members([-1, -2, -3, -4], "a", 1) + members([-2, -3, -4], "b", 2, first=50)
    outages, alone = collapse([1, 50], both, START + 30 * MINUTE)
    assert names(outages) == [("region:220182", 7)]
    assert alone == []


def test_what_died_last_month_is_no_part_of_todays_outage():
    dead = members([-40_000, -50_000])
    fresh = members([-1], first=10)
    outages, alone = collapse([10], dead + fresh, START + 30 * MINUTE)
    assert outages == []
    assert alone == [10]
    three = members([-1, -2, -3], first=10)
    outages, _ = collapse([10], dead + three, START + 30 * MINUTE)
    assert outages[0].devices == (10, 11, 12)


def test_a_device_of_unknown_rhythm_is_never_blamed():
    strange = [Member(1, ("farm:1",), START, None)]
    outages, alone = collapse([], strange, START + DAY)
    assert (outages, alone) == ([], [])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-200, 30)), min_size=1, max_size=40),
    st.integers(0, 60),
)
@settings(max_examples=200, deadline=None)
def test_every_silent_device_is_told_exactly_once(rows, now_min):
    now = START + now_min * MINUTE
    found = [
        Member(i, (f"gateway:{g}", f"farm:{g % 2}", "region:1"), START + h * MINUTE, 600.0)
        for i, (g, h) in enumerate(rows)
    ]
    silent = [m.device for m in found if now - m.heard > limit_us(SILENT, 600.0)]
    outages, alone = collapse(silent, found, now)
    covered = [d for o in outages for d in o.devices]
    assert len(covered) == len(set(covered))
    assert set(covered).isdisjoint(alone)
    assert set(silent) <= set(covered) | set(alone)
    assert set(alone) <= set(silent)
    assert all(len(o.devices) >= 3 for o in outages)


def test_a_season_of_silences_groups_those_that_began_together():
    def signs(*holes):
        times = range(0, 2000, 10)
        return [START + t * MINUTE for t in times if not any(a < t < b for a, b in holes)]

    upto = START + 2000 * MINUTE
    found = {
        1: gaps(SILENT, signs((100, 300), (900, 1000)), 600.0, upto),
        2: gaps(SILENT, signs((100, 300)), 600.0, upto),
        3: gaps(SILENT, signs((100, 310)), 600.0, upto),
    }
    assert [len(found[d]) for d in (1, 2, 3)] == [2, 1, 1]
    farms = dict.fromkeys(found, "farm:1")
    told = [(o.group, len(o.devices)) for o in together(found, farms)]
    assert told == [("farm:1", 3), ("device:1", 1)]
