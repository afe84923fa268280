from datetime import UTC, datetime, timedelta

import pytest

from models.calendar import DAY, HOUR
from models.errors import Invalid
from models.reading import LedgerEntry
from models.store import devices, ledger, readings, retention, rollups
from tests.models.store.seeds import block, plant_device, plant_farm

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)
OLD = NOW - 1400 * DAY


@pytest.fixture
def stream(province):
    with province.writing() as tx:
        device = plant_device(tx, plant_farm(tx))
        return devices.datastreams(tx, device_ids=[device.id])[0].id


def put(database, stream, times):
    rows = block([(stream, at, float(i)) for i, at in enumerate(times)])
    with database.writing() as tx:
        n = int((readings.add(tx, rows) == readings.STORED).sum())
        ledger.record(tx, [LedgerEntry("dev-1", NOW.date(), received=n, stored=n)])
    rollups.refresh(database)


def plan_of(database, kind):
    with database.reading() as tx:
        return next(e for e in retention.plan(tx, NOW) if e.kind == kind)


def keep(database, kind, days):
    with database.writing() as tx:
        retention.keep(tx, kind, days)


def test_nothing_goes_by_default(province, stream):
    put(province, stream, [OLD, NOW])
    assert plan_of(province, "reading").n == 0


def test_whole_weeks_go_with_an_account_and_the_aggregates_stay(province, stream):
    put(province, stream, [OLD + k * HOUR for k in range(5)] + [NOW - DAY, NOW])
    keep(province, "reading", 1200)
    plan = plan_of(province, "reading")
    assert (plan.n, plan.first, plan.last) == (5, OLD, OLD + 4 * HOUR)
    assert retention.expire(province, plan) == 5
    with province.reading() as tx:
        left = readings.window(tx, [stream], OLD, NOW + DAY)
        hours = readings.buckets(tx, stream, OLD, OLD + DAY, "hour")
        held = ledger.reconciliation(tx)
    assert len(left) == 2
    assert len(hours) == 5
    assert held.agrees, held


def test_a_late_reading_of_a_removed_week_is_stored_and_does_not_spoil_its_aggregates(
    province, stream
):
    put(province, stream, [OLD + timedelta(minutes=k) for k in range(5)])
    keep(province, "reading", 1200)
    retention.expire(province, plan_of(province, "reading"))
    put_again = block([(stream, OLD + timedelta(minutes=30), 99.0)])
    for attempt in range(2):  # the first meets a week that is believed to be there
        try:
            with province.writing() as tx:
                readings.add(tx, put_again)
            break
        except Exception:
            assert attempt == 0
    rollups.refresh(province)
    with province.reading() as tx:
        assert len(readings.window(tx, [stream], OLD, OLD + DAY)) == 1
        (hour,) = readings.buckets(tx, stream, OLD, OLD + HOUR, "hour")
    assert (hour.n, hour.max) == (5, 4.0)


def test_what_came_after_the_plan_is_not_removed_unseen(province, stream):
    put(province, stream, [OLD])
    keep(province, "reading", 1200)
    plan = plan_of(province, "reading")
    put(province, stream, [OLD + HOUR])
    with pytest.raises(Invalid, match="after the plan"):
        retention.expire(province, plan)


def test_readings_are_kept_as_long_as_they_may_be_late(province):
    with pytest.raises(Invalid, match="1096 days"):
        keep(province, "reading", 365)
    with pytest.raises(Invalid, match="none of"):
        keep(province, "photo", 365)
