"""A rule over a season of stored readings: how often, when and where it would have fired."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from analytics.alarms.conditions import SECOND, Sample
from analytics.alarms.engine import Excursion, Phase, State, Timing, Transition, advance
from models.alarm import Kind, Side
from models.calendar import day_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRIDE = 256  # samples judged at once where something goes on
_SPANS = 50  # excursions listed of one subject


@dataclass(frozen=True, slots=True)
class SubjectTally:
    """What a rule would have done at one subject; `spans` are the first 50."""

    subject: str
    name_zh: str
    name_en: str
    n: int
    hours: float
    spans: tuple[tuple[datetime, datetime | None, float], ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What a rule would have done.

    Attributes
    ----------
    n : int
        Alarms; an outage of a group is one.
    days : dict of date to int
        Asia/Shanghai days on which alarms would have opened, and how many.
    hours : float
        All their durations together.
    judged, readings : int
        Subjects and readings looked at.
    subjects : tuple of SubjectTally
        Those that would have had an alarm, the most first.
    """

    n: int
    days: dict[str, int]
    hours: float
    judged: int
    readings: int
    subjects: tuple[SubjectTally, ...]
    note_zh: str = ""
    note_en: str = ""


def sweep(
    it: Timing,
    state: State,
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    inputs: NDArray[np.int64],
) -> tuple[State, list[Transition]]:
    """Judge a stretch of readings; where nothing can happen it is skipped.

    Parameters
    ----------
    times : ndarray of int64, shape (n,)
        Ascending, microseconds.
    values : ndarray of float64, shape (n,)
        Canonical units.
    inputs : ndarray of int64, shape (n,)
        Which input of the rule each value is of.
    """
    fires = _may_fire(it, values)
    made: list[Transition] = []
    at = 0
    while at < len(times):
        if fires is not None and state.phase is Phase.QUIET:
            following = np.searchsorted(fires, at)
            if following == len(fires):
                break
            at = int(fires[following])
        end = min(at + _STRIDE, len(times))
        rows = zip(
            times[at:end].tolist(), values[at:end].tolist(), inputs[at:end].tolist(), strict=True
        )
        samples = [Sample(*row) for row in rows]
        state, steps = advance(it, state, samples, samples[-1].time)
        made += steps
        at = end
    return state, made


def _may_fire(it: Timing, values: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """Return the places of values beyond the limit; None where the memory needs every value."""
    if it.rule.kind is not Kind.THRESHOLD:
        return None
    term = it.rule.terms[0]
    over = values > term.limit if term.side is Side.ABOVE else values < term.limit
    return np.flatnonzero(over)


def tally(
    found: Mapping[str, tuple[str, str, Sequence[Excursion]]], upto: int, judged: int, readings: int
) -> Tally:
    """Count excursions by subject and day.

    Parameters
    ----------
    found : mapping of subject to (name zh, name en, excursions)
        Subjects without one may be left out.
    upto : int
        End of the season, microseconds: an excursion that is not over lasts until here.
    """
    days: Counter[str] = Counter()
    subjects = []
    for subject, (zh, en, spans) in found.items():
        if not spans:
            continue
        days.update(day_of(_instant(span.opened)).isoformat() for span in spans)
        seconds = sum(((s.until or upto) - s.opened) / SECOND for s in spans)
        listed = tuple(
            (_instant(s.opened), None if s.until is None else _instant(s.until), s.peak)
            for s in spans[:_SPANS]
        )
        subjects.append(SubjectTally(subject, zh, en, len(spans), round(seconds / 3600, 2), listed))
    subjects.sort(key=lambda it: (-it.n, it.subject))
    total = sum(it.n for it in subjects)
    hours = round(sum(it.hours for it in subjects), 2)
    return Tally(total, dict(sorted(days.items())), hours, judged, readings, tuple(subjects))


def _instant(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
