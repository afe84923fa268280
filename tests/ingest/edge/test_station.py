"""A station between devices and the province: outage, order, lanes, throttle, kill."""

import json
import threading
import time

import paho.mqtt.client as paho
import pytest

from ingest.edge.listener import Door
from ingest.edge.spool import Arrived, Spool
from ingest.mqtt.envelope import opened
from ingest.mqtt.inbox import Message
from ingest.mqtt.link import Link
from tests import brokers
from tests.ingest.edge import stations
from tests.probes import Publisher, until

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(brokers.MOSQUITTO is None, reason="needs mosquitto (apt install mosquitto)"),
]


class Province:
    """Hears what stations forward, and opens the envelopes."""

    def __init__(self, port):
        self.heard, self.states = [], []
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="province", clean_session=False
        )
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([("heitu/v1/edge/#", 1), ("heitu/v1/+/status", 1)])
        self._client.loop_start()

    def _on_message(self, _client, _data, m):
        if m.topic.endswith("/status"):
            self.states.append(json.loads(m.payload))
            return
        now = time.time_ns() // 1_000
        message = opened(Message(m.topic, m.payload, now, len(m.payload)))
        self.heard.append((message.topic, message.payload, message.received))

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    with brokers.mosquitto(tmp_path / "mqtt") as port:
        yield port


@pytest.fixture
def province(broker):
    made = Province(broker)
    time.sleep(0.2)
    yield made
    made.close()


def backlog(folder, n, devices=3):
    """A spool that holds what came during 72 h without a connection."""
    spool = Spool(folder / "spool.db", 1 << 30)
    since = time.time_ns() // 1_000 - 72 * 3_600_000_000
    step = 72 * 3_600_000_000 // n
    spool.put([Arrived(f"old/{i % devices}", str(i).encode(), since + i * step) for i in range(n)])
    spool.close()
    return since, step


def test_what_devices_send_arrives_as_it_was(tmp_path, broker, province):
    made = stations.plan(tmp_path, broker)
    with stations.running(made) as station:
        with Publisher(made.ear.port) as devices:
            for i in range(500):
                devices.send(f"heitu/v1/p-{i % 5}/readings", {"i": i})
        until(lambda: len(province.heard) >= 500)
        until(lambda: station.state().waiting == 0)
        station.tell(station.state())
        until(lambda: province.states)
    assert [(t, json.loads(p)["i"]) for t, p, _ in province.heard] == [
        (f"heitu/v1/p-{i % 5}/readings", i) for i in range(500)
    ]
    state = province.states[0]
    assert (state["online"], state["sent"], state["spool_messages"]) == (True, 500, 0)


def test_72_hours_of_backlog_go_behind_what_is_live_and_keep_their_instants(
    tmp_path, broker, province, capsys
):
    n = 20_000
    since, step = backlog(tmp_path, n)
    made = stations.plan(tmp_path, broker)
    began = time.monotonic()
    with stations.running(made) as station:
        until(lambda: len(province.heard) > 500)
        with Publisher(made.ear.port) as devices:
            devices.send("live/0", b"now")
        at = len(province.heard)
        until(lambda: len(province.heard) == n + 1, patience=60)
        took = time.monotonic() - began
        until(lambda: station.state().waiting == 0)
    topics = [topic for topic, _, _ in province.heard]
    assert topics.index("live/0") < at + 500  # not behind the 19,000 that waited
    old = [it for it in province.heard if it[0].startswith("old/")]
    assert [it[2] for it in old] == [since + i * step for i in range(n)]  # in order, as they were
    with capsys.disabled():
        print(f"\n72 h of backlog, {n:,} messages: {n / took:,.0f}/s")  # noqa: T201


def test_the_rate_is_kept_and_live_messages_do_not_wait_for_it(tmp_path, broker, province):
    backlog(tmp_path, 2_000)
    made = stations.plan(tmp_path, broker, rate=200)
    with stations.running(made):
        until(lambda: len(province.heard) > 50)
        began, before = time.monotonic(), len(province.heard)
        with Publisher(made.ear.port) as devices:
            devices.send("live/0", b"now")
        until(lambda: any(topic == "live/0" for topic, _, _ in province.heard))
        assert time.monotonic() - began < 1.0
        time.sleep(2.0)
        rate = (len(province.heard) - before) / (time.monotonic() - began)
        assert 120 < rate < 260


def test_the_province_away_and_back(tmp_path, province, broker):
    nowhere = brokers.free_port()
    made = stations.plan(tmp_path, nowhere)
    with stations.running(made) as station:
        with Publisher(made.ear.port) as devices:
            for i in range(300):
                devices.send("a", {"i": i})
        state = station.state()
        assert (state.waiting, state.sent) == (300, 0)
        until(lambda: "refused" in station.state().why)
    with stations.running(stations.plan(tmp_path, broker)) as station:  # it has come back
        until(lambda: len(province.heard) == 300)
        until(lambda: station.state().waiting == 0)


def test_a_full_spool_is_said_and_nothing_that_was_acknowledged_is_lost(tmp_path, broker, province):
    made = stations.plan(tmp_path, brokers.free_port(), limit=1 << 20)
    acknowledged = []
    with stations.running(made) as station:
        device = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        device.on_publish = lambda _c, _d, mid, code, _p: acknowledged.append(
            (mid, not code.is_failure)
        )
        device.connect("127.0.0.1", made.ear.port)
        device.loop_start()
        sent = [device.publish("a", bytes(2_000) + str(i).encode(), 1) for i in range(1_000)]
        until(lambda: len(acknowledged) == len(sent))
        state = station.state()
        assert state.full
        assert state.refused > 0
        device.disconnect()
        device.loop_stop()
    taken = sum(ok for _, ok in acknowledged)
    assert 200 < taken < 1_000
    with stations.running(stations.plan(tmp_path, broker)) as station:
        until(lambda: len(province.heard) == taken)
        until(lambda: station.state().waiting == 0)


def test_a_broker_of_the_village(tmp_path, broker, province):
    with brokers.mosquitto(tmp_path / "village") as village:
        ear = Link("127.0.0.1", village, "edge-under-test")
        made = stations.plan(tmp_path, broker, ear=ear)
        with stations.running(made) as station:
            until(lambda: station.state().visitors == 1)
            with Publisher(village) as devices:
                for i in range(300):
                    devices.send("heitu/v1/p-0/readings", {"i": i})
            until(lambda: len(province.heard) == 300)
    assert [json.loads(p)["i"] for _, p, _ in province.heard] == list(range(300))


def test_the_last_will_says_that_a_station_is_gone(tmp_path, broker, province):
    process = stations.Process(tmp_path, broker).start()
    until(process.listening)
    time.sleep(1)
    process.kill()
    until(lambda: province.states)
    assert province.states[-1] == {"online": False}


def test_a_killed_station_loses_nothing_it_has_acknowledged(tmp_path, broker, province):
    process = stations.Process(tmp_path, broker).start()
    until(process.listening)

    def send():
        device = stations.Device(process.port)
        for i in range(3_000):
            device.send("a", {"i": i})
        device.flush()

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    for _ in range(3):
        time.sleep(0.3)
        process.kill()
        process.start()
        until(process.listening)
    thread.join(60)
    assert not thread.is_alive()
    wanted = set(range(3_000))
    until(lambda: {json.loads(p)["i"] for _, p, _ in province.heard} == wanted, patience=30)
    process.stop()


def test_settings_that_are_missing_are_named(tmp_path, capsys):
    from deploy.settings import Settings
    from deploy.verbs.edge import plan
    from models.errors import BadSetting

    with pytest.raises(BadSetting, match="HEITU_EDGE_STATION"):
        plan(Settings(data=tmp_path))
    with pytest.raises(BadSetting, match="HEITU_MQTT_HOST"):
        plan(Settings(data=tmp_path, edge={"station": "s"}))
    made = plan(Settings(data=tmp_path, edge={"station": "s"}, mqtt={"host": "h"}))
    assert isinstance(made.ear, Door)
    assert made.province.version == "5"
