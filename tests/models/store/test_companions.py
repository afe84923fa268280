from datetime import UTC, datetime, timedelta

import pytest

from ingest import recalibration
from ingest.claiming import claim
from ingest.mqtt.wire import micros
from models import reading
from models.calendar import DAY, HOUR
from models.errors import Conflict, Invalid
from models.reading import Quality
from models.store import (
    announcements,
    cadences,
    calibrations,
    devices,
    ledger,
    presence,
    readings,
    rollups,
    unclaimed,
    uplinks,
)
from models.store.presence import Presence
from models.store.unclaimed import Value
from models.store.uplinks import Frame
from tests.models.store.seeds import block, plant_device, plant_farm

NOON = datetime(2026, 5, 1, 4, tzinfo=UTC)


@pytest.fixture
def probe(province):
    with province.writing() as tx:
        return plant_device(tx, plant_farm(tx))


@pytest.fixture
def moisture(province, probe):
    with province.reading() as tx:
        return devices.datastreams(tx, device_ids=[probe.id])[1].id


def first_times(database, *frames):
    with database.writing() as tx:
        return uplinks.first_times(tx, frames)


def test_a_copy_of_a_frame_has_the_time_of_the_first(province, probe):
    first = Frame(probe.id, "01ab", 7, micros(NOON), micros(NOON))
    copy = first._replace(time=first.time + 1_500_000)
    assert first_times(province, first, copy) == [first.time, first.time]
    assert first_times(province, copy) == [first.time]


def test_after_a_new_join_the_counter_begins_anew(province, probe):
    first = Frame(probe.id, "01ab", 7, micros(NOON), micros(NOON))
    joined = first._replace(session="01cd", time=first.time + 30_000_000)
    restarted = first._replace(time=first.time + 3_600_000_000)
    assert first_times(province, first, joined, restarted) == [
        f.time for f in (first, joined, restarted)
    ]
    assert first_times(province, restarted) == [restarted.time]


def put_moisture(database, stream, percents):
    times = [micros(NOON + k * HOUR) for k in range(len(percents))]
    made = reading.block(
        [stream] * len(times), times, [p / 100 for p in percents], raw=percents, unit="%"
    )
    with database.writing() as tx:
        readings.add(tx, made)


def values(database, stream):
    with database.reading() as tx:
        rows = readings.window(tx, [stream], NOON - DAY, NOON + DAY)
    return rows["value"].round(6).tolist(), rows["raw"].tolist(), rows["quality"].tolist()


def test_a_calibration_derives_the_old_values_again_and_leaves_what_was_sent(province, moisture):
    put_moisture(province, moisture, [20.0, 30.0, 40.0, 65.0])
    with province.writing() as tx:
        calibrations.put(
            tx, datastream_id=moisture, since=NOON + HOUR, gain=1.1, bias=0.01, by="zhang"
        )
    assert recalibration.catch_up(province) == 3
    got, raw, flags = values(province, moisture)
    assert got == [0.2, 0.34, 0.45, 0.725]
    assert raw == [20.0, 30.0, 40.0, 65.0]
    assert flags == [0, 0, 0, Quality.RANGE]  # 0.725 m3/m3 is more than soil can hold
    rollups.refresh(province)
    with province.reading() as tx:
        newest = next(r for r in readings.latest(tx, prefix="22") if r.datastream_id == moisture)
        hours = readings.buckets(tx, moisture, NOON, NOON + DAY, "hour")
    assert newest.value == pytest.approx(0.725)
    assert [h.n_good for h in hours] == [1, 1, 1, 0]
    assert recalibration.catch_up(province) == 0


def test_a_swapped_probe_ends_the_calibration_before(province, moisture):
    put_moisture(province, moisture, [20.0, 20.0, 20.0])
    with province.writing() as tx:
        calibrations.put(tx, datastream_id=moisture, since=NOON, gain=2, by="zhang")
        calibrations.put(tx, datastream_id=moisture, since=NOON + 2 * HOUR, bias=0.01, by="zhang")
    recalibration.catch_up(province)
    assert values(province, moisture)[0] == [0.4, 0.4, 0.21]


def test_calibrations_that_cannot_be_are_refused(province, moisture):
    def put(**given):
        with province.writing() as tx:
            calibrations.put(tx, datastream_id=moisture, by="zhang", **given)

    put(since=NOON, until=NOON + DAY, gain=1.5)
    with pytest.raises(Conflict):
        put(since=NOON - DAY, gain=1.5)
    with pytest.raises(Invalid, match="gain of 0"):
        put(since=NOON + 2 * DAY, gain=0)
    with pytest.raises(Invalid, match="end after"):
        put(since=NOON, until=NOON)


def test_unclaimed_values_are_reported_once_and_stored_when_the_key_gets_a_datastream(
    province, probe
):
    came = micros(NOON + DAY)
    sent = [Value(probe.id, "ec", micros(NOON + k * HOUR), str(100 + k), came) for k in range(3)]
    with province.writing() as tx:
        unclaimed.keep(tx, [*sent, sent[0]])
    with province.reading() as tx:
        (seen,) = unclaimed.channels(tx, probe.id)
    assert (seen.channel, seen.first, seen.n, seen.example) == ("ec", NOON, 3, "102")
    assert claim(province, probe.id) == 0
    with province.writing() as tx:
        tx.run(
            "devices",
            "add_stream",
            device_id=probe.id,
            channel="ec",
            quantity="soil_ec",
            unit="uS/cm",
            depth_cm=10,
        )
        tx.run("devices", "changed")
    assert claim(province, probe.id) == 3
    with province.reading() as tx:
        ec = devices.datastreams(tx, device_ids=[probe.id])[2].id
        rows = readings.window(tx, [ec], NOON, NOON + DAY)
        assert rows["value"].tolist() == pytest.approx([0.1, 0.101, 0.102])
        assert set(rows["received"].tolist()) == {came}
        assert unclaimed.channels(tx, probe.id) == []
        assert ledger.reconciliation(tx).agrees


def test_cadence_is_the_usual_interval_and_gives_coverage(province, moisture):
    minutes = [10 * k for k in range(60) if k % 6 != 5 or k > 30]
    rows = [(moisture, NOON + timedelta(minutes=m), 0.3) for m in minutes]
    with province.writing() as tx:
        readings.add(tx, block(rows))
    rollups.refresh(province)
    with province.writing() as tx:
        assert cadences.learn(tx) == 1
        assert cadences.of(tx) == {moisture: 600.0}
        hours = readings.buckets(tx, moisture, NOON, NOON + 10 * HOUR, "hour")
        (day,) = readings.buckets(tx, moisture, NOON - 12 * HOUR, NOON + 10 * HOUR, "day")
        (month,) = readings.buckets(tx, moisture, NOON - 12 * HOUR, NOON + 10 * HOUR, "month")
    assert [round(h.coverage) for h in hours] == [83] * 5 + [100] * 5
    assert day.coverage == pytest.approx((5 * 83.333 + 500) / 24, abs=0.01)
    assert month.coverage == pytest.approx(day.coverage / 31)
    assert (month.start, month.n, month.last) == (NOON - 12 * HOUR, len(minutes), 0.3)


def test_two_readings_tell_no_cadence(province, moisture):
    with province.writing() as tx:
        readings.add(tx, block([(moisture, NOON + k * HOUR, 0.3) for k in range(2)]))
        cadences.learn(tx)
        assert cadences.of(tx) == {}


def test_presence_keeps_what_a_message_does_not_say(province, probe):
    with province.writing() as tx:
        presence.note(tx, [Presence(probe.id, NOON, skew_s=2.0, battery_pct=80, gateway="gw-1")])
        presence.note(tx, [Presence(probe.id, NOON + HOUR, rssi_dbm=-90, online=True)])
        found = presence.of(tx, [probe.id])[probe.id]
    assert found == Presence(probe.id, NOON + HOUR, 2.0, None, 80, None, -90, None, "gw-1", True)


def test_announcements_are_replaced(province):
    with province.writing() as tx:
        announcements.keep(tx, {"a": {"1": "soil"}, "b": {}})
        announcements.keep(tx, {"a": {"1": "air"}})
        assert announcements.everything(tx) == {"a": {"1": "air"}, "b": {}}
