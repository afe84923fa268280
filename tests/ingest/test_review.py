from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.quality.limits import limits
from analytics.quality.series import series_flags
from ingest import review
from models import reading
from models.device import NewStream
from models.reading import Quality
from models.store import devices, readings, rollups
from models.store import review as queues
from tests.models.store import seeds

START = datetime(2026, 5, 1, tzinfo=UTC)
START_US = int(START.timestamp()) * 1_000_000
HOUR_US = 3_600_000_000
STREAMS = [
    NewStream("t", "soil_temperature", "Cel", 30),
    NewStream("m", "soil_moisture", "m3/m3", 30),
    NewStream("p", "water_ph", "[pH]"),
]


@pytest.fixture
def streams(province):
    with province.writing() as tx:
        farm = seeds.plant_farm(tx)
        planted = [seeds.plant_device(tx, farm, f"d{i}", streams=STREAMS) for i in range(4)]
        return {
            (number, stream.channel): stream.id
            for number, device in enumerate(planted)
            for stream in _streams(tx, device)
        }


def _streams(tx, device):
    return devices.datastreams(tx, device_ids=[device.id])


def hourly(n, seed=0, step_us=HOUR_US):
    rng = np.random.default_rng(seed)
    times = START_US + np.arange(n) * step_us
    course = 15 + 3 * np.sin(np.arange(n) * 2 * np.pi / 24) + rng.normal(0, 0.05, n)
    return times, np.round(course, 2)


def store(database, stream, times, values, quality=0):
    with database.writing() as tx:
        readings.add(tx, reading.block(stream, times, values, quality=quality))


def stored(database, stream):
    with database.reading() as tx:
        return readings.window(
            tx, [stream], datetime(2001, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        )


def flags(database, stream):
    return stored(database, stream)["quality"]


def test_spike_step_stuck_and_gap_are_flagged_after_they_were_stored(province, streams):
    times, values = hourly(400)
    values[50] += 9
    values[100:112] += 8
    values[200:260] = values[200]
    keep = np.ones(400, bool)
    keep[300:330] = False
    store(province, streams[0, "t"], times[keep], values[keep])
    assert review.catch_up(province) > 0
    found = flags(province, streams[0, "t"])
    at = np.cumsum(keep) - 1
    assert found[at[50]] & Quality.SPIKE
    assert all(found[at[100:112]] & Quality.STEP)
    assert all(found[at[200:260]] & Quality.STUCK)
    assert found[at[330]] == Quality.GAP
    assert (found != 0).sum() <= 1 + 12 + 60 + 1 + 1


def test_what_came_one_by_one_backwards_or_in_pieces_bears_the_same_flags(province, streams):
    times, values = hourly(300, seed=3)
    values[40] += 6
    values[90:101] -= 7
    values[150:215] = values[150]
    quality = np.zeros(300, np.int16)
    values[250], quality[250] = 90, Quality.RANGE
    orders = {
        (0, "t"): [np.arange(300)],
        (1, "t"): [np.array([i]) for i in range(300)],
        (2, "t"): np.array_split(np.random.default_rng(5).permutation(300), 23),
        (3, "t"): [np.arange(200, 300), np.arange(0, 155), np.arange(155, 200)],
    }
    for key, parts in orders.items():
        for number, part in enumerate(parts):
            store(province, streams[key], times[part], values[part], quality[part])
            if number % 20 == 19 or len(parts) < 30:
                review.catch_up(province)
    review.catch_up(province)
    rollups.refresh(province)
    expected = flags(province, streams[0, "t"])
    assert (expected & Quality.STUCK).any()
    assert (expected & Quality.STEP).any()
    buckets = []
    for key in orders:
        assert flags(province, streams[key]).tolist() == expected.tolist(), key
        with province.reading() as tx:
            end = START + timedelta(days=20)
            buckets.append(readings.bucket_rows(tx, streams[key], START, end, "hour"))
    assert all(found == buckets[0] for found in buckets)
    assert any(row[1] != row[2] for row in buckets[0])


def test_the_flags_of_the_store_are_those_of_the_whole_series_at_once(province, streams):
    rng = np.random.default_rng(11)
    n = 1200
    times = START_US + np.cumsum(rng.integers(1, 9, n)) * HOUR_US // 4
    values = np.round(np.cumsum(rng.normal(0, 0.3, n)), 1)
    faults = rng.integers(0, n, 40)
    values[faults] += rng.choice([-6, 6], 40)
    for at in rng.integers(0, n - 40, 6):
        values[at : at + rng.integers(5, 40)] = values[at]
    expected = series_flags(times, values, np.zeros(n, np.int16), limits("soil_temperature"))
    for part in np.array_split(rng.permutation(n), 30):
        store(province, streams[0, "t"], times[part], values[part])
        review.catch_up(province)
    assert flags(province, streams[0, "t"]).tolist() == expected.tolist()


def test_a_late_value_of_years_ago_is_reviewed_among_its_own(province, streams):
    times, values = hourly(100)
    long_ago = times - 3 * 365 * 24 * HOUR_US
    values[50] += 9
    keep = np.arange(100) != 50
    store(province, streams[0, "t"], long_ago[keep], values[keep])
    store(province, streams[0, "t"], times[:10], values[:10])
    review.catch_up(province)
    assert (
        not flags(province, streams[0, "t"]).any()
        or flags(province, streams[0, "t"])[99] == Quality.GAP
    )
    store(province, streams[0, "t"], [long_ago[50], times[10]], [values[50], values[10]])
    review.catch_up(province)
    found = stored(province, streams[0, "t"])
    assert found["quality"][50] & Quality.SPIKE


def test_a_station_that_leaves_the_others_is_flagged_and_its_return_is_not(province, streams):
    days = START_US + np.arange(90) * 24 * HOUR_US
    rng = np.random.default_rng(2)
    course = 10 + np.cumsum(rng.normal(0, 0.3, 90))
    for number in range(4):
        values = course + number * 0.4 + rng.normal(0, 0.1, 90)
        if number == 2:
            values[60:75] += 4
        store(province, streams[number, "t"], days, values)
    review.catch_up(province)
    found = flags(province, streams[2, "t"]) & Quality.NEIGHBOUR != 0
    assert np.flatnonzero(found).tolist() == list(range(60, 75))
    for number in (0, 1, 3):
        assert not (flags(province, streams[number, "t"]) & Quality.NEIGHBOUR).any()


def test_neighbours_that_come_late_change_what_was_said_before(province, streams):
    days = START_US + np.arange(90) * 24 * HOUR_US
    course = 10 + np.cumsum(np.random.default_rng(2).normal(0, 0.3, 90))
    wrong = course.copy()
    wrong[60:75] += 4
    store(province, streams[2, "t"], days, wrong)
    review.catch_up(province)
    assert not (flags(province, streams[2, "t"]) & Quality.NEIGHBOUR).any()
    for number in (0, 1, 3):
        store(province, streams[number, "t"], days[::-1], course[::-1])
        review.catch_up(province)
    assert (flags(province, streams[2, "t"])[60:75] & Quality.NEIGHBOUR).all()


def test_what_was_interrupted_is_done_again(province, streams, monkeypatch):
    times, values = hourly(100)
    values[50] += 9
    store(province, streams[0, "t"], times, values)
    with monkeypatch.context() as patch:
        patch.setattr(queues, "done", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            review.Reviewer(province).turn()
    assert not flags(province, streams[0, "t"]).any()
    reviewer = review.Reviewer(province)
    assert reviewer.turn() == 1
    assert reviewer.waiting == 0
    assert flags(province, streams[0, "t"])[50] == Quality.SPIKE


def test_a_second_reviewer_waits_its_turn(province, streams):
    store(province, streams[0, "t"], *hourly(10))
    with province.writing() as tx:
        assert queues.alone(tx)
        reviewer = review.Reviewer(province)
        assert reviewer.turn() == 0
        assert reviewer.waiting == 1
        assert reviewer.lag_s >= 0
    review.catch_up(province)
    reviewer.turn()
    assert reviewer.waiting == 0


def test_spans_of_years_are_not_joined():
    rows = reading.block(1, [0, 7 * HOUR_US, 30 * HOUR_US, 9000 * HOUR_US], 1.0)
    spans = queues.spans_of(rows)
    assert spans["n"].tolist() == [2, 1, 1]
    assert review.merged(spans)["n"].tolist() == [3, 1]
