from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ingest.mqtt.wire import micros
from models import reading
from models.calendar import DAY, HOUR, SHANGHAI, day_start
from models.reading import Quality
from models.store import devices, ledger, readings, rollups
from tests.models.store.seeds import block, plant_device, plant_farm

NOON = datetime(2026, 5, 1, 4, tzinfo=UTC)
STORED, DUPLICATE, REVISED = readings.STORED, readings.DUPLICATE, readings.REVISED


@pytest.fixture
def streams(province):
    with province.writing() as tx:
        device = plant_device(tx, plant_farm(tx))
        return [s.id for s in devices.datastreams(tx, device_ids=[device.id])]


def add(database, rows):
    with database.writing() as tx:
        return readings.add(tx, block(rows)).tolist()


def everything(database, streams):
    with database.reading() as tx:
        rows = readings.series(
            tx, streams, datetime(2000, 1, 1, tzinfo=UTC), NOON + 900 * DAY, limit=100_000
        )
    return [tuple(row) for row in rows]


def test_a_reading_is_stored_once(province, streams):
    row = (streams[0], NOON, 11.5)
    assert add(province, [row]) == [STORED]
    assert add(province, [row]) == [DUPLICATE]
    assert everything(province, streams) == [(streams[0], NOON, 11.5, 0, 0)]


def kept_revisions(database, stream):
    with database.reading() as tx:
        rows = readings.revisions(tx, stream, NOON, NOON + HOUR)
    return [(row.value, row.source) for row in rows]


def test_another_value_of_an_instant_replaces_it_and_the_first_is_kept(province, streams):
    first, other = (streams[0], NOON, 11.5), (streams[0], NOON, 12.0)
    assert add(province, [first, (streams[1], NOON, 0.3)]) == [STORED, STORED]
    assert add(province, [other]) == [REVISED]
    assert everything(province, streams)[0] == (streams[0], NOON, 12.0, Quality.REVISED, 0)
    assert kept_revisions(province, streams[0]) == [(11.5, "mqtt")]


def test_an_old_message_that_comes_again_does_not_undo_its_correction(province, streams):
    first, other = (streams[0], NOON, 11.5), (streams[0], NOON, 12.0)
    assert add(province, [first]) == [STORED]
    assert add(province, [other]) == [REVISED]
    assert add(province, [first, other]) == [DUPLICATE, DUPLICATE]
    assert everything(province, streams)[0][2] == 12.0


def test_a_batch_may_hold_a_key_with_several_values(province, streams):
    rows = [(streams[0], NOON, value) for value in (11.5, 12.0, 11.5, 13.0, 12.0)]
    assert add(province, rows) == [STORED, REVISED, DUPLICATE, REVISED, DUPLICATE]
    assert everything(province, streams)[0][2] == 13.0
    assert kept_revisions(province, streams[0]) == [(11.5, "mqtt"), (12.0, "mqtt")]


def test_a_revision_reaches_newest_value_rollups_and_account(province, streams):
    add(province, [(streams[0], NOON, 11.5)])
    rollups.refresh(province)
    add(province, [(streams[0], NOON, 12.0)])
    rollups.refresh(province)
    with province.reading() as tx:
        (newest,) = readings.latest(tx, prefix="22")
        (hour,) = readings.buckets(tx, streams[0], NOON, NOON + HOUR, "hour")
        stored = ledger.reconciliation(tx).stored_rows
    assert (newest.value, newest.quality) == (12.0, Quality.REVISED)
    assert (hour.n, hour.mean, hour.last) == (1, 12.0, 12.0)
    assert stored == 2


def test_a_sequence_tells_two_readings_of_one_instant_apart(province, streams):
    made = block([(streams[0], NOON, 11.5), (streams[0], NOON, 12.0), (streams[0], NOON, 11.5)])
    made["seq"] = [1, 2, 1]
    with province.writing() as tx:
        assert readings.add(tx, made).tolist() == [STORED, STORED, DUPLICATE]
    assert [(row[2], row[4]) for row in everything(province, streams)] == [(11.5, 1), (12.0, 2)]
    with province.reading() as tx:
        (newest,) = readings.latest(tx, prefix="22")
    assert newest.value == 12.0


def test_what_was_sent_and_when_it_came_are_kept(province, streams):
    came = micros(NOON + timedelta(seconds=3))
    made = reading.block(
        streams[1], micros(NOON), 0.231, raw=23.1, received=came, unit="%", quality=Quality.CLOCK
    )
    with province.writing() as tx:
        readings.add(tx, made)
    with province.reading() as tx:
        assert readings.window(tx, streams, NOON, NOON + HOUR).tolist() == made.tolist()


def test_flags_that_depend_on_neighbours_are_set_and_taken_away(province, streams):
    add(province, [(streams[0], NOON + k * HOUR, float(k), Quality.CLOCK) for k in range(3)])

    def reflag(flags):
        ids, times = np.full(3, streams[0]), micros(NOON) + 3_600_000_000 * np.arange(3)
        with province.writing() as tx:
            return readings.reflag(tx, ids, times, np.zeros(3, int), np.array(flags))

    assert reflag([0, Quality.SPIKE, Quality.STUCK]) == 2
    assert [row[3] for row in everything(province, streams)] == [64, 64 | 8, 64 | 4]
    with province.reading() as tx:
        assert readings.latest(tx, prefix="22")[0].quality == Quality.CLOCK | Quality.STUCK
    rollups.refresh(province)
    with province.reading() as tx:
        hours = readings.buckets(tx, streams[0], NOON, NOON + 3 * HOUR, "hour")
    assert [(h.n, h.n_good) for h in hours] == [(1, 1), (1, 0), (1, 0)]
    assert reflag([0, 0, Quality.STUCK]) == 1


def test_microseconds_and_bits_of_the_value_survive(province, streams):
    at, value = NOON + timedelta(microseconds=123457), 0.1 + 0.2
    add(province, [(streams[0], at, value)])
    assert everything(province, streams) == [(streams[0], at, value, 0, 0)]


def test_readings_of_many_years_find_their_partitions(province, streams):
    times = [datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=331 * k) for k in range(30)]
    assert add(province, [(streams[0], t, 1.0) for t in times]) == [STORED] * 30
    assert [row[1] for row in everything(province, streams)] == times


def test_a_rolled_back_partition_is_made_again(province, streams):
    class StopError(Exception):
        pass

    def write_and_fail():
        with province.writing() as tx:
            readings.add(tx, block([(streams[0], NOON, 1.0)]))
            raise StopError

    with pytest.raises(StopError):
        write_and_fail()
    assert add(province, [(streams[0], NOON, 1.0)]) == [STORED]


def test_latest_follows_phenomenon_time_not_arrival(province, streams):
    add(province, [(streams[0], NOON, 11.5, Quality.RANGE)])
    add(province, [(streams[0], NOON - HOUR, 9.0)])
    with province.reading() as tx:
        (row,) = readings.latest(tx, prefix="22")
    assert (row.time, row.value, row.quality) == (NOON, 11.5, Quality.RANGE)
    with province.reading() as tx:
        assert readings.latest(tx, prefix="2202") == []


def test_series_pages_without_gap_or_repeat(province, streams):
    add(province, [(s, NOON + k * HOUR, float(k)) for s in streams for k in range(7)])
    pages, after = [], None
    while True:
        with province.reading() as tx:
            page = readings.series(tx, streams, NOON, NOON + DAY, limit=3, after=after)
        pages += [tuple(row) for row in page]
        if len(page) < 3:
            break
        after = (page[-1].datastream_id, page[-1].time, page[-1].seq)
    assert pages == everything(province, streams)


def test_a_day_is_a_shanghai_day(province, streams):
    midnight = day_start(datetime(2026, 5, 2, tzinfo=SHANGHAI).date())
    add(
        province,
        [
            (streams[0], midnight - timedelta(seconds=1), 5.0),
            (streams[0], midnight, 7.0),
            (streams[0], midnight + DAY - timedelta(seconds=1), 9.0),
        ],
    )
    rollups.refresh(province)
    with province.reading() as tx:
        days = readings.buckets(tx, streams[0], midnight - DAY, midnight + 2 * DAY, "day")
    assert [(d.start, d.n, d.mean) for d in days] == [
        (midnight - DAY, 1, 5.0),
        (midnight, 2, 8.0),
    ]


def test_flagged_values_are_counted_but_not_averaged(province, streams):
    rows = [(0, 1.0, 0), (1, 3.0, Quality.CLOCK), (2, 900.0, Quality.RANGE)]
    add(province, [(streams[0], NOON + timedelta(minutes=m), v, q) for m, v, q in rows])
    rollups.refresh(province)
    with province.reading() as tx:
        (hour,) = readings.buckets(tx, streams[0], NOON, NOON + HOUR, "hour")
    assert (hour.n, hour.n_good, hour.mean, hour.min, hour.max) == (3, 2, 2.0, 1.0, 3.0)


def test_late_data_reach_the_rollups_long_after(province, streams):
    old = NOON - 900 * DAY
    add(province, [(streams[0], NOON, 10.0), (streams[0], old, 1.0)])
    rollups.refresh(province)
    add(province, [(streams[0], old + timedelta(minutes=5), 2.0)])
    rollups.refresh(province)
    with province.reading() as tx:
        (hour,) = readings.buckets(tx, streams[0], old, old + HOUR, "hour")
        (day,) = readings.buckets(tx, streams[0], old - DAY, old + HOUR, "day")
    assert (hour.n, hour.mean, day.n, day.mean) == (2, 1.5, 2, 1.5)


def aggregates(database, streams):
    rollups.refresh(database)
    with database.reading() as tx:
        return [
            readings.buckets(tx, s, NOON - 400 * DAY, NOON + 400 * DAY, width)
            for s in streams
            for width in ("hour", "day")
        ]


def test_any_order_of_input_gives_the_same_bits(province, streams):
    """Floating-point sums depend on order; 0.1-like values over 3 days would show it."""
    rng = np.random.default_rng(7)
    rows = [
        (s, NOON + timedelta(minutes=7 * k), float(rng.normal(0.1, 1e3)), int(k % 11 == 0))
        for s in streams
        for k in range(600)
    ]
    add(province, rows)
    ordered = aggregates(province, streams)
    assert sum(len(b) for b in ordered) > 100
    shift = timedelta(days=364)
    later = [(s, t - shift, v, q) for s, t, v, q in rows]
    shuffled = [later[i] for i in rng.permutation(len(later))]
    for part in np.array_split(np.arange(len(shuffled)), 9):
        chosen = [shuffled[i] for i in part]
        add(province, chosen + chosen[:20])
        rollups.refresh(province)
    add(province, shuffled[:300])
    moved = [
        [b for b in series if b.start < NOON - 100 * DAY]
        for series in aggregates(province, streams)
    ]
    plain = [[(b.n, b.n_good, b.mean, b.min, b.max) for b in series] for series in ordered]
    assert [[(b.n, b.n_good, b.mean, b.min, b.max) for b in s] for s in moved] == plain
