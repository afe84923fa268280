"""Rules about values: what has arrived, and time, through the machine, to alarms.

Everything up to `grace` ago is judged in the order of its own time; what comes later with an
older time is late. It is read from the store at that moment, not carried along: flags that a
review has set meanwhile count, and nothing is lost when the process dies.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from analytics.alarms import wording
from analytics.alarms.conditions import SECOND, Sample
from analytics.alarms.engine import Phase, State, Transition, advance, deadline
from ingest.alarms.ground import Ground, Watched
from models.alarm import Kind
from models.reading import BAD, Quality
from models.store import excursions, watching
from models.store.database import WriteTx
from models.store.excursions import Opening
from models.store.watching import Arrival, KeptState, Key, instant

_BAD = int(BAD)
# a value that the review calls stuck is what a flat line is made of
_BAD_FLAT = _BAD & ~int(Quality.STUCK)
_MOST = 2000  # readings of a datastream in one look; the rest comes in the next
# a batch is stamped before it commits: so much later it may still appear
SLACK_US = 10 * SECOND


@dataclass(frozen=True, slots=True)
class Moment:
    """A look of the watch; microseconds.

    Attributes
    ----------
    grace : int
        How long a reading may be under way before it is late.
    late : int
        A reading older than this when it arrives never notifies.
    annotate : int
        Late readings older than this are history: back-tests see them.
    settling : bool
        The intake works off a backlog: only what has come is judged, time passes nothing.
    """

    now: int
    grace: int = 20 * SECOND
    late: int = 3600 * SECOND
    annotate: int = 7 * 86_400 * SECOND
    settling: bool = False


@dataclass(slots=True)
class Remembered:
    """A state as it is kept; `looked` is when it was last judged."""

    looked: int
    state: State


@dataclass(slots=True)
class Case:
    """A rule at a subject in one look."""

    watched: Watched
    before: Remembered
    upto: int
    came: list[Arrival] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    late: list[tuple[int, int]] = field(default_factory=list)

    @property
    def newest(self) -> int:
        """Newest phenomenon time that has come."""
        return max((arrival.newest for arrival in self.came), default=0)


_decoder = msgspec.json.Decoder(Remembered)
_encode = msgspec.json.Encoder().encode


def judge(
    tx: WriteTx, ground: Ground, arrivals: Sequence[Arrival], due: Iterable[Key], at: Moment
) -> list[Case]:
    """Judge what has come and what is due; return the cases, whose late readings are left."""
    came = _concerned(ground, arrivals, at)
    keys = set(came)
    if not at.settling:
        keys.update(key for key in due if key in ground.by_key)
    known = watching.states(tx, keys)
    cases = [_case(ground.by_key[key], came.get(key, []), known.get(key), at) for key in keys]
    _read(tx, cases, at)
    cases.sort(key=lambda case: case.watched.key)
    watching.keep_states(tx, [_row(case, _judged(tx, case, at), at) for case in cases])
    return cases


def _concerned(
    ground: Ground, arrivals: Sequence[Arrival], at: Moment
) -> Mapping[Key, list[Arrival]]:
    came: dict[Key, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        if arrival.newest > at.now - at.annotate:
            for watched in ground.by_stream.get(arrival.datastream_id, ()):
                came[watched.key].append(arrival)
    return came


def _case(watched: Watched, came: list[Arrival], known: KeptState | None, at: Moment) -> Case:
    if known is None:
        oldest = min((arrival.oldest for arrival in came), default=at.now)
        before = Remembered(0, State(max(oldest - 1, at.now - at.late)))
    else:
        before = _decoder.decode(known.state)
    case = Case(watched, before, at.now - at.grace, came)
    if at.settling:
        # of one device all older readings came before this one; of time nothing is known yet
        case.upto = min(case.upto, case.newest)
    case.upto = max(case.upto, before.state.evaluated)
    # a reading that was already there when this was last judged is not late but known
    case.late = [
        (arrival.oldest, min(arrival.newest, before.state.evaluated))
        for arrival in came
        if arrival.oldest <= before.state.evaluated and arrival.at > before.looked - SLACK_US
    ]
    return case


def _read(tx: WriteTx, cases: Sequence[Case], at: Moment) -> None:
    """Read the values between what was judged and what is to be judged now."""
    wanted, owner = [], []
    for case in cases:
        after = case.before.state.evaluated
        for number, stream in enumerate(case.watched.streams):
            if case.upto > after:
                wanted.append((stream, after, case.upto))
                owner.append((case, number))
    full: dict[int, int] = {}
    sizes: dict[int, int] = defaultdict(int)
    for place, us, value, quality, received in watching.windows(tx, wanted, _MOST):
        case, number = owner[place - 1]
        sizes[place] += 1
        full[place] = us
        if received - us > at.late:
            case.late.append((us, us))
        elif good(case.watched, quality):
            case.samples.append(Sample(us, value, number))
    for place, n in sizes.items():
        if n >= _MOST:
            owner[place - 1][0].upto = min(owner[place - 1][0].upto, full[place])


def good(watched: Watched, quality: int) -> bool:
    """Tell whether a value may fire: one with a bad flag never does."""
    return not quality & bad_for(watched)


def bad_for(watched: Watched) -> int:
    """Return the flags that keep a value from firing."""
    return _BAD_FLAT if watched.kept.rule.kind is Kind.FLAT_LINE else _BAD


def _judged(tx: WriteTx, case: Case, at: Moment) -> State:
    samples = case.samples
    if len(case.watched.streams) > 1 or (samples and samples[-1].time > case.upto):
        samples = sorted((s for s in samples if s.time <= case.upto), key=lambda s: s.time)
    state, steps = advance(case.watched.it, case.before.state, samples, case.upto)
    for step in steps:
        _tell(tx, case.watched, step, at)
    return state


def _tell(tx: WriteTx, watched: Watched, step: Transition, at: Moment) -> None:
    noticed, when = instant(at.now), instant(step.at)
    peak_at = instant(step.peak_at)
    if step.what == "opened":
        opening = Opening(instant(step.since), when, noticed, step.value, step.peak, peak_at)
        told = wording.facts(watched.kept.rule)
        excursions.begin(tx, watched.kept, watched.about, opening, told)
    else:
        excursions.end(tx, watched.key, when, noticed, peak=step.peak, peak_at=peak_at)


def _row(case: Case, state: State, at: Moment) -> tuple[Key, int, int | None, bool, str]:
    passing = deadline(case.watched.it, state)
    looks = [] if passing is None else [passing + at.grace]
    if case.newest > state.evaluated:
        looks.append(max(case.newest + at.grace, at.now))
    is_open = state.phase in (Phase.OPEN, Phase.CLEARING)
    told = _encode(Remembered(at.now, state)).decode()
    return case.watched.key, state.evaluated, min(looks, default=None), is_open, told
