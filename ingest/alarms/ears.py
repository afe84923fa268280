"""What is heard of devices: when, and at what intervals."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from analytics.alarms.conditions import SECOND
from ingest.alarms.ground import Ground
from models.store.watching import Arrival, Sign

_GAPS = 5  # arrivals whose intervals are remembered


@dataclass(slots=True)
class Quiet:
    """What is kept of a device or datastream.

    Attributes
    ----------
    gaps : list of float
        Last intervals between its arrivals, seconds.
    since : int
        Its silence is measured from here at the earliest, microseconds.
    told : str
        "" while it speaks; "own" when it has an alarm; else the group that has.
    """

    gaps: list[float] = field(default_factory=list)
    since: int = 0
    told: str = ""


class Ears:
    """Intervals between arrivals, by subject; in memory, kept when a subject is judged."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._gaps: dict[str, deque[float]] = {}

    def hear(self, ground: Ground, arrivals: Iterable[Arrival]) -> dict[str, int]:
        """Note what came; return the subjects heard, with the instant."""
        heard: dict[str, int] = {}
        for arrival in arrivals:
            stream = ground.streams.get(arrival.datastream_id)
            if stream is not None:
                for subject in (f"datastream:{stream.id}", f"device:{stream.device}"):
                    heard[subject] = max(heard.get(subject, 0), arrival.at)
        for subject, at in heard.items():
            last = self._last.get(subject)
            if last is not None and at > last:
                self._gaps.setdefault(subject, deque(maxlen=_GAPS)).append((at - last) / SECOND)
            self._last[subject] = at
        return heard

    def gaps(self, subject: str, kept: list[float]) -> list[float]:
        """Return the last intervals of a subject, those kept before a restart first."""
        return [*kept, *self._gaps.get(subject, ())][-_GAPS:]


def by_subject(signs: Iterable[Sign]) -> dict[str, Sign]:
    """Put signs of datastreams together by datastream and by device."""
    found: dict[str, Sign] = {}
    for sign in signs:
        found[f"datastream:{sign.datastream_id}"] = sign
        device = f"device:{sign.device_id}"
        known = found.get(device, sign)
        cadences = [s.cadence_s for s in (known, sign) if s.cadence_s is not None]
        fastest = min(cadences, default=None)
        found[device] = replace(sign, heard=max(known.heard, sign.heard), cadence_s=fastest)
    return found
