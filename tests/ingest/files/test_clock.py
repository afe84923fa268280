"""Wall clocks to instants, held against the standard library."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ingest.files.clock import Twice, zone

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
SECOND = 1_000_000


def micros(naive):
    return round((naive - EPOCH).total_seconds()) * SECOND


@pytest.mark.parametrize(
    "name", ["Asia/Shanghai", "America/Los_Angeles", "Australia/Lord_Howe", "Africa/Casablanca"]
)
def test_every_hour_of_many_years_as_the_standard_library_reads_it(name):
    info = ZoneInfo(name)
    years = [EPOCH.replace(year=year) for year in (1987, 2024, 2025)]
    walls = [year + timedelta(minutes=30 * k) for year in years for k in range(17_520)]
    early, late, skipped = zone(name).read(np.array([micros(wall) for wall in walls]))
    for i, wall in enumerate(walls):
        first, second = (wall.replace(tzinfo=info, fold=f).astimezone(UTC) for f in (0, 1))
        there = first.astimezone(info).replace(tzinfo=None) == wall
        assert skipped[i] == (not there), wall
        if there:
            assert early[i] == micros(first.replace(tzinfo=None)), wall
            assert late[i] == micros(second.replace(tzinfo=None)), wall
        else:  # fold 0: by the offset of before
            assert late[i] == micros(first.replace(tzinfo=None)), wall


def test_the_second_pass_of_an_hour_is_told_by_the_order_of_rows():
    shown = [EPOCH.replace(2025, 11, 2, 1, m) for m in (0, 20, 40, 0, 20, 50)]
    walls = np.array([micros(wall) for wall in shown])
    twice = Twice()
    assert twice.later(["a"] * 3, walls[:3]).tolist() == [False] * 3
    resumed = Twice({name: list(seen) for name, seen in twice.seen.items()})
    assert resumed.later(["a"] * 3, walls[3:]).tolist() == [True] * 3
    # another series, and the same hour a year later, begin anew
    assert resumed.later(["b"], walls[:1]).tolist() == [False]
    assert resumed.later(["a"], walls[:1] + 364 * 86_400 * SECOND).tolist() == [False]
