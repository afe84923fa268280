"""What one value says about a rule: beyond the limit, back again, or in between.

Each kind of condition is a small judge with a memory of its own: the run of a flat line,
the points of a rate, the newest value of each of two quantities.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from analytics.alarms.indices import FORMULAS
from models.alarm import AlarmRule, Kind, Side, Term

SECOND = 1_000_000  # microseconds
_DAY, _SHANGHAI = 86_400 * SECOND, 8 * 3600 * SECOND
_POINTS = 32  # points kept of the window of a rate


class Verdict(IntEnum):
    """What a value says."""

    CLEAR = -1
    BETWEEN = 0  # within the hysteresis: nothing changes
    FIRE = 1


@dataclass(slots=True)
class Memory:
    """What a judge remembers between values; times in microseconds.

    Attributes
    ----------
    run : list or None
        Flat line: start, lowest, highest, number of values.
    points : list of (time, value)
        Rate: the window, thinned.
    first, second : (time, value) or None
        Newest value of each quantity.
    """

    run: tuple[int, float, float, int] | None = None
    points: list[tuple[int, float]] = field(default_factory=list)
    first: tuple[int, float] | None = None
    second: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of one input of a rule (0 or 1) at an instant in microseconds."""

    time: int
    value: float
    input: int = 0


Judged = tuple[Verdict, float]
Judge = Callable[[Memory, Sample], Judged | None]


def judge_of(rule: AlarmRule) -> Judge:
    """Return the judge of a rule: (memory, sample) -> (verdict, figure), None for no opinion."""
    judge = _JUDGES[rule.kind](rule)
    if not rule.months:
        return judge
    months = frozenset(rule.months)

    def seasonal(memory: Memory, sample: Sample) -> Judged | None:
        judged = judge(memory, sample)
        if judged is None or month_of(sample.time) in months:
            return judged
        return Verdict.CLEAR, judged[1]

    return seasonal


def month_of(time: int) -> int:
    """Return the Asia/Shanghai month of an instant (days to civil month, Hinnant 2013)."""
    shifted = (time + _SHANGHAI) // _DAY + 719_468
    day = shifted % 146_097
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    of_year = day - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    return month + 3 if month < 10 else month - 9


def beyond(term: Term, value: float) -> Verdict:
    """Compare a value with a limit and its hysteresis."""
    over = value - term.limit if term.side is Side.ABOVE else term.limit - value
    if over > 0:
        return Verdict.FIRE
    return Verdict.BETWEEN if -over < term.hysteresis else Verdict.CLEAR


def further(rule: AlarmRule, value: float, than: float) -> bool:
    """Tell whether a figure lies further beyond the limit than another."""
    if rule.terms and rule.terms[0].side is Side.BELOW:
        return value < than
    return value > than


def _threshold(rule: AlarmRule) -> Judge:
    term = rule.terms[0]
    return lambda memory, sample: (beyond(term, sample.value), sample.value)


def _rate(rule: AlarmRule) -> Judge:
    term, window = rule.terms[0], round(rule.window_s * SECOND)

    def judge(memory: Memory, sample: Sample) -> Judged | None:
        points = [p for p in memory.points if p[0] >= sample.time - window]
        start = points[0] if points else None
        if not points or sample.time - points[-1][0] >= window // _POINTS:
            points.append((sample.time, sample.value))
        memory.points = points
        # half a window at least: two values a second apart would make any noise a landslide
        if start is None or sample.time - start[0] < window // 2:
            return None
        hours = (sample.time - start[0]) / (3600 * SECOND)
        rate = (sample.value - start[1]) / hours
        return beyond(term, rate), rate

    return judge


def _flat_line(rule: AlarmRule) -> Judge:
    limit, window = rule.terms[0].limit, round(rule.window_s * SECOND)

    def judge(memory: Memory, sample: Sample) -> Judged:
        start, low, high, n = memory.run or (sample.time, sample.value, sample.value, 0)
        low, high = min(low, sample.value), max(high, sample.value)
        if high - low > limit:
            memory.run = (sample.time, sample.value, sample.value, 1)
            return Verdict.CLEAR, sample.value
        memory.run = (start, low, high, n + 1)
        # two equal values a week apart are no flat line
        flat = sample.time - start >= window and n + 1 >= _FLAT
        return (Verdict.FIRE if flat else Verdict.CLEAR), sample.value

    return judge


_FLAT = 4  # values a flat line takes at least


def _pair(rule: AlarmRule, join: Callable[[float, float], Judged]) -> Judge:
    """Join the newest values of two quantities when neither is too old."""
    most = round(rule.max_age_s * SECOND)

    def judge(memory: Memory, sample: Sample) -> Judged | None:
        if sample.input == 0:
            memory.first = (sample.time, sample.value)
        else:
            memory.second = (sample.time, sample.value)
        first, second = memory.first, memory.second
        if first is None or second is None or abs(first[0] - second[0]) > most:
            return None
        return join(first[1], second[1])

    return judge


def _combination(rule: AlarmRule) -> Judge:
    one, other = rule.terms

    def join(first: float, second: float) -> Judged:
        # the weaker of the two decides: both must fire, one that clears is enough to end it
        return min(beyond(one, first), beyond(other, second)), first

    return _pair(rule, join)


def _index(rule: AlarmRule) -> Judge:
    term = rule.terms[0]
    formula = FORMULAS[term.quantity]

    def join(first: float, second: float) -> Judged:
        figure = formula(first, second)
        return beyond(term, figure), figure

    return _pair(rule, join)


_JUDGES: dict[Kind, Callable[[AlarmRule], Judge]] = {
    Kind.THRESHOLD: _threshold,
    Kind.RATE: _rate,
    Kind.FLAT_LINE: _flat_line,
    Kind.COMBINATION: _combination,
    Kind.INDEX: _index,
}
VALUE_KINDS = frozenset(_JUDGES)
