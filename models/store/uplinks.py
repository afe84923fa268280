"""LoRaWAN frames: a frame is known by device, session and counter, whatever its time."""

from collections.abc import Sequence
from typing import NamedTuple

from models.store.database import WriteTx
from models.store.recording import EPOCH_US

_SAME_US = 60_000_000  # copies of one frame lie that close; see the query


class Frame(NamedTuple):
    """A frame as it came; time (of the network) and arrival in microseconds since 1970."""

    device_id: int
    session: str
    counter: int
    time: int
    received: int


def first_times(tx: WriteTx, frames: Sequence[Frame]) -> list[int]:
    """Enter frames and return for each the time at which it was first seen.

    A copy within a minute has the time of the first one. A counter that comes again later is
    a device that has started over without a new session, and has its own time.
    """
    leaders: dict[tuple[int, str, int], Frame] = {}
    for frame in frames:
        leaders.setdefault(frame[:3], frame)
    ordered = [leaders[key] for key in sorted(leaders)]
    rows = tx.rows(
        "companions",
        "first_seen",
        devices=[f.device_id for f in ordered],
        sessions=[f.session for f in ordered],
        counters=[f.counter for f in ordered],
        times=[f.time - EPOCH_US for f in ordered],
        received=[f.received - EPOCH_US for f in ordered],
    )
    first = {(r.device_id, r.session, r.counter): r.us + EPOCH_US for r in rows}
    return [first[f[:3]] if abs(first[f[:3]] - f.time) <= _SAME_US else f.time for f in frames]
