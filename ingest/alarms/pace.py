"""Whether the intake is up to date: silence and lateness are judged only when it is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from models.store.watching import Arrival, Part, Watch, microseconds

STALE_S = 15.0  # a sign of life every 2 s: seven missed
_GONE_S = 86_400.0  # an ingestor not heard of for a day was taken away
_LAG_S, _WAITING = 10.0, 5_000  # messages not committed
_SETTLE = timedelta(seconds=15)
_LIVE = timedelta(seconds=60)
_LONGEST = timedelta(hours=1)  # after that a stream of old readings is taken for ordinary


def trouble(parts: Sequence[Part]) -> str:
    """Say what is wrong with the intake, nothing when it is well.

    No ingestor at all is well: readings may come over HTTP alone.
    """
    for part in parts:
        detail = part.detail
        if part.age_s > _GONE_S:
            continue
        if part.age_s > STALE_S:
            return f"{part.name} gives no sign of life"
        if not detail.get("connected", True):
            return f"{part.name} is not connected to the broker"
        if detail.get("lag_s", 0.0) > _LAG_S or detail.get("waiting", 0) > _WAITING:
            return f"{part.name} lags behind"
    return ""


def paced(
    before: Watch, now: datetime, why: str, arrivals: Sequence[Arrival], asleep_s: float
) -> Watch:
    """Say how the intake stands now.

    After an interruption it settles: readings from before it came back are a backlog, and as
    long as they are the most of what comes, nobody knows who is silent.
    """
    slept = before.looked is None or now - before.looked > timedelta(seconds=asleep_s)
    if why or slept:
        return Watch(now, now, now, settling=True)
    if not before.settling:
        return replace(before, looked=now)
    edge = microseconds(before.back - _LIVE)
    old = sum(arrival.newest < edge for arrival in arrivals)
    backlog = old * 2 > len(arrivals) and now - before.back < _LONGEST
    settling = backlog or now - before.back < _SETTLE
    return Watch(now, now, before.back, settling=settling)
