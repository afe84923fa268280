"""Who may do what at a real Mosquitto, by both ways of telling it; judged by what arrives.

On MQTT 3.1.1 a forbidden publish is acknowledged and a forbidden subscription granted: only
what arrives tells.
"""

import json
import time
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace

import pytest

from deploy import settings
from ingest.mqtt import accounts
from models.errors import Unavailable
from models.store import device_changes, devices, groups, logins
from tests.brokers import free_port
from tests.deploy import guarded
from tests.deploy.guarded import Client, arrives, register, true_within

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(bool(guarded.missing()), reason=guarded.missing() or "-"),
]
OWN = "heitu/v1/{}/readings"


class World:
    """A store, a guarded broker, and the syncer between them."""

    def __init__(self, database, way, folder, port):
        self.database, self.way, self.folder, self.port = database, way, folder, port
        self._running = ExitStack()
        self.syncer = guarded.syncer(database, settings.load(), folder, way)

    def start(self):
        self._running.enter_context(guarded.running(self.folder, self.port, self.way))

    def stop(self):
        self._running.close()

    def sync(self):
        return self.syncer.turn()

    def device(self, key, **more):
        return register(self.database, key, **more)

    def client(self, name, secret, **more):
        return Client(self.port, name, secret, **more)

    @property
    def ingestor(self):
        return self.client(guarded.INGESTOR, guarded.SECRET)

    def again(self):
        """Look whatever the store says, as the syncer does once a minute."""
        self.syncer.look_again()
        return self.sync()

    @contextmanager
    def away(self):
        """The broker stops, and is back afterwards."""
        self.stop()
        yield
        self.start()

    def comes_in(self, name, secret, patience):
        def tried():
            with self.client(name, secret) as client:
                return client.accepted

        return true_within(patience, tried)


@contextmanager
def opened(database, way, folder):
    made = World(database, way, folder, settings.load().mqtt.port)
    made.first, made.secret = made.device("probe-1")
    made.second, made.other = made.device("probe-2")
    # the broker waits for its files; only then can it be told more
    with pytest.raises(Unavailable) if way == "dynsec" else nullcontext():
        made.sync()
    made.start()
    made.sync()
    yield made
    made.syncer.close()
    made.stop()


@pytest.fixture
def environment(fresh_url, monkeypatch):
    guarded.settings(monkeypatch, fresh_url, free_port())


@pytest.fixture
def world(province, environment, tmp_path):
    """The way that production takes."""
    with opened(province, "dynsec", tmp_path) as made:
        yield made


@pytest.fixture(params=["dynsec", "acl"])
def either(request, province, environment, tmp_path):
    """Each of the two ways."""
    with opened(province, request.param, tmp_path) as made:
        yield made


def test_a_device_publishes_its_own_topics_and_hears_nothing(either):
    with (
        either.ingestor as ingestor,
        either.client("probe-1", either.secret) as device,
        either.client("probe-2", either.other) as other,
    ):
        assert ingestor.accepted
        assert device.accepted
        ingestor.subscribe("heitu/v1/+/readings", "heitu/v1/+/+/readings", "application/#")
        device.subscribe("#", OWN.format("probe-2"), "$CONTROL/#", "$SYS/#")
        for topic in (
            OWN.format("probe-2"),
            "application/1/device/probe-2/event/up",
            "heitu/v1/220182/probe-2/readings",
            "heitu/v1/probe-1/else",
        ):
            device.publish(topic, b"forged")
        forged = {"command": "createClient", "username": "mine", "password": "mine"}
        device.publish("$CONTROL/dynamic-security/v1", json.dumps({"commands": [forged]}).encode())
        device.publish(OWN.format("probe-1"), b"mine")
        device.publish("heitu/v1/220182/probe-1/readings", b"mine")
        other.publish(OWN.format("probe-2"), b"true")
        assert arrives(ingestor, OWN.format("probe-2"))
        assert arrives(ingestor, "heitu/v1/220182/probe-1/readings")
        assert sorted(ingestor.got) == [
            ("heitu/v1/220182/probe-1/readings", b"mine"),
            (OWN.format("probe-1"), b"mine"),
            (OWN.format("probe-2"), b"true"),
        ]
        assert device.got == []
    with either.client("mine", "mine") as created:
        assert not created.accepted


def test_nobody_is_thrown_out_by_another_one_with_its_client_id(world):
    with world.client("probe-1", world.secret, client_id="probe-1") as device:
        assert device.accepted
        with world.client("probe-2", world.other, client_id="probe-1") as thief:
            assert thief.accepted  # its client id is taken to be its account
            device.publish(OWN.format("probe-1"), b"still here")
            time.sleep(1)
            assert device.lost == []
            assert device.client.is_connected()


def test_a_revoked_device_is_cut_off_and_cannot_come_back(either):
    with (
        either.ingestor as ingestor,
        either.client("probe-1", either.secret) as device,
        either.client("probe-2", either.other) as other,
    ):
        assert device.accepted
        assert other.accepted
        ingestor.subscribe("heitu/v1/+/readings")
        with either.database.writing() as tx:
            logins.revoke(tx, either.first.id)
        began = time.monotonic()
        either.sync()
        assert true_within(4, lambda: device.lost), "still connected after 4 s"
        took = device.lost[0] - began
        assert took < (1 if either.way == "dynsec" else 4)
        assert true_within(4, lambda: False in device.answers)
        device.client.publish(OWN.format("probe-1"), b"after", qos=1)
        assert true_within(4, lambda: device.answers.count(False) > 1)
        assert device.answers.count(True) == 1
        other.publish(OWN.format("probe-2"), b"other")
        assert arrives(ingestor, OWN.format("probe-2"))
        assert ingestor.got == [(OWN.format("probe-2"), b"other")]
        assert other.lost == ingestor.lost == []
    with either.client("probe-1", either.secret) as again:
        assert not again.accepted


def test_a_new_secret_ends_the_connection_of_the_old_one(either):
    with either.client("probe-1", either.secret) as device:
        assert device.accepted
        with either.database.writing() as tx:
            secret = logins.issue(tx, either.first.id)
        either.sync()
        assert true_within(6, lambda: device.lost)
        assert true_within(4, lambda: False in device.answers)
    assert either.comes_in("probe-1", secret, 4)
    with either.client("probe-1", either.secret) as old:
        assert not old.accepted


def test_a_revoked_device_comes_back_by_a_new_secret(world):
    with world.database.writing() as tx:
        logins.revoke(tx, world.first.id)
    world.sync()
    assert true_within(4, lambda: not world.comes_in("probe-1", world.secret, 0))
    with world.database.writing() as tx:
        secret = logins.issue(tx, world.first.id)
    world.sync()
    assert world.comes_in("probe-1", secret, 4)


def test_an_inactive_device_is_out_and_a_new_one_in(world):
    _, secret = world.device("probe-3")
    with world.database.writing() as tx:
        before = devices.device(tx, world.first.id)
        after = replace(before, active=False)
        device_changes.change(tx, before, after, "test")
    world.sync()
    assert world.comes_in("probe-3", secret, 4)
    with world.client("probe-1", world.secret) as client:
        assert not client.accepted


def test_a_gateway_publishes_for_the_members_of_its_group_and_under_its_filters(either):
    gateway, secret = either.device("gateway-1")
    with either.database.writing() as tx:
        group = groups.add(tx, key="g", name_zh="组", name_en="Group", region_code="220182")
        groups.join(tx, group, [either.first], "test")
        after = replace(
            gateway, relays=("application/7/device/+/event/+",), relay_group_id=group.id
        )
        device_changes.change(tx, gateway, after, "test")
    either.sync()
    assert either.comes_in("gateway-1", secret, 4)
    with either.ingestor as ingestor, either.client("gateway-1", secret) as client:
        assert client.accepted
        ingestor.subscribe("heitu/v1/+/readings", "application/+/device/+/event/+")
        client.publish(OWN.format("probe-2"), b"not its member")
        client.publish("application/8/device/x/event/up", b"not its application")
        client.publish(OWN.format("probe-1"), b"relayed")
        client.publish("application/7/device/x/event/up", b"uplink")
        assert arrives(ingestor, "application/7/device/x/event/up")
        assert sorted(payload for _, payload in ingestor.got) == [b"relayed", b"uplink"]


def test_a_device_named_as_the_ingestor_gets_nothing_of_it(world):
    _, secret = world.device(guarded.INGESTOR)
    assert world.sync() == []
    with world.client(guarded.INGESTOR, secret) as impostor:
        assert not impostor.accepted
    with world.ingestor as ingestor:
        assert ingestor.accepted


def test_what_is_equal_is_left_alone(either):
    with either.client("probe-1", either.secret) as device:
        assert device.accepted
        before = {p.name: p.stat().st_mtime_ns for p in either.folder.glob("*") if p.is_file()}
        assert either.again() == []
        assert either.sync() == []
        after = {p.name: p.stat().st_mtime_ns for p in either.folder.glob("*") if p.is_file()}
        assert {n: t for n, t in after.items() if n != "broker.log"} == {
            n: t for n, t in before.items() if n != "broker.log"
        }
        assert device.lost == []
    text = (either.folder / "passwords").read_text()
    assert (either.folder / "passwords").stat().st_mode & 0o777 == 0o600
    for secret in (either.secret, either.other, guarded.SECRET, guarded.CONTROL):
        assert secret not in "".join(p.read_text() for p in either.folder.glob("*") if p.is_file())
    names = [line.partition(":")[0] for line in text.splitlines()]
    assert names == [guarded.INGESTOR, "heitu-control", "probe-1", "probe-2"]


def test_the_account_of_control_does_nothing_else(world):
    with world.ingestor as ingestor, world.client("heitu-control", guarded.CONTROL) as control:
        assert control.accepted
        ingestor.subscribe("heitu/v1/+/readings")
        control.subscribe("heitu/#")
        control.publish(OWN.format("probe-1"), b"forged")
        with world.client("probe-1", world.secret) as device:
            device.publish(OWN.format("probe-1"), b"mine")
        assert arrives(ingestor, OWN.format("probe-1"))
        assert ingestor.got == [(OWN.format("probe-1"), b"mine")]
        assert control.got == []


def test_a_broker_that_started_again_knows_everyone_and_one_that_forgot_is_told(world):
    world.device("probe-3")
    world.sync()
    for lost in (False, True):
        with world.away():
            if lost:
                empty = {"clients": [], "roles": [accounts.control_role("heitu-control")]}
                named = [{"rolename": "control:heitu-control"}]
                empty["clients"] = [{"username": "heitu-control", "roles": named}]
                (world.folder / "security.json").write_text(json.dumps(empty))
            with pytest.raises(Unavailable):
                world.again()
        told = world.again()
        assert told == (["dynamic security: 9 commands"] if lost else [])
        with world.ingestor as ingestor, world.client("probe-1", world.secret) as device:
            ingestor.subscribe("heitu/v1/+/readings")
            device.publish(OWN.format("probe-2"), b"forged")
            device.publish(OWN.format("probe-1"), b"mine")
            assert arrives(ingestor, OWN.format("probe-1"))
            assert ingestor.got == [(OWN.format("probe-1"), b"mine")]
