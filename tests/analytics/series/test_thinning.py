"""Thinning: what must survive survives, and the triangles are those of the paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.series.thinning import FEWEST, largest_triangles, thinned
from models.reading import BAD, Quality

METHODS = ("lttb", "minmax")


def reference(x, y, n_out):
    """Steinarsson's loop, as in his thesis and in sveinn-steinarsson/flot-downsample."""
    n = len(x)
    every = (n - 2) / (n_out - 2)
    chosen, a = [0], 0
    for i in range(n_out - 2):
        begin, end = int((i + 1) * every) + 1, min(int((i + 2) * every) + 1, n)
        mean_x = sum(x[begin:end]) / (end - begin)
        mean_y = sum(y[begin:end]) / (end - begin)
        best, at = -1.0, 0
        for j in range(int(i * every) + 1, int((i + 1) * every) + 1):
            area = abs((x[a] - mean_x) * (y[j] - y[a]) - (x[a] - x[j]) * (mean_y - y[a])) * 0.5
            if area > best:
                best, at = area, j
        chosen.append(at)
        a = at
    return [*chosen, n - 1]


def noisy(n, seed=1):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.integers(1, 1_200_000_000, n))
    return time, np.cumsum(rng.normal(size=n)), np.zeros(n, np.int16)


@pytest.mark.parametrize(("n", "points"), [(1000, 50), (997, 3), (100, 99), (5000, 777)])
def test_the_triangles_are_those_of_the_paper(n, points):
    time, value, _ = noisy(n)
    x = ((time - time[0]) / 1e6).tolist()
    assert largest_triangles(time, value, points).tolist() == reference(x, value.tolist(), points)


@pytest.mark.parametrize("method", METHODS)
@given(
    n=st.integers(1, 3000),
    points=st.integers(FEWEST, 2000),
    share=st.sampled_from([0, 0.01, 0.5, 1]),
    seed=st.integers(0, 9),
)
def test_what_must_survive_survives(method, n, points, share, seed):
    time, value, quality = noisy(n, seed)
    rng = np.random.default_rng(seed)
    quality[rng.random(n) < share] = Quality.SPIKE
    value = np.where(quality != 0, 1e6, value)  # a fault is no extreme
    kept = thinned(time, value, quality, points, method)
    assert len(kept) <= max(points, 0)
    assert len(kept) == min(n, points) or n > points
    assert (np.diff(kept) > 0).all()
    assert {0, n - 1} <= set(kept.tolist())
    good = value[quality & BAD == 0]
    if len(good):
        assert {good.min(), good.max()} <= set(value[kept].tolist())
    assert (quality != 0).any() == (quality[kept] != 0).any()


def test_each_stretch_keeps_its_own_extremes():
    # a flat year with one peak an hour wide in each month: all twelve must still be seen
    hours = 24 * 365
    time = np.arange(hours) * 3_600_000_000
    value = np.full(hours, 20.0)
    peaks = np.arange(12) * 730 + 100
    value[peaks] = 35.0 + np.arange(12)
    for method in METHODS:
        kept = thinned(time, value, np.zeros(hours, np.int16), 200, method)
        assert set(peaks.tolist()) <= set(kept.tolist())


def test_a_fault_and_a_gap_are_still_to_be_seen():
    time, value, quality = noisy(10_000)
    quality[5000], quality[7500] = Quality.STUCK, Quality.GAP
    for method in METHODS:
        kept = set(thinned(time, value, quality, 100, method).tolist())
        assert {5000, 7500} <= kept


def test_a_long_silence_takes_no_points():
    # 5,000 readings in a day, then one a year later: stretches without readings stay empty
    time = np.append(np.arange(5000) * 17_280_000, 365 * 86_400_000_000)
    value = np.append(np.sin(np.arange(5000) / 50), 0.0)
    kept = thinned(time, value, np.zeros(5001, np.int16), 500, "lttb")
    assert len(kept) > 240
    assert kept[-1] == 5000
