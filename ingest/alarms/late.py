"""Late readings: they never notify, they only leave a note of the excursions they show."""

from collections import defaultdict
from collections.abc import Sequence

from analytics.alarms.conditions import Sample, further
from analytics.alarms.engine import excursions as found_in
from ingest.alarms.ground import Watched
from ingest.alarms.values import Case, Moment, good
from models.store import excursions, watching
from models.store.database import WriteTx
from models.store.watching import instant

_MOST = 5000  # readings of a datastream in one look at late ones


def annotate(tx: WriteTx, cases: Sequence[Case], at: Moment) -> int:
    """Note the excursions that late readings show; return how many notes were left."""
    spans = {case.watched.key: (case.watched, span) for case in cases if (span := _span(case, at))}
    wanted, owner = [], []
    for watched, (after, upto) in spans.values():
        for number, stream in enumerate(watched.streams):
            wanted.append((stream, after, upto))
            owner.append((watched, number))
    samples: dict[watching.Key, list[Sample]] = defaultdict(list)
    for place, us, value, quality, _ in watching.windows(tx, wanted, _MOST):
        watched, number = owner[place - 1]
        if good(watched, quality):
            samples[watched.key].append(Sample(us, value, number))
    return sum(_noted(tx, spans[key][0], own, at) for key, own in samples.items())


def _span(case: Case, at: Moment) -> tuple[int, int] | None:
    """Return the span (start excluded) over which readings came late, None when none did."""
    floor = at.now - at.annotate
    late = [(max(first, floor), last) for first, last in case.late if last >= floor]
    return (min(a for a, _ in late) - 1, max(b for _, b in late)) if late else None


def _noted(tx: WriteTx, watched: Watched, samples: list[Sample], at: Moment) -> int:
    samples.sort(key=lambda sample: sample.time)
    rule = watched.kept.rule

    def worse(one: float, other: float) -> float:
        return one if further(rule, one, other) else other

    noted = 0
    for found in found_in(watched.it, samples, samples[-1].time):
        until = samples[-1].time if found.until is None else found.until
        span = (instant(found.since), instant(until))
        noted += excursions.annotate(
            tx, watched.key, watched.about, span, found.peak, instant(at.now), worse
        )
    return noted
