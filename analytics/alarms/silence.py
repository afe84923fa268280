"""Silence: who should have spoken, and which silences are one outage.

A device is silent when nothing came for `cadences` x its usual interval. The interval is
the longer of two that are learnt: between its values, and between its arrivals (a device
may gather an hour of values and send them at once). What the intake itself missed does not
count: silence is measured from the instant at which it had caught up.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from analytics.alarms.conditions import SECOND
from analytics.alarms.engine import Excursion
from models.alarm import AlarmRule

TOGETHER = 3  # devices that make a group; two neighbours may fail by chance
_SHARE = 0.8  # of a group's devices that could have spoken
_MISSED = 1.5  # usual intervals after which a message is missed
BACK = 0.5  # of a group's members: half of them heard again means that the way is open
_LEARNT = 3  # arrivals before an interval is believed


@dataclass(frozen=True, slots=True)
class Member:
    """A device as the search for outages sees it.

    Attributes
    ----------
    groups : tuple of str
        What it shares with others, the narrowest first: gateway, farm, region.
    heard : int
        Its last sign, microseconds, not before the instant the intake had caught up.
    usual_s : float or None
        Its usual interval, seconds; None while it is not known.
    """

    device: int
    groups: tuple[str, ...]
    heard: int
    usual_s: float | None


@dataclass(frozen=True, slots=True)
class Outage:
    """Devices that fell silent together."""

    group: str
    devices: tuple[int, ...]
    since: int


def usual(cadence_s: float | None, gaps_s: Sequence[float]) -> float | None:
    """Return the usual interval between signs of a device, seconds, None if not known yet.

    Parameters
    ----------
    cadence_s : float or None
        Learnt interval between its values.
    gaps_s : sequence of float
        Its last intervals between arrivals.
    """
    known = [] if cadence_s is None else [cadence_s]
    if len(gaps_s) >= _LEARNT:
        known.append(median(gaps_s))
    return max(known, default=None)


def limit_us(rule: AlarmRule, usual_s: float) -> int:
    """Return how long a device may be silent, microseconds."""
    return round(max(rule.cadences * usual_s, rule.at_least_s) * SECOND)


def collapse(
    silent: Iterable[int], members: Sequence[Member], now: int
) -> tuple[list[Outage], list[int]]:
    """Find what the silent devices have in common.

    A group is out when at least three of its devices fell silent within their usual interval
    of each other, and hardly any other was heard since. The group that explains most goes first; of
    two that explain the same, the narrower.

    Returns
    -------
    list of Outage, list of int
        Groups with all their members that missed a message, and the devices left alone.
    """
    left = set(silent)
    rank = {g: level for m in members for level, g in enumerate(m.groups)}
    by_group: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        for group in member.groups:
            by_group[group].append(member)
    found = [(group, out) for group in by_group if (out := _out(by_group[group], now))]
    found.sort(key=lambda pair: (-len(pair[1]), rank[pair[0]], pair[0]))
    outages, covered = [], set[int]()
    for group, out in found:
        fresh = [member for member in out if member.device not in covered]
        if len(fresh) < TOGETHER or not any(member.device in left for member in fresh):
            continue
        devices = tuple(sorted(member.device for member in fresh))
        outages.append(Outage(group, devices, min(member.heard for member in fresh)))
        covered.update(devices)
        left.difference_update(devices)
    return outages, sorted(left)


def _out(members: Sequence[Member], now: int) -> list[Member]:
    """Return the members that fell silent together if they make an outage, else nothing."""
    missing = [m for m in members if _missed(m, now)]
    if len(missing) < TOGETHER:
        return []
    middle = median(m.heard for m in missing)
    # one that has been dead for a month is no part of what happened just now
    gone = [m for m in missing if abs(m.heard - middle) <= _MISSED * (m.usual_s or 0) * SECOND]
    if len(gone) < TOGETHER:
        return []
    # who was heard after all of them fell silent proves that the way is open; who was not
    # due yet proves nothing either way
    last, out = max(m.heard for m in gone), {m.device for m in gone}
    alive = sum(m.device not in out and m.heard > last for m in members)
    return gone if len(gone) >= _SHARE * (len(gone) + alive) else []


def _missed(member: Member, now: int) -> bool:
    return member.usual_s is not None and now - member.heard > _MISSED * member.usual_s * SECOND


def gaps(rule: AlarmRule, times: Sequence[int], usual_s: float, upto: int) -> list[Excursion]:
    """Return the silences in a series of signs: the back-test of a no-data rule."""
    limit = limit_us(rule, usual_s)
    following = [*times[1:], upto]
    return [
        Excursion(t, t + limit, after if after < upto else None, (after - t) / SECOND)
        for t, after in zip(times, following, strict=True)
        if after - t > limit
    ]


def together(silences: dict[int, list[Excursion]], farm_of: dict[int, str]) -> list[Outage]:
    """Group silences of a season: three devices of a farm, most of it, that began together.

    Returns
    -------
    list of Outage
        Those of one device have a single device in them.
    """
    found = []
    size: dict[str, int] = defaultdict(int)
    for device in silences:
        size[farm_of[device]] += 1
    every = sorted((e.since, e.opened, d) for d, spans in silences.items() for e in spans)
    for farm in sorted(size):
        own = [(since, opened, d) for since, opened, d in every if farm_of[d] == farm]
        for cluster in _clusters(own):
            devices = tuple(sorted({d for _, _, d in cluster}))
            if len(devices) >= max(TOGETHER, _SHARE * size[farm]):
                found.append(Outage(farm, devices, cluster[0][0]))
            else:
                found += [Outage(f"device:{d}", (d,), since) for since, _, d in cluster]
    return found


def _clusters(spans: Sequence[tuple[int, int, int]]) -> list[list[tuple[int, int, int]]]:
    """Split silences where one begins after the first of its cluster has been noticed."""
    made: list[list[tuple[int, int, int]]] = []
    for span in spans:
        if made and span[0] <= made[-1][0][1]:
            made[-1].append(span)
        else:
            made.append([span])
    return made
