"""Buckets of any width equal a recompute from the readings; thinned lines keep what they must."""

from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from api.series.question import width_of
from models.reading import BAD, Quality, block
from models.store import readings, rollups
from tests.api.conftest import opened
from tests.api.test_paging import read_all
from tests.api.world import YUSHU

START, END = "2026-01-31T15:00:00Z", "2026-04-02T03:30:00Z"


@pytest.fixture(scope="module")
def world(postgres, seed):
    """A stream with readings every 7 to 600 s over two months, a fifth of them flagged."""
    with opened(postgres, seed) as made:
        rng = np.random.default_rng(3)
        stream = made.places[YUSHU].temperature
        begin = int(datetime.fromisoformat("2026-01-20T00:00:00Z").timestamp()) * 1_000_000
        at = begin + np.cumsum(rng.integers(7, 600, 20_000)) * 1_000_000
        at = at[(at < begin + 40 * 86_400_000_000) | (at > begin + 47 * 86_400_000_000)]
        n = len(at)
        flags = rng.choice([0, 0, 0, 0, 1, 4, 64, 256], n)
        value = 12 + np.cumsum(rng.normal(size=n)) / 10
        with made.platform.database.writing() as tx:
            readings.add(tx, block(stream, at, value, quality=flags))
            tx.connection.exec_driver_sql(
                f"INSERT INTO cadence (datastream_id, seconds) VALUES ({stream}, 300)"
            )
        rollups.refresh(made.platform.database)
        yield made


def readings_of(world, **more):
    asked = {"datastream": world.places[YUSHU].temperature, "start": START, "end": END, **more}
    return read_all(world, "/v1/observations", 20_000, **asked)[0]


def recomputed(rows, width, excluded):
    """Buckets as exact arithmetic on the readings has them."""
    grouped = {}
    for row in rows:
        instant = datetime.fromisoformat(row["time"])
        grouped.setdefault(width.begin(instant), []).append(row)
    for start, inside in sorted(grouped.items()):
        bits = [sum(Quality[name] for name in row["quality"]) for row in inside]
        used = [r["value"] for r, b in zip(inside, bits, strict=True) if not b & excluded]
        exact = sum(map(Fraction, map(repr, used)))
        yield {
            "start": start,
            "n": len(inside),
            "n_good": sum(not b & BAD for b in bits),
            "mean": float(exact / len(used)) if used else None,
            "min": min(used, default=None),
            "max": max(used, default=None),
            "last": used[-1] if used else None,
            "sum": float(exact) if used else None,
            "count": len(used),
        }


@pytest.mark.parametrize("bucket", ["10min", "PT45M", "hour", "90min", "6h", "day", "10d", "month"])
@pytest.mark.parametrize("quality", [None, "all", "STUCK"])
def test_buckets_equal_a_recompute(world, bucket, quality):
    width = width_of(bucket)
    excluded = {None: int(BAD), "all": 0, "STUCK": 4}[quality]
    more = {} if quality is None else {"quality": quality}
    said = readings_of(world, bucket=bucket, aggregation="mean,min,max,last,sum,count", **more)
    first = width.first(datetime.fromisoformat(START))
    end = width.first(datetime.fromisoformat(END))
    within = {"start": first.isoformat(), "end": end.isoformat()}
    expected = list(recomputed(readings_of(world, **within), width, excluded))
    assert len(said) == len(expected) > 0
    for ours, theirs in zip(said, expected, strict=True):
        assert datetime.fromisoformat(ours["start"]) == theirs["start"]
        for name in ("n", "n_good", "min", "max", "last", "count"):
            assert ours[name] == theirs[name], name
        for name in ("mean", "sum"):
            # the store adds decimals of 15 digits, so that the order of rows does not matter
            assert (ours[name] is None) == (theirs[name] is None), name
            if ours[name] is not None:
                assert ours[name] == pytest.approx(theirs[name], rel=5e-15, abs=0), name
        assert 0 <= ours["coverage"] <= 100
    assert any(row["n_good"] < row["n"] for row in said)


@pytest.mark.parametrize("quality", [{}, {"quality": "good"}])
def test_rolled_up_and_recomputed_aggregates_are_the_same(world, quality):
    # the same width spelled so that the rollups serve it, or the readings must
    for short, long in (("hour", "PT60M"), ("day", "24h"), ("month", "P1M")):
        assert readings_of(world, bucket=short, **quality) == readings_of(
            world, bucket=long, **quality
        )
    by_rollup = readings_of(world, bucket="day")
    by_reading = readings_of(world, bucket="day", quality="good")
    for a, b in zip(by_rollup, by_reading, strict=True):
        same = ("start", "n", "n_good", "mean", "min", "max", "last")
        assert [a[k] for k in same] == [b[k] for k in same]


@pytest.mark.parametrize("bucket", ["10min", "6h", "10d", "month"])
@pytest.mark.parametrize("limit", [3, 100])
def test_buckets_of_any_width_page_without_a_seam(world, bucket, limit):
    place = world.places[YUSHU]
    asked = {
        "datastream": [place.temperature, place.moisture],
        "bucket": bucket,
        "start": "2026-03-25" if bucket == "10min" else "2026-01-01",
        "end": "2026-03-28" if bucket == "10min" else "2026-05-01",
    }
    whole, _ = read_all(world, "/v1/observations", 20_000, **asked)
    assert {row["datastream"] for row in whole} == {place.temperature, place.moisture}
    if len(whole) > 50 * limit:
        return
    assert read_all(world, "/v1/observations", limit, **asked)[0] == whole


def test_coverage_counts_what_the_cadence_promises(world):
    days = readings_of(world, bucket="day")
    full = [d["coverage"] for d in days if d["n"] > 200]
    assert full
    assert all(50 < share <= 100 for share in full)
    # seven days of silence are no buckets at all
    starts = [datetime.fromisoformat(d["start"]) for d in days]
    assert max(b - a for a, b in pairwise(starts)) >= timedelta(days=7)
    # without a cadence there is none, however wide the bucket
    for bucket in ("10min", "hour", "6h", "day", "10d", "month"):
        asked = {"datastream": world.places[YUSHU].moisture, "bucket": bucket}
        items = world.get("/v1/observations", params=asked | {"start": "2026-01-01"}).json()[
            "items"
        ]
        assert {d["coverage"] for d in items} == {None}, bucket


@pytest.mark.parametrize("method", ["lttb", "minmax"])
@pytest.mark.parametrize("points", [8, 100, 2000])
def test_thinned_lines_keep_extremes_ends_and_flags(world, method, points):
    whole = readings_of(world)
    thin = readings_of(world, points=points, method=method)
    assert len(thin) <= points
    assert thin[0] == whole[0]
    assert thin[-1] == whole[-1]
    by_time = {row["time"]: row for row in whole}
    assert all(by_time[row["time"]] == row for row in thin)

    def good(rows):
        return [r["value"] for r in rows if not {"RANGE", "STUCK"} & set(r["quality"])]

    assert min(good(thin)) == min(good(whole))
    assert max(good(thin)) == max(good(whole))
    assert any(row["quality"] for row in thin)
    clean = readings_of(world, points=points, method=method, quality="good")
    assert len(good(clean)) == len(clean) <= points


def test_a_short_line_is_not_thinned(world):
    asked = {"start": "2026-04-01", "end": "2026-04-02"}
    assert readings_of(world, **asked, points=2000) == readings_of(world, **asked)


def test_each_line_has_its_own_points(world):
    place = world.places[YUSHU]
    got = world.get(
        "/v1/observations",
        params={"datastream": [place.temperature, place.moisture], "points": 50,
                "start": "2026-01-01"},
    ).json()  # fmt: skip
    counted = [row["datastream"] for row in got["items"]]
    assert counted.count(place.temperature) <= 50
    assert counted.count(place.moisture) <= 50
    assert len(counted) > 60
    assert got["next"] is None
