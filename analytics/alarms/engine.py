"""The state machine of an alarm: quiet, pending, open, clearing.

A pure function of what was known, of values in the order of their own time, and of time:
deadlines (the hold, the clear delay, the age at which a value says nothing more) are passed
at their exact instants, however seldom the machine is looked at. So one sweep over a season
and ten thousand small steps give the same transitions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from analytics.alarms.conditions import SECOND, Judge, Memory, Sample, Verdict, further, judge_of
from models.alarm import AlarmRule


class Phase(StrEnum):
    """Where an excursion is."""

    QUIET = "quiet"
    PENDING = "pending"  # beyond the limit, not yet for as long as it must last
    OPEN = "open"
    CLEARING = "clearing"  # back again, not yet for as long as it must be over


@dataclass(slots=True)
class State:
    """What is known of one rule at one subject; times in microseconds.

    Attributes
    ----------
    evaluated : int
        Everything up to here has been judged; what comes later with an older time is late.
    entered : int
        When the pending or clearing phase began.
    started : int
        When the excursion began.
    last : int
        Time of the newest judged value.
    """

    evaluated: int
    phase: Phase = Phase.QUIET
    entered: int = 0
    started: int = 0
    last: int = 0
    value: float = 0.0
    peak: float = 0.0
    peak_at: int = 0
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm opens or clears at an instant (microseconds)."""

    what: Literal["opened", "cleared"]
    at: int
    since: int
    value: float
    peak: float
    peak_at: int


@dataclass(frozen=True, slots=True)
class Excursion:
    """A span over which an alarm would have been open; `until` None: it still is."""

    since: int
    opened: int
    until: int | None
    peak: float


@dataclass(frozen=True, slots=True)
class Timing:
    """The spans of a rule in microseconds, with its judge."""

    rule: AlarmRule
    judge: Judge
    hold: int
    delay: int
    age: int


def timing(rule: AlarmRule) -> Timing:
    """Prepare a rule for the machine."""
    spans = (rule.hold_s, rule.clear_delay_s, rule.max_age_s)
    hold, delay, age = (round(s * SECOND) for s in spans)
    return Timing(rule, judge_of(rule), hold, delay, age)


def advance(
    it: Timing, state: State, samples: Iterable[Sample], upto: int
) -> tuple[State, list[Transition]]:
    """Judge samples and pass deadlines up to an instant.

    Parameters
    ----------
    it : Timing
        The rule.
    state : State
        What is known; it is not changed.
    samples : iterable of Sample
        In the order of their time, all of them later than ``state.evaluated`` and not later
        than ``upto``.
    upto : int
        Instant up to which nothing more is expected, microseconds.
    """
    # every value of a memory is replaced, never changed in place
    now, made = replace(state, memory=replace(state.memory)), list[Transition]()
    for sample in samples:
        _pass(it, now, sample.time, made)
        judged = it.judge(now.memory, sample)
        if judged is not None:
            _take(it, now, sample.time, *judged, made)
    _pass(it, now, upto, made)
    now.evaluated = max(now.evaluated, upto)
    return now, made


def deadline(it: Timing, state: State) -> int | None:
    """Return the next instant at which time alone changes the state, None for never."""
    if state.phase is Phase.PENDING:
        return min(state.entered + it.hold, state.last + it.age)
    return state.entered + it.delay if state.phase is Phase.CLEARING else None


def excursions(it: Timing, samples: Iterable[Sample], upto: int) -> list[Excursion]:
    """Return the excursions that samples show, judged from nothing."""
    state, made = advance(it, State(0), samples, upto)
    found = paired(made)
    if found and found[-1].until is None:
        found[-1] = replace(found[-1], peak=state.peak)
    return found


def paired(made: Iterable[Transition]) -> list[Excursion]:
    """Pair openings with clearings; the last may still be open."""
    found: list[Excursion] = []
    for step in made:
        if step.what == "opened":
            found.append(Excursion(step.since, step.at, None, step.peak))
        elif found:
            found[-1] = Excursion(step.since, found[-1].opened, step.at, step.peak)
    return found


def _pass(it: Timing, now: State, time: int, made: list[Transition]) -> None:
    """Let time go by: what was due until then happens at its own instant."""
    if now.phase is Phase.PENDING:
        ripe, stale = now.entered + it.hold, now.last + it.age
        if ripe <= min(time, stale):
            now.phase = Phase.OPEN
            made.append(_step(now, "opened", ripe))
        elif stale <= time:
            now.phase = Phase.QUIET  # nobody knows whether it lasted
    if now.phase is Phase.CLEARING and now.entered + it.delay <= time:
        now.phase = Phase.QUIET
        made.append(_step(now, "cleared", now.entered + it.delay))


def _take(
    it: Timing, now: State, time: int, verdict: Verdict, value: float, made: list[Transition]
) -> None:
    now.last, now.value = time, value
    if verdict is Verdict.FIRE:
        _fire(it.rule, now, time, value)
    elif verdict is Verdict.CLEAR:
        if now.phase is Phase.PENDING:
            now.phase = Phase.QUIET
        elif now.phase is Phase.OPEN:
            now.phase, now.entered = Phase.CLEARING, time
    _pass(it, now, time, made)  # a hold or a delay of nothing ends at once


def _fire(rule: AlarmRule, now: State, time: int, value: float) -> None:
    if now.phase is Phase.QUIET:
        now.phase, now.entered, now.started = Phase.PENDING, time, time
        now.peak, now.peak_at = value, time
    elif now.phase is Phase.CLEARING:
        now.phase = Phase.OPEN
    if further(rule, value, now.peak):
        now.peak, now.peak_at = value, time


def _step(now: State, what: Literal["opened", "cleared"], at: int) -> Transition:
    return Transition(what, at, now.started, now.value, now.peak, now.peak_at)
