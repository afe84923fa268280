"""One reading: from a probe's message on the broker to rows, rollups, latest and ledger."""

import json
from datetime import timedelta

import pytest

from ingest.rejects import replay
from ingest.service import Ingestor, Options
from models import calendar
from models.device import NewStream
from models.reading import UNKNOWN, Quality, Reason
from models.store import heartbeats, ledger, quarantine, readings
from tests import brokers, probes
from tests.models.store.seeds import plant_device, plant_farm
from tests.probes import START, Publisher, reading, topic, until


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with brokers.embedded(tmp_path_factory.mktemp("broker")) as port:
        yield port


@pytest.fixture
def ingestor(province, port, request):
    link = brokers.link(port, client_id=f"ingestor {request.node.name}")
    running = Ingestor(province, link, Options(rollup_every=0.1, beat_every=0.1))
    running.start()
    until(lambda: running.status().connected)
    yield running
    running.stop()


def account(database, key):
    with database.reading() as tx:
        rows = ledger.rows(tx, ledger.Selection(device_key=key))
    return [(r.received, r.stored, r.duplicate, r.quarantined) for r in rows]


def settled(ingestor, n):
    return until(lambda: ingestor.status().received >= n and ingestor.status())


def test_a_reading_arrives_in_canonical_units_with_flags_rollups_and_account(
    province, ingestor, port
):
    probes.plant(province)
    hour = [reading(i, "soil_moisture_10", 20 + i / 2) for i in range(60)]
    hour[59]["value"] = 85.0  # beyond what a probe can measure: kept, flagged, not averaged
    with Publisher(port) as publisher:
        publisher.send(topic(), hour[0])
        publisher.send(topic(), {"readings": hour[1:30]})
        publisher.send(topic(), hour[30:])
        publisher.send(topic(), hour[30:31])  # the gateway repeats itself
    status = settled(ingestor, 61)
    assert (status.stored, status.duplicate, status.quarantined) == (60, 1, {})

    with province.reading() as tx:
        (newest,) = readings.latest(tx, prefix="22")
        rows = readings.series(tx, [newest.datastream_id], START, START + calendar.DAY, limit=100)
    assert newest.time == START + timedelta(minutes=59)
    assert newest.value == pytest.approx(0.85)
    assert newest.quality == Quality.RANGE
    assert [row.value for row in rows[:3]] == pytest.approx([0.20, 0.205, 0.21])

    def rolled():
        with province.reading() as tx:
            stream = newest.datastream_id
            return readings.buckets(tx, stream, START, START + calendar.DAY, "hour")

    (bucket,) = until(rolled)
    assert (bucket.n, bucket.n_good) == (60, 59)
    assert bucket.mean == pytest.approx(sum(20 + i / 2 for i in range(59)) / 59 / 100)
    assert account(province, "probe-0") == [(61, 60, 1, 0)]
    with province.reading() as tx:
        assert ledger.reconciliation(tx).agrees


def test_a_reading_of_a_lorawan_sensor_takes_the_same_way(province, ingestor, port, request):
    sample = json.loads(
        (
            request.config.rootpath / "tests/data/mqtt/chirpstack_v4_up_dragino_lse01.json"
        ).read_text()
    )
    streams = [
        NewStream("temp_SOIL", "soil_temperature", "Cel", 10),
        NewStream("water_SOIL_f", "soil_moisture", "%", 10),
        NewStream("conduct_SOIL", "soil_ec", "uS/cm", 10),
    ]
    with province.writing() as tx:
        plant_device(tx, plant_farm(tx), key="a8404187d187106e", streams=streams)
    with Publisher(port) as publisher:
        publisher.send(sample["topic"], sample["payload"])
    settled(ingestor, 3)
    with province.reading() as tx:
        values = {row.channel: row.value for row in readings.latest(tx, prefix="22")}
    expected = {"temp_SOIL": 13.25, "water_SOIL_f": 0.1374, "conduct_SOIL": 0.035}
    assert values == pytest.approx(expected)


def test_a_device_registered_after_its_first_message_works_and_replay_saves_the_message(
    province, ingestor, port
):
    with Publisher(port) as publisher:
        publisher.send(topic(), [reading(0), reading(1), reading(2, "no_such_channel")])
        until(lambda: ingestor.status().quarantined == {"unknown_device": 3})
        assert account(province, UNKNOWN) == [(3, 0, 0, 3)]
        probes.plant(province)
        publisher.send(topic(), reading(3))
    settled(ingestor, 4)
    assert account(province, "probe-0") == [(1, 1, 0, 0)]

    report = replay(province, calendar.now, device_key="probe-0")
    assert (report.stored, report.remaining) == (2, {Reason.UNKNOWN_QUANTITY: 1})
    assert account(province, "probe-0") == [(4, 3, 0, 1)]
    assert account(province, UNKNOWN) == [(0, 0, 0, 0)]
    with province.reading() as tx:
        assert ledger.reconciliation(tx).agrees
        assert quarantine.count(tx) == {Reason.UNKNOWN_QUANTITY: 1}


def test_a_message_is_acknowledged_after_its_commit_and_not_before(province, port):
    probes.plant(province)
    link = brokers.link(port, client_id="killed")
    first = Ingestor(province, link, Options(beat_every=60))
    first.start()
    until(lambda: first.status().connected)
    with province.writing() as blocker:
        blocker.driver.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
        with Publisher(port) as publisher:
            publisher.send(topic(), reading(0))
        until(lambda: first.status().waiting == 1)
        until(lambda: first.status().lag_s > 0.3)
        assert first.status().last_commit is None
        # the process dies here: its connection ends without an acknowledgement
        first._subscriber._client.socket().close()
        first._subscriber._stopping = True
        first._writer.stop()
        first._stopping.set()
        second = Ingestor(province, link, Options(beat_every=60))
        second.start()
        until(lambda: second.status().waiting == 1)  # the broker sends it again
    try:
        until(lambda: second.status().received == 1)
        with province.reading() as tx:
            assert ledger.reconciliation(tx).agrees
            assert ledger.reconciliation(tx).stored_rows == 1
    finally:
        second.stop()
        first.stop()


def test_the_ingestor_says_how_it_fares(province, ingestor, port):
    probes.plant(province)
    with Publisher(port) as publisher:
        publisher.send(topic(), reading(0))
        publisher.send(topic(), b"{")
    settled(ingestor, 2)

    def told():
        with province.reading() as tx:
            beats = {beat.part: beat.detail for beat in heartbeats.beats(tx)}
        return beats.get("ingestor", {}).get("received") == 2 and beats["ingestor"]

    detail = until(told)
    assert detail["ready"]
    assert detail["quarantined"] == {"unreadable": 1}
