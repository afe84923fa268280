"""Replay of the quarantine: cured readings go through, counts move, nothing is told twice."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.batch import store
from ingest.intake import digest
from ingest.mqtt.inbox import Message
from ingest.mqtt.wire import micros
from ingest.placement import Placement
from ingest.rejects import replay
from models.device import NewStream
from models.reading import UNKNOWN, Quality, Reason
from models.store import catalogue, ledger, quarantine, readings
from tests import probes
from tests.models.store.seeds import plant_device, plant_farm
from tests.probes import SOIL, START, encode, reading, topic

RECEIVED = datetime(2026, 6, 1, 12, tzinfo=UTC)


def clock():
    return RECEIVED


@pytest.fixture
def take_in(province):
    """Take messages in as the writer does."""

    def take(*documents, to=None):
        made = [d if isinstance(d, bytes) else encode(d) for d in documents]
        with province.writing() as tx:
            placement = Placement(catalogue.load(tx))
            messages = [
                Message(to or topic(), payload, micros(RECEIVED), len(payload)) for payload in made
            ]
            store(tx, digest(messages, placement))

    return take


def counts(database):
    with database.reading() as tx:
        assert ledger.reconciliation(tx).agrees
        found = ledger.rows(tx, ledger.Selection())
        assert all(row.balanced for row in found)
        accounts = {
            row.device_key: (row.received, row.stored, row.duplicate, row.quarantined)
            for row in found
            if row.received
        }
        return accounts, quarantine.count(tx)


def test_the_readings_of_a_device_registered_later_go_through(province, take_in):
    take_in(reading(0), [reading(1), reading(2)])
    assert counts(province) == ({UNKNOWN: (3, 0, 0, 3)}, {Reason.UNKNOWN_DEVICE: 3})
    seen = []
    probes.plant(province)
    report = replay(province, clock, progress=lambda so_far: seen.append(so_far.stored))
    assert (report.entries, report.stored, report.remaining) == (2, 3, {})
    assert seen == [3]
    assert counts(province) == ({"probe-0": (3, 3, 0, 0)}, {})
    with province.reading() as tx:
        (newest,) = readings.latest(tx, prefix="22")
        hours = readings.buckets(
            tx, newest.datastream_id, START, START + timedelta(hours=1), "hour"
        )
    assert newest.time == START + timedelta(minutes=2)
    assert [hour.n for hour in hours] == [3]  # rollups are fresh when the replay ends


def test_a_replay_may_run_again(province, take_in):
    take_in(reading(0), b"{")
    probes.plant(province)
    first = replay(province, clock)
    assert (first.stored, first.remaining) == (1, {Reason.UNREADABLE: 1})
    again = replay(province, clock)
    assert (again.stored, again.remaining) == (0, {Reason.UNREADABLE: 1})
    # what cannot be read either is now known to be that device's
    assert counts(province) == ({"probe-0": (2, 1, 0, 1)}, {Reason.UNREADABLE: 1})


def test_what_arrived_again_meanwhile_is_a_duplicate(province, take_in):
    take_in(reading(0))
    probes.plant(province)
    take_in(reading(0))
    report = replay(province, clock)
    assert (report.stored, report.duplicate) == (0, 1)
    assert counts(province) == ({"probe-0": (2, 1, 1, 0)}, {})


def test_each_reading_of_a_message_ends_where_it_belongs(province, take_in):
    take_in(
        [
            reading(0),
            reading(1, "no_such_channel"),
            reading(2, value=10) | {"unit": "mm"},
            reading(3) | {"time": "2036-02-07T00:00:00Z"},
            reading(4),
        ]
    )
    probes.plant(province)
    report = replay(province, clock)
    left = {
        Reason.UNKNOWN_QUANTITY: 1,
        Reason.UNKNOWN_UNIT: 1,
        Reason.IMPOSSIBLE_TIME: 1,
    }
    assert (report.entries, report.stored, report.remaining) == (1, 2, left)
    assert counts(province) == ({"probe-0": (5, 2, 0, 3)}, left)
    assert replay(province, clock).remaining == left
    assert counts(province) == ({"probe-0": (5, 2, 0, 3)}, left)


def test_a_channel_registered_later_cures_its_readings_only(province, take_in):
    with province.writing() as tx:
        farm = plant_farm(tx)
        plant_device(tx, farm, key="probe-0", streams=SOIL[:1])
    take_in([reading(0), reading(0, "soil_moisture_10", 20), reading(0, "other", 1)])
    assert counts(province)[0] == {"probe-0": (3, 1, 0, 2)}
    with province.writing() as tx:
        tx.driver.execute(
            "INSERT INTO datastream (device_id, channel, quantity, unit, depth_cm)"
            " SELECT id, 'soil_moisture_10', 'soil_moisture', '%', 10 FROM device"
        )
    report = replay(province, clock)
    assert (report.stored, report.remaining) == (1, {Reason.UNKNOWN_QUANTITY: 1})
    assert counts(province) == ({"probe-0": (3, 2, 0, 1)}, {Reason.UNKNOWN_QUANTITY: 1})


def test_a_lorawan_uplink_counts_its_real_readings_once_it_can_be_read(province, take_in):
    uplink = {
        "time": "2026-05-01T00:00:00Z",
        "deviceInfo": {"devEui": "a8404187d187106e"},
        "object": {"temp_SOIL": "13.25", "water_SOIL_f": 13.74, "BatV": 3.3},
    }
    take_in(uplink, to="application/x/device/a8404187d187106e/event/up")
    assert counts(province)[0] == {UNKNOWN: (1, 0, 0, 1)}
    streams = [
        NewStream("temp_SOIL", "soil_temperature", "Cel", 10),
        NewStream("water_SOIL_f", "soil_moisture", "%", 10),
    ]
    with province.writing() as tx:
        plant_device(tx, plant_farm(tx), key="a8404187d187106e", streams=streams)
    assert replay(province, clock).stored == 2
    assert counts(province) == ({"a8404187d187106e": (2, 2, 0, 0)}, {})


def test_a_replay_may_be_restricted_to_a_reason_or_a_device(province, take_in):
    take_in(reading(0))
    take_in(reading(0), to=topic("probe-1"))
    take_in(b"{")
    probes.plant(province, 2)
    assert replay(province, clock, reason=Reason.UNREADABLE).stored == 0
    assert replay(province, clock, device_key="probe-1").stored == 1
    assert counts(province)[1] == {Reason.UNKNOWN_DEVICE: 1, Reason.UNREADABLE: 1}


def test_a_wrong_clock_of_ours_is_cured_only_when_asked_for_by_name(province, take_in):
    probes.plant(province)
    tomorrow = (RECEIVED + timedelta(days=1)).isoformat()
    take_in(reading(0) | {"time": tomorrow})
    later = RECEIVED + timedelta(days=2)
    assert replay(province, lambda: later).stored == 0
    assert replay(province, lambda: later, reason=Reason.IMPOSSIBLE_TIME).stored == 1
    with province.reading() as tx:
        (newest,) = readings.latest(tx, prefix="22")
    assert newest.quality == Quality.CLOCK


def test_a_payload_kept_in_part_stays(province, take_in):
    probes.plant(province)
    take_in(encode(reading(0)) + b" " * 300_000)
    assert counts(province)[1] == {Reason.TOO_LARGE: 1}
    assert replay(province, clock).remaining == {Reason.TOO_LARGE: 1}
    assert counts(province)[0] == {"probe-0": (1, 0, 0, 1)}
    with province.reading() as tx:
        (entry,) = quarantine.open_ones(tx)
    assert len(entry.payload) == 65_536


def test_many_pages_go_through(province, take_in):
    take_in(*[reading(i) for i in range(1_000)])
    probes.plant(province)
    assert replay(province, clock).stored == 1_000
    assert counts(province) == ({"probe-0": (1_000, 1_000, 0, 0)}, {})
