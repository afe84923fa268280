"""The watch: one look after another, each in one transaction, by one process at a time.

What was taken off the queue, what is known now, alarms and letters commit together: after a
kill the next look begins where the last committed one ended, and nothing is told twice.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.alarms.conditions import SECOND
from ingest.alarms import ground as compiled
from ingest.alarms import late, pace, signals, silence, values
from ingest.alarms.ears import Ears
from ingest.alarms.ground import Ground
from ingest.alarms.values import Moment
from models import calendar
from models.alarm import Kind
from models.store import alarms, excursions, watching
from models.store.database import Database, WriteTx
from models.store.watching import Arrival, Watch, microseconds

_LOG = logging.getLogger(__name__)
_BATCHES = 500  # of arrivals in one look
_LOOKS = 20  # looks in a row while batches wait, before the thread looks whether to stop


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the watch waits.

    Attributes
    ----------
    every_s : float
        Between two looks, seconds; 0 for no watch.
    grace_s : float
        A reading may be under way so long before it is late, seconds.
    late_s : float
        A reading older than this when it arrives never notifies, seconds.
    annotate_s : float
        Late readings up to this age leave a note of what they show, seconds.
    asleep_s : float
        After so long without a look nobody knows who was silent meanwhile, seconds.
    """

    every_s: float = 2.0
    grace_s: float = 20.0
    late_s: float = 3600.0
    annotate_s: float = 7 * 86_400.0
    asleep_s: float = 30.0


class Watchman:
    """Looks after the alarms of a store."""

    def __init__(
        self,
        database: Database,
        patience: Patience | None = None,
        clock: Callable[[], datetime] = calendar.now,
    ) -> None:
        self._database = database
        self._patience = patience or Patience()
        self._clock = clock
        self._ears = Ears()
        self._ground: Ground | None = None
        self._versions: tuple[str, ...] = ()

    def look(self) -> int:
        """Look until nothing waits; return the number of datastreams that had something."""
        total = 0
        for _ in range(_LOOKS):
            n, more = self._once()
            total += n
            if not more:
                break
        return total

    def _once(self) -> tuple[int, bool]:
        now = self._clock()
        upto = now - timedelta(seconds=self._patience.grace_s)
        with self._database.writing() as tx:
            if not watching.alone(tx):
                return 0, False
            ground = self._standing(tx, now)
            arrivals = watching.take_arrivals(tx, upto, _BATCHES)
            self._judge(tx, ground, arrivals, now)
            more = bool(arrivals) and watching.waiting(tx, upto)
        return len(arrivals), more

    def _standing(self, tx: WriteTx, now: datetime) -> Ground:
        """Return the compiled rules and catalogue; compile again what has changed."""
        versions = watching.versions(tx)
        if self._ground is None or versions != self._versions:
            self._ground = compiled.load(tx)
            _tidy(tx, self._ground, now)
            self._versions = versions
        return self._ground

    def _judge(
        self, tx: WriteTx, ground: Ground, arrivals: Sequence[Arrival], now: datetime
    ) -> None:
        before = watching.watch(tx)
        parts = watching.intake(tx)
        why = pace.trouble(parts)
        stands = pace.paced(before, now, why, arrivals, self._patience.asleep_s)
        at = self._moment(now, stands)
        heard = self._ears.hear(ground, arrivals)
        due = watching.due(tx, now)
        cases = values.judge(tx, ground, arrivals, due, at)
        late.annotate(tx, cases, at)
        resumed = microseconds(stands.resumed)
        silence.judge(tx, ground, self._ears, heard, due, resumed, at)
        signals.judge(tx, ground, parts, why, self._slept(before, now), at)
        for alarm in excursions.escalate(tx, now):
            _LOG.info("alarm %s was not acknowledged in time: told the region above", alarm)
        watching.keep_watch(tx, stands)

    def _slept(self, before: Watch, now: datetime) -> int | None:
        """Return since when nobody looked, microseconds, None when somebody did all the time."""
        asleep = timedelta(seconds=self._patience.asleep_s)
        if before.looked is None or now - before.looked <= asleep:
            return None
        return microseconds(before.looked)

    def _moment(self, now: datetime, stands: Watch) -> Moment:
        wait = self._patience
        spans = (wait.grace_s, wait.late_s, wait.annotate_s)
        grace, lateness, history = (round(span * SECOND) for span in spans)
        return Moment(microseconds(now), grace, lateness, history, stands.settling)


def _tidy(tx: WriteTx, ground: Ground, now: datetime) -> None:
    """Expect what should speak, and let go of what is watched no more."""
    expected: dict[int, list[str]] = defaultdict(list)
    for rule, subject in ground.expected:
        expected[rule].append(subject)
    for rule, subjects in expected.items():
        watching.expect(tx, rule, subjects, now)
    known = ground.by_key.keys() | ground.expected.keys()
    levels = {kept.id for kind in (Kind.INTAKE, Kind.FLOODING) for kept in ground.rules_of(kind)}
    gone: dict[int, list[str]] = defaultdict(list)
    for rule, subject in watching.open_keys(tx):
        if (rule, subject) not in known and rule not in levels:
            gone[rule].append(subject)
    for rule, subjects in gone.items():
        alarms.withdraw(tx, rule, now, "no longer watched", subjects)
        watching.forget(tx, rule, subjects)
