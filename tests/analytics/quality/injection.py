"""Seeded faults for real series: what was done, and which values a check must flag."""

from dataclasses import dataclass

import numpy as np

from analytics.quality.limits import limits

DAY_US = 86_400_000_000

# Smallest size of each injected fault, in the canonical unit (stuck: values); each one is drawn
# between this and twice this, with either sign. Sizes are what an officer would call a fault,
# not multiples of a detector's threshold.
SIZES = {
    #                      spike  step  stuck
    "soil_temperature": (3.0, 4.0, 30),
    "soil_moisture": (0.10, 0.20, 125),
    "soil_ec": (0.5, 0.6, 215),
    "water_temperature": (0.5, 1.0, 240),
    "water_ph": (0.3, 0.5, 480),
    "turbidity": (30.0, 30.0, 3000),
    "air_temperature": (8.0, 12.0, 8),
    "wind_speed": (8.0, 12.0, 8),
    "solar_radiation": (700.0, 700.0, 6),
}
OFFSETS = {"soil_temperature": 4.0, "soil_moisture": 0.25, "soil_ec": 2.5}


@dataclass
class Faulty:
    """A series with faults.

    Attributes
    ----------
    wanted : ndarray of bool
        Values that the check must flag.
    touched : ndarray of bool
        Values that are not the real ones any more, or belong to a fault: no false flags here.
    """

    time: np.ndarray
    value: np.ndarray
    raw: np.ndarray
    wanted: np.ndarray
    touched: np.ndarray

    @classmethod
    def of(cls, series):
        n = len(series.value)
        none = np.zeros(n, bool)
        return cls(series.time, series.value.copy(), series.value.copy(), none, none.copy())

    def put(self, at, value):
        self.value[at] = self.raw[at] = value
        self.wanted[at] = self.touched[at] = True


def places(rng, n, room, share=0.01, length=1):
    """Draw places with at least ``room`` values between one fault's end and the next."""
    most = max(1, int(n * share / length))
    free = np.arange(room, n - room - length, room + length)
    if len(free) == 0:
        return []
    chosen = np.sort(rng.choice(free, min(most, len(free)), replace=False))
    return (chosen + rng.integers(0, max(room // 3, 1), len(chosen))).tolist()


def size(rng, least):
    return least * rng.uniform(1, 2) * rng.choice([-1, 1])


def shifted(rng, series, here, least):
    """Add a fault of either sign that stays within the plausible range, where it can hide."""
    limit, amount = limits(series.quantity), size(rng, least)
    value = series.value[here]
    up, down = limit.high - value.max(), value.min() - limit.low
    if amount < 0 and -amount > down:
        amount = -amount
    if amount > up:
        amount = -amount
    return value + amount if -down <= amount <= up else None


def at_a_gap(series, *edges):
    """Tell whether a fault would begin or end at a real gap, where no change can be judged."""
    dt = np.diff(series.time)
    return any(e >= len(dt) or dt[e - 1] > 3 * np.median(dt) for e in edges)


def inject_range(series, rng):
    faulty, limit = Faulty.of(series), limits(series.quantity)
    span = limit.high - limit.low
    for at in places(rng, len(series.value), 10):
        beyond = span * rng.uniform(0.01, 0.5)
        faulty.put(at, limit.high + beyond if rng.random() < 0.5 else limit.low - beyond)
    return faulty


def inject_sentinel(series, rng):
    faulty, limit = Faulty.of(series), limits(series.quantity)
    outside = [c for c in limit.codes if not limit.low <= c <= limit.high]
    known = [65535.0, 655.35, -9999.0, -999.0, 32767.0, *limit.sentinels]
    for at in places(rng, len(series.value), 10):
        code = rng.choice([c for c in known if c in outside or c in limit.sentinels])
        faulty.put(at, np.float64(np.float32(code)) if rng.random() < 0.3 else code)
    return faulty


def inject_saturation(series, rng):
    faulty, limit = Faulty.of(series), limits(series.quantity)
    if not np.isfinite(limit.saturated_high):
        return None
    for at in places(rng, len(series.value), 30, 0.02, 6):
        faulty.put(slice(at, at + int(rng.integers(1, 12))), limit.saturated_high)
    return faulty


def inject_spike(series, rng):
    faulty, least = Faulty.of(series), SIZES[series.quantity][0]
    for at in places(rng, len(series.value), 30):
        width = int(rng.choice([1, 1, 2]))
        if at_a_gap(series, at, at + width):
            continue
        here = slice(at, at + width)
        value = shifted(rng, series, here, least)
        if value is not None:
            faulty.put(here, value)
    return faulty


def inject_step(series, rng):
    """Half return within 20 values and are wanted whole, half stay longer: the first is wanted."""
    faulty, least = Faulty.of(series), SIZES[series.quantity][1]
    for number, at in enumerate(places(rng, len(series.value), 140, 0.05, 10)):
        length = int(rng.integers(4, 20) if number % 2 else rng.integers(40, 80))
        if at_a_gap(series, at, at + length):
            continue
        here = slice(at, at + length)
        value = shifted(rng, series, here, least)
        if value is None:
            continue
        faulty.put(here, value)
        if length >= 40:
            faulty.wanted[at + 1 : at + length + 1] = False
            faulty.touched[at : at + length + 1] = True
    return faulty


def inject_stuck(series, rng):
    faulty, least = Faulty.of(series), SIZES[series.quantity][2]
    limit = limits(series.quantity).stuck
    for at in places(rng, len(series.value), max(60, least // 2), 0.1, least):
        value = series.value[at]
        here = slice(at, at + int(least * rng.uniform(1, 2)))
        span = (series.time[here][-1] - series.time[at]) / (DAY_US / 24)
        resting = [hours for low, high, hours in limit.rest if low <= value <= high]
        if resting and span <= resting[0]:
            continue  # a night is no fault
        faulty.put(here, value)
    # real neighbours of the same value belong to the run: nothing could tell them apart
    run = np.concatenate(([0], np.cumsum(np.diff(faulty.value) != 0)))
    faulty.touched |= np.isin(run, run[faulty.wanted])
    return faulty


def inject_gap(series, rng):
    n = len(series.value)
    keep, wanted = np.ones(n, bool), np.zeros(n, bool)
    for at in places(rng, n, 40, 0.05, 20):
        length = int(rng.integers(8, 40))
        keep[at : at + length] = False
        wanted[at + length] = True
    return Faulty(
        series.time[keep],
        series.value[keep].copy(),
        series.value[keep].copy(),
        wanted[keep],
        wanted[keep].copy(),
    )


def known_station(series, rng, room):
    """Draw a place before which the station reported on 45 days of 60: else nothing is learnt."""
    places = np.arange(80, len(series.value) - room)
    recent = series.time[places] - series.time[places - 45] <= 60 * DAY_US
    return int(rng.choice(places[recent]))


def inject_offset(series, rng):
    """An offset for 10 to 25 days, then none: the whole stretch is wanted."""
    faulty, amount = Faulty.of(series), size(rng, OFFSETS[series.quantity])
    at = known_station(series, rng, 40)
    until = series.time[at] + int(rng.integers(10, 26)) * DAY_US
    stop = int(np.searchsorted(series.time, until))
    faulty.put(slice(at, stop), series.value[at:stop] + amount)
    return faulty


def inject_drift(series, rng):
    """A drift to three offsets over 45 days; wanted from one and a half offsets on."""
    faulty, full = Faulty.of(series), 3 * OFFSETS[series.quantity] * rng.choice([-1, 1])
    at = known_station(series, rng, 60)
    days = (series.time - series.time[at]) / DAY_US
    drifting = (days > 0) & (days <= 45)
    faulty.put(drifting, series.value[drifting] + full * days[drifting] / 45)
    faulty.wanted[days < 22.5] = False
    return faulty


ALONE = {
    "range": inject_range,
    "sentinel": inject_sentinel,
    "saturation": inject_saturation,
    "step": inject_step,
    "stuck": inject_stuck,
    "spike": inject_spike,
    "gap": inject_gap,
}
TOGETHER = {"offset": inject_offset, "drift": inject_drift}
