"""The state machine: each kind of condition, and what must hold for any stream of values."""

import random
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.alarms.conditions import Sample, month_of
from analytics.alarms.engine import (
    Phase,
    State,
    advance,
    deadline,
    excursions,
    paired,
    timing,
)
from models.alarm import Kind, Side, Term
from models.calendar import SHANGHAI
from tests.analytics.alarms.rules import DAY, HOUR, MINUTE, START, rule


def series(values, every=10 * MINUTE, start=START):
    return [Sample(start + i * every, float(v)) for i, v in enumerate(values)]


def sweep(made, samples, upto=None):
    upto = samples[-1].time if upto is None else upto
    return advance(timing(made), State(START - 1), samples, upto)[1]


def told(steps):
    return [(step.what, (step.at - START) // MINUTE) for step in steps]


def test_a_threshold_opens_at_the_value_and_clears_beyond_the_hysteresis():
    steps = sweep(rule(), series([5, 1.9, 2.5, 0.4, 2.9, 3.1, 5]))
    assert told(steps) == [("opened", 10), ("cleared", 50)]
    assert steps[1].peak == 0.4
    assert (steps[1].peak_at - START) // MINUTE == 30
    assert steps[0].value == 1.9


def test_flapping_within_the_hysteresis_is_one_alarm():
    steps = sweep(rule(), series([1.9, 2.1] * 50 + [4]))
    assert told(steps) == [("opened", 0), ("cleared", 1000)]


def test_a_hold_opens_between_two_values_at_its_own_instant():
    steps = sweep(rule(hold_s=900), series([1, 1, 1, 9]))
    assert told(steps) == [("opened", 15), ("cleared", 30)]
    assert steps[0].since == START
    assert sweep(rule(hold_s=900), series([1, 9, 1, 9])) == []


def test_a_hold_passes_on_time_alone_but_not_on_a_value_that_is_too_old():
    one = series([1])
    assert told(sweep(rule(hold_s=900), one, START + HOUR)) == [("opened", 15)]
    stale = rule(hold_s=7200, max_age_s=7200)
    assert told(sweep(stale, one, START + DAY)) == [("opened", 120)]
    # the machine itself gives up where the rule would allow no such pair of spans
    assert sweep(rule(hold_s=7200, max_age_s=3600), one, START + DAY) == []


def test_a_clear_delay_waits_and_a_relapse_is_the_same_alarm():
    steps = sweep(rule(clear_delay_s=1800), series([1, 5, 5, 1, 5, 5, 5, 5, 5]))
    assert told(steps) == [("opened", 0), ("cleared", 70)]
    assert told(sweep(rule(clear_delay_s=1800), series([1, 5]), START + DAY)) == [
        ("opened", 0),
        ("cleared", 40),
    ]


def test_silence_does_not_clear_an_open_alarm():
    assert told(sweep(rule(), series([1]), START + 30 * DAY)) == [("opened", 0)]


def test_a_rate_is_per_hour_over_its_window():
    falling = rule(Kind.RATE, (Term("water_temperature", Side.BELOW, -2.0, 1.0),), window_s=3600)
    slow = series([20 - i * 0.3 for i in range(12)])  # 1.8 an hour
    fast = series([20 - i * 0.4 for i in range(12)])  # 2.4 an hour
    assert sweep(falling, slow) == []
    assert told(sweep(falling, fast)) == [("opened", 30)]
    # two values a second apart are no rate, whatever they say
    assert sweep(falling, series([20, 10], every=1_000_000)) == []


def test_a_flat_line_takes_time_and_values():
    flat = rule(Kind.FLAT_LINE, (Term("soil_moisture", Side.BELOW, 0.0),), window_s=3600)
    steps = sweep(flat, series([0.2, 0.3] + [0.31] * 10 + [0.32]))
    assert told(steps) == [("opened", 80), ("cleared", 120)]
    assert sweep(flat, series([0.3, 0.3], every=DAY)) == []


def test_a_combination_takes_both_and_neither_too_old():
    damp = rule(
        Kind.COMBINATION,
        (Term("air_temperature", Side.BELOW, 2.0), Term("air_humidity", Side.ABOVE, 90.0)),
        max_age_s=1800,
    )
    cold = Sample(START, 1.0, 0)
    dry, wet = Sample(START + MINUTE, 50.0, 1), Sample(START + 9 * MINUTE, 95.0, 1)
    late = Sample(START + HOUR, 95.0, 1)
    assert sweep(damp, [cold, dry]) == []
    assert told(sweep(damp, [cold, dry, wet])) == [("opened", 9)]
    assert sweep(damp, [cold, late]) == []
    warm = Sample(START + 10 * MINUTE, 8.0, 0)
    assert told(sweep(damp, [cold, wet, warm])) == [("opened", 9), ("cleared", 10)]


def test_an_index_is_the_formula_of_its_source():
    thi = rule(Kind.INDEX, (Term("thi_mader_2006", Side.ABOVE, 79.9, 2.0),))
    hot = [Sample(START, 35.0, 0), Sample(START + MINUTE, 80.0, 1)]
    step = sweep(thi, hot)[0]
    assert step.value == pytest.approx(90.9, abs=0.05)  # reference, section 7
    mild = [Sample(START, 25.0, 0), Sample(START + MINUTE, 50.0, 1)]
    assert sweep(thi, mild) == []


def test_out_of_season_it_holds_its_peace():
    spring = rule(months=(4, 5))
    june = START + 31 * DAY
    assert sweep(spring, series([-5], start=june), june) == []
    # an alarm that is open when the season ends clears with the next value
    steps = sweep(spring, [Sample(START, 0.0), Sample(june, 0.0)])
    assert [step.what for step in steps] == ["opened", "cleared"]


@given(st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1), timezones=st.just(SHANGHAI)))  # noqa: DTZ001
def test_months_are_those_of_the_calendar(instant):
    assert month_of(round(instant.timestamp() * 1e6)) == instant.month


def rules():
    return st.builds(
        lambda hold, delay, hysteresis, age: timing(
            rule(
                terms=(Term("air_temperature", Side.BELOW, 2.0, hysteresis),),
                hold_s=hold * 60.0,
                clear_delay_s=delay * 60.0,
                max_age_s=max(age, hold) * 60.0,
            )
        ),
        st.sampled_from([0, 5, 30]),
        st.sampled_from([0, 5, 30]),
        st.sampled_from([0.0, 1.0]),
        st.sampled_from([20, 120]),
    )


streams = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from([0.0, 1.9, 2.0, 2.5, 3.0, 5.0])),
    min_size=1,
    max_size=60,
).map(
    lambda rows: [
        Sample(START + sum(gap for gap, _ in rows[: i + 1]) * MINUTE, value)
        for i, (_, value) in enumerate(rows)
    ]
)


def over(it, samples):
    """Spans from a value below the limit to the first one beyond the hysteresis."""
    term, spans, since = it.rule.terms[0], [], None
    for sample in samples:
        if since is None and sample.value < term.limit:
            since = sample.time
        elif since is not None and sample.value >= term.limit + term.hysteresis:
            spans.append((since, sample.time))
            since = None
    return spans + ([] if since is None else [(since, None)])


@given(rules(), streams)
@settings(max_examples=300, deadline=None)
def test_an_excursion_has_one_opening_and_one_clearing_at_most(it, samples):
    upto = samples[-1].time + DAY
    _, steps = advance(it, State(START - 1), samples, upto)
    assert [s.what for s in steps] == (["opened", "cleared"] * len(steps))[: len(steps)]
    assert [s.at for s in steps] == sorted(s.at for s in steps)
    spans = over(it, samples)
    for since, until in spans:
        own = [
            s
            for s in steps
            if s.what == "opened" and since <= s.at and (not until or s.at <= until)
        ]
        assert len(own) <= 1
    assert len(paired(steps)) <= len(spans)
    if it.hold == 0 and it.delay == 0:
        assert len(paired(steps)) == len(spans)


@given(rules(), streams, st.lists(st.integers(0, 2000), max_size=30))
@settings(max_examples=300, deadline=None)
def test_how_often_it_is_looked_at_changes_nothing(it, samples, looks):
    """Ticks at any instants, between any values: the transitions of one sweep."""
    upto = samples[-1].time + DAY
    whole = advance(it, State(START - 1), samples, upto)
    state, steps = State(START - 1), []
    for look in sorted({START + look * MINUTE for look in looks} | {upto}):
        due = [s for s in samples if state.evaluated < s.time <= look]
        state, made = advance(it, state, due, look)
        steps += made
    assert steps == whole[1]
    assert state.phase == whole[0].phase


@given(rules(), streams, st.integers(0, 2**32), st.integers(1, 25))
@settings(max_examples=300, deadline=None)
def test_any_order_of_arrival_within_the_grace_gives_the_same_alarms(it, samples, seed, every):
    """Values come up to `grace` after their time, in any order; the watch looks when it likes."""
    grace = 30 * MINUTE
    dice = random.Random(seed)
    arrivals = [(s.time + dice.randrange(grace), s) for s in samples]
    upto = samples[-1].time + DAY
    whole = advance(it, State(START - 1), samples, upto)[1]
    state, steps, now = State(START - 1), [], START
    while now < upto + grace:
        now += every * 7 * MINUTE
        here = min(now, upto + grace) - grace
        seen = [s for at, s in arrivals if at <= now and state.evaluated < s.time <= here]
        state, made = advance(it, state, sorted(seen, key=lambda s: s.time), here)
        steps += made
    assert steps == whole


@given(rules(), streams)
@settings(max_examples=200, deadline=None)
def test_nothing_happens_before_the_next_deadline(it, samples):
    state, _ = advance(it, State(START - 1), samples, samples[-1].time)
    at = deadline(it, state)
    if at is None:
        assert state.phase in (Phase.QUIET, Phase.OPEN)
        assert advance(it, state, [], samples[-1].time + 10 * DAY)[1] == []
    else:
        assert advance(it, state, [], at - 1)[0].phase == state.phase
        assert advance(it, state, [], at)[0].phase != state.phase


def test_late_values_show_their_excursions_apart():
    it = timing(rule(hold_s=600))
    found = excursions(it, series([5, 1, 1, 5, 1]), START + DAY)
    spans = [((e.since - START) // MINUTE, e.until and (e.until - START) // MINUTE) for e in found]
    assert spans == [(10, 30), (40, None)]
