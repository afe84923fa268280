"""What a farm already has, from its messages on a real broker to stored readings."""

import json
from contextlib import closing

import paho.mqtt.client as paho
import pytest

from ingest.batch import store
from ingest.intake import digest, parted
from ingest.mqtt import sparkplug
from ingest.mqtt.inbox import Message
from ingest.placement import Placement
from ingest.rejects import replay
from ingest.service import Ingestor, Options
from models import calendar
from models.device import NewStream
from models.reading import UNKNOWN, Quality, Reason
from models.store import catalogue, ledger, presence, quarantine
from tests import brokers
from tests.ingest.mqtt.decoding import encode, sample
from tests.ingest.mqtt.edge_node import EdgeNode, payload
from tests.models.store.seeds import plant_device, plant_farm
from tests.probes import Publisher, until

pytestmark = pytest.mark.skipif(
    brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"
)
SOIL = NewStream("soil/moisture_20cm", "soil_moisture", "m3/m3", 20)
AIR = NewStream("air/temperature", "air_temperature", "Cel")
SUPPLY = NewStream("Supply Voltage", "battery_voltage", "V")
EDGE = {"Jilin.node1": [SUPPLY], "Jilin.node1.probe1": [SOIL, AIR]}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with brokers.mosquitto(tmp_path_factory.mktemp("broker") / "mosquitto") as port:
        yield port


@pytest.fixture
def started(province, port, request):
    """Start an ingestor of one and the same session; all are stopped in the end."""
    running = []

    def start():
        link = brokers.link(port, request.node.name, reserved=True)
        running.append(
            Ingestor(province, link, Options(rollup_every=60, beat_every=0.2, upkeep_every=0.2))
        )
        running[-1].start()
        until(lambda: running[-1].status().connected)
        return running[-1]

    yield start
    for ingestor in running:
        ingestor.stop()


def plant(database, streams):
    """Register devices with their datastreams; gives device ids by key."""
    with database.writing() as tx:
        farm = plant_farm(tx)
        return {k: plant_device(tx, farm, key=k, streams=s).id for k, s in streams.items()}


def stored(database):
    """What is stored: (device, channel) -> [(value, flags, time as epoch), ...]."""
    with database.reading() as tx:
        rows = tx.driver.execute(
            "SELECT d.key, s.channel, r.value, r.quality, extract(epoch FROM r.time)::float8"
            " FROM reading r JOIN datastream s ON s.id = r.datastream_id"
            " JOIN device d ON d.id = s.device_id ORDER BY r.time, s.channel"
        ).fetchall()
    found = {}
    for key, channel, value, quality, time in rows:
        found.setdefault((key, channel), []).append((round(value, 6), Quality(quality), time))
    return found


class Listener:
    """Collects what is published under a topic."""

    def __init__(self, port, topic):
        self.heard = []
        subscribed = []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda *got: self.heard.append((got[2].topic, got[2].payload))
        self.client.on_subscribe = lambda *_: subscribed.append(True)
        self.client.on_connect = lambda client, *_: client.subscribe(topic)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        until(lambda: subscribed)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def commands(port):
    listener = Listener(port, "spBv1.0/Jilin/NCMD/node1")
    yield listener.heard
    listener.close()


def send(port, *messages):
    with Publisher(port) as publisher:
        for topic, payload in messages:
            publisher.send(topic, payload)


def test_sparkplug_from_birth_to_gap_to_rebirth_and_over_a_restart(
    province, started, port, commands
):
    ids = plant(province, EDGE)
    key = ("Jilin.node1.probe1", "soil/moisture_20cm")
    node = EdgeNode()
    ingestor = started()
    send(port, *node.birth(), node.data(23.5))
    until(lambda: ingestor.status().stored == 4)
    # the birth says percent where the register says m3/m3
    assert [value for value, *_ in stored(province)[key]] == [0.0, 0.235]
    assert not commands

    node.data(1.0)  # lost on its way
    send(port, node.data(24.5))
    until(lambda: commands)
    assert sparkplug.read(commands[0][1]).metrics[0].name == "Node Control/Rebirth"
    until(lambda: ingestor.status().stored == 5)  # and the reading is taken all the same
    ingestor.stop()

    ingestor = started()  # it knows the aliases from before
    after = node.data(25.5)
    send(port, after, after)
    until(lambda: ingestor.status().received == 2)
    assert (ingestor.status().stored, ingestor.status().duplicate) == (1, 1)
    assert [value for value, *_ in stored(province)[key]] == [0.0, 0.235, 0.245, 0.255]
    send(port, (node.topic("DDEATH"), payload(**node.next())))

    def offline():
        with province.reading() as tx:
            return presence.of(tx, [ids["Jilin.node1.probe1"]])

    until(lambda: [p for p in offline().values() if p.online is False])


def test_sparkplug_data_before_its_birth_waits_for_it_and_is_stored(
    province, started, port, commands
):
    plant(province, EDGE)
    node = EdgeNode()
    ingestor = started()
    early = [node.data(10.0 + i) for i in range(5)]
    send(port, *early)
    until(lambda: ingestor.status().quarantined == {"no_birth": 5})
    until(lambda: commands)
    assert len(commands) == 1  # not one for each message
    send(port, *node.birth())
    key = ("Jilin.node1.probe1", "soil/moisture_20cm")
    until(lambda: len(stored(province).get(key, ())) == 6)
    assert [value for value, *_ in stored(province)[key]] == [0.1, 0.11, 0.12, 0.13, 0.14, 0.0]
    with province.reading() as tx:
        assert quarantine.count(tx) == {}
        for row in ledger.rows(tx, ledger.Selection()):
            assert row.balanced
    send(port, node.data(30.0))  # the replay has not turned the births back
    until(lambda: ingestor.status().stored == 4)


def test_a_replay_of_old_births_does_not_turn_the_present_ones_back(province, started, port):
    node = EdgeNode()
    ingestor = started()
    send(port, *node.birth(), node.data(11.0), node.death())
    until(lambda: ingestor.status().quarantined == {"unknown_device": 3})
    plant(province, EDGE)
    node.restart()  # another session, other aliases
    send(port, *node.birth(), node.data(22.0))
    until(lambda: ingestor.status().stored == 4)
    report = replay(province, calendar.now)
    assert (report.stored, report.remaining) == (4, {})
    ingestor.stop()
    ingestor = started()
    send(port, node.data(33.0))
    until(lambda: ingestor.status().stored == 1)
    moisture = stored(province)["Jilin.node1.probe1", "soil/moisture_20cm"]
    assert [value for value, *_ in moisture] == [0.0, 0.11, 0.0, 0.22, 0.33]


AT = 1_777_593_600  # 2026-05-01T00:00Z
FAMILIES = {
    "senml": (
        "senml/s1",
        [{"bn": "urn:dev:ow:s1:", "bt": AT, "n": "t", "u": "Cel", "v": 9.5}],
        {"s1": [NewStream("t", "soil_temperature", "K", 10)]},
        {("s1", "t"): 9.5},
    ),
    "tasmota": (
        "tele/t1/SENSOR",
        {"Time": "2026-05-01T08:00:00", "TempUnit": "F", "DHT22": {"Temperature": 50}},
        {"t1": [NewStream("DHT22.Temperature", "air_temperature", "Cel")]},
        {("t1", "DHT22.Temperature"): 10.0},
    ),
    "zigbee2mqtt": (
        "zigbee2mqtt/z 1",
        sample("zigbee2mqtt_soil")["payload"] | {"last_seen": "2026-05-01T08:00:00+08:00"},
        {"z%201": [NewStream("soil_moisture", "soil_moisture", "%", 10)]},
        {("z%201", "soil_moisture"): 0.42},
    ),
    "alink": (
        "/sys/pk/a1/thing/event/property/post",
        {"id": "7", "sys": {"ack": 1}, "params": {"WF": {"value": 23.6, "time": AT * 1000}}},
        {"a1": [NewStream("WF", "air_temperature", "Cel")]},
        {("a1", "WF"): 23.6},
    ),
    "huawei": (
        "$oc/devices/gw/sys/gateway/sub_devices/properties/report",
        {
            "devices": [
                {
                    "device_id": name,
                    "services": [
                        {
                            "service_id": "soil",
                            "properties": {"t": value},
                            "event_time": "20260501T000000Z",
                        }
                    ],
                }
                for name, value in (("h1", 1), ("h2", "2"))
            ]
        },
        {name: [NewStream("soil.t", "soil_temperature", "Cel", 10)] for name in ("h1", "h2")},
        {("h1", "soil.t"): 1.0, ("h2", "soil.t"): 2.0},
    ),
    "sensecap": (
        "/device_sensor_data/org/2CF7F12000000001/1/x/4101",
        {"value": 101_629, "timestamp": AT * 1000},
        {"2CF7F12000000001": [NewStream("1.4101", "air_pressure", "hPa")]},
        {("2CF7F12000000001", "1.4101"): 1016.29},
    ),
    "thingsboard": (
        "v1/gateway/telemetry",
        {n: [{"ts": AT * 1000, "values": {"t": v}}] for n, v in (("b1", 3), ("b2", 4))},
        {name: [NewStream("t", "soil_temperature", "Cel", 10)] for name in ("b1", "b2")},
        {("b1", "t"): 3.0, ("b2", "t"): 4.0},
    ),
}


def test_one_message_of_every_family(province, started, port):
    devices = {}
    expected = {}
    for _, _, streams, values in FAMILIES.values():
        devices |= streams
        expected |= values
    plant(province, devices)
    ingestor = started()
    with closing(Listener(port, "/sys/pk/a1/thing/event/property/post_reply")) as answers:
        send(port, *((topic, payload) for topic, payload, *_ in FAMILIES.values()))
        until(lambda: ingestor.status().received >= len(expected))
        until(lambda: answers.heard)
    found = stored(province)
    assert {key: rows[0][0] for key, rows in found.items()} == expected
    assert {rows[0][2] for rows in found.values()} == {float(AT)}
    assert {rows[0][1] for rows in found.values()} == {Quality.GOOD}
    assert ingestor.status().quarantined == {}
    assert json.loads(answers.heard[0][1]) == {"id": "7", "code": 200, "data": {}}


def test_a_gateway_message_that_cannot_be_parted_is_quarantined_whole(province, started, port):
    ingestor = started()
    send(port, ("v1/gateway/telemetry", b'{"a": 7}'))
    until(lambda: ingestor.status().quarantined == {"wrong_shape": 1})
    with province.reading() as tx:
        [entry] = quarantine.open_ones(tx, limit=10)
    assert (entry.device_key, entry.topic) == (UNKNOWN, "v1/gateway/telemetry")


@pytest.mark.parametrize("flooding", [False, True])
def test_what_a_gateway_says_for_an_unknown_device_is_replayed_for_it(province, flooding):
    streams = [NewStream("t", "soil_temperature", "Cel", 10)]
    topic, payload, *_ = FAMILIES["thingsboard"]
    message = Message(topic, encode(payload), AT * 1_000_000, 100, flooding=flooding)
    plant(province, {"b1": streams})
    with province.writing() as tx:
        batch = digest(parted([message]), Placement(catalogue.load(tx)))
        outcome = store(tx, batch)
    if flooding:  # set aside unread, whole
        assert outcome.quarantined == {Reason.FLOODING: 1}
    else:
        assert (outcome.stored, outcome.quarantined) == (1, {Reason.UNKNOWN_DEVICE: 1})
    report = replay(province, calendar.now)
    assert report.remaining == {Reason.UNKNOWN_DEVICE: 1}
    with province.writing() as tx:
        plant_device(tx, plant_farm(tx, key="farm-2"), key="b2", streams=streams)
    report = replay(province, calendar.now)
    assert (report.stored, report.remaining) == (1, {})
    assert {key: rows[0][0] for key, rows in stored(province).items()} == FAMILIES["thingsboard"][3]
    with province.reading() as tx:
        rows = ledger.rows(tx, ledger.Selection())
        assert quarantine.count(tx) == {}
    assert all(row.balanced for row in rows)
    assert sum(row.received for row in rows) == 2


def test_a_value_without_time_is_taken_when_it_is_new_and_not_when_it_was_retained(
    province, started, port
):
    plant(province, {"greenhouse1": [NewStream("soil_temperature", "soil_temperature", "Cel", 10)]})
    topic = "greenhouse1/sensor/soil_temperature/state"
    with Publisher(port) as publisher:  # before anybody listens
        publisher.client.publish(topic, b"11.0", qos=1, retain=True).wait_for_publish(5)
    ingestor = started()
    until(lambda: ingestor._status._undated._value.get() == 1)
    assert stored(province) == {}
    with Publisher(port) as publisher:
        publisher.client.publish(topic, b"12.5", qos=1, retain=True).wait_for_publish(5)
    until(lambda: ingestor.status().stored == 1)
    ingestor.stop()
    ingestor = started()  # the broker tells its retained value again
    until(lambda: ingestor._status._undated._value.get() == 1)
    status = ingestor.status()
    assert (status.stored, status.duplicate, status.quarantined) == (0, 0, {})
    [(value, flags, _)] = stored(province)["greenhouse1", "soil_temperature"]
    assert (value, flags) == (12.5, Quality.ARRIVAL)
