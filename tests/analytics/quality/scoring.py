"""Score the checks on faulty real logs: recall and false flags, per fault and log."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from analytics.quality.limits import limits
from analytics.quality.neighbours import Station, neighbour_flags
from analytics.quality.pointwise import PointLimits
from analytics.quality.series import series_flags
from models.reading import Quality
from tests.analytics.quality import injection

FLAG = {
    "range": Quality.RANGE,
    "sentinel": Quality.SENTINEL,
    "saturation": Quality.SATURATED,
    "step": Quality.STEP,
    "stuck": Quality.STUCK,
    "spike": Quality.SPIKE,
    "gap": Quality.GAP,
    "offset": Quality.NEIGHBOUR,
    "drift": Quality.NEIGHBOUR,
}


@dataclass
class Score:
    wanted: int = 0
    found: int = 0
    caught: int = 0  # flagged as bad in whatever way
    real: int = 0
    false: int = 0
    bad: int = 0  # untouched values with any bad flag

    @property
    def recall(self):
        return self.found / max(self.wanted, 1)

    @property
    def false_rate(self):
        return self.false / max(self.real, 1)

    def add(self, faulty, flags, flag):
        own, anyway = (flags & flag) != 0, flags != 0
        self.wanted += int(faulty.wanted.sum())
        self.found += int((own & faulty.wanted).sum())
        self.caught += int((anyway & faulty.wanted).sum())
        self.real += int((~faulty.touched).sum())
        self.false += int((own & ~faulty.touched).sum())
        self.bad += int(((flags & 575) != 0)[~faulty.touched].sum())


def judged(series, faulty):
    limit = limits(series.quantity)
    sort = np.zeros(len(faulty.value), int)
    point = PointLimits([limit]).flags(sort, faulty.raw, faulty.value, faulty.value)
    return point | series_flags(faulty.time, faulty.value, point, limit)


def alone(fault, every, seeds, key=lambda s: s.log):
    scores = defaultdict(Score)
    for seed in seeds:
        for number, series in enumerate(every):
            faulty = injection.ALONE[fault](series, np.random.default_rng((seed, number)))
            if faulty is None:
                continue
            flags = judged(series, faulty)
            if fault == "gap":  # real gaps are no false flags
                dt = np.diff(faulty.time, prepend=faulty.time[0])
                faulty.touched |= dt > 5 * np.median(dt)
            scores[key(series)].add(faulty, flags, FLAG[fault])
    return scores


def together(fault, every, seeds, key=lambda s: s.log):
    """One faulty station in each group of ten."""
    groups = defaultdict(list)
    for series in every:
        groups[series.quantity, series.depth].append(series)
    scores = defaultdict(Score)
    for seed in seeds:
        for number, group in enumerate(groups.values()):
            rng = np.random.default_rng((seed, number))
            sick = int(rng.integers(len(group)))
            faulty = [injection.Faulty.of(series) for series in group]
            faulty[sick] = injection.TOGETHER[fault](group[sick], rng)
            limit = limits(group[0].quantity).neighbour
            flags = neighbour_flags([Station(f.time, f.value) for f in faulty], limit)
            for series, one, found in zip(group, faulty, flags, strict=True):
                scores[key(series)].add(one, found, FLAG[fault])
    return scores
