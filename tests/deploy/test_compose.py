"""The production set-up: the compose file's schema, and a real Mosquitto with our settings."""

import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy.__main__ import main
from models.device import NewStream
from models.place import FarmKind, Provenance
from models.store import devices, places

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
SECRET = "the ingestor's own secret"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def test_the_compose_file_fits_its_schema():
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*check, str(COMPOSE / "compose.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_secret_has_a_default():
    text = (COMPOSE / "compose.yaml").read_text()
    secrets = re.findall(r"PASSWORD\w*: .*?(\$\{[^}]+\})", text)
    assert secrets
    assert all(":?" in secret for secret in secrets)


def test_every_setting_of_the_compose_file_exists():
    from deploy import settings

    named = re.findall(r"^\s+(HEITU_\w+):", (COMPOSE / "compose.yaml").read_text(), re.M)
    assert named
    assert set(named) <= set(settings.names())


def test_every_verb_of_the_compose_file_exists():
    from deploy.__main__ import parser

    for arguments in (["migrate"], ["ingest"], ["serve"], ["broker-passwords", "--out", "x"]):
        assert f'"{arguments[0]}"' in (COMPOSE / "compose.yaml").read_text()
        parser().parse_args(arguments)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("certs")
    key = ["-newkey", "rsa:2048", "-nodes"]
    extension = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    made = ["openssl", "req", "-x509", *key, "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", extension, "-keyout", "server.key", "-out", "server.crt"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def accounts(province, fresh_url, monkeypatch, tmp_path):
    """A store with one device; gives the function that writes the broker's password file."""
    monkeypatch.setenv("HEITU_DATABASE_URL", fresh_url)
    monkeypatch.setenv("HEITU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HEITU_MQTT_USERNAME", "heitu-ingestor")
    monkeypatch.setenv("HEITU_MQTT_PASSWORD", SECRET)
    file = tmp_path / "passwords"

    def register(key):
        with province.writing() as tx:
            farm = places.farm_by_key(tx, "farm") or places.add_farm(
                tx,
                key="farm",
                name_zh="农场",
                name_en="Farm",
                kind=FarmKind.FIELD,
                region_code="220182",
                location=(126.5, 44.8),
                provenance=Provenance.SYNTHETIC,
            )
            device = devices.add_device(
                tx,
                key=key,
                farm_id=farm.id,
                name_zh=key,
                name_en=key,
                location=(126.5, 44.8),
                provenance=Provenance.SYNTHETIC,
                streams=[NewStream("t", "air_temperature", "Cel")],
            )
            secret = devices.issue_secret(tx, device.id)
        assert main(["broker-passwords", "--out", str(file)]) == 0
        return secret

    return file, register


def free_port():
    with closing(socket.socket()) as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@pytest.fixture
def broker(accounts, certificates, tmp_path):
    """Mosquitto with the shipped configuration; only paths and port are this machine's."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed here (CI installs it)")
    file, register = accounts
    secret = register("probe-1")
    port = free_port()
    (tmp_path / "kept").mkdir()
    text = (COMPOSE / "mosquitto.conf").read_text()
    for shipped, here in (
        ("/mosquitto/certs/", f"{certificates}/"),
        ("/mosquitto/auth/passwords", str(file)),
        ("/mosquitto/config/acl", str(COMPOSE / "acl")),
        ("/mosquitto/data/", f"{tmp_path}/kept/"),
        ("listener 8883", f"listener {port} 127.0.0.1"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    # as root mosquitto would become a user that may not read this folder
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(text + "user root\n")
    path = f"{Path(MOSQUITTO).parent}:/usr/bin:/bin"
    with (tmp_path / "broker.log").open("w") as log:
        process = subprocess.Popen(
            ["sh", str(COMPOSE / "broker.sh"), str(configuration), str(file)],
            env={"PATH": path},
            stdout=log,
            stderr=log,
        )
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with closing(socket.socket()) as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port, certificates / "server.crt", secret, register
    process.terminate()
    assert process.wait(10) == 0, (tmp_path / "broker.log").read_text()


class Client:
    def __init__(self, broker, username=None, password=None):
        self.got, self.answer = [], None
        self._heard = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="anything")
        if username:
            self.client.username_pw_set(username, password)
        self.client.tls_set(ca_certs=str(broker[1]))
        self.client.on_connect = self._connected
        self.client.on_message = lambda _c, _d, m: self.got.append((m.topic, m.payload))
        self.client.connect("127.0.0.1", broker[0])
        self.client.loop_start()

    def _connected(self, _client, _data, _flags, code, _properties):
        self.answer = code
        self._heard.set()

    @property
    def accepted(self):
        assert self._heard.wait(10)
        return not self.answer.is_failure

    def publish(self, topic, payload):
        self.client.publish(topic, payload, qos=1).wait_for_publish(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()


def arrives(client, topic, patience=5):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if topic in [name for name, _ in client.got]:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.mosquitto
def test_only_accounts_come_in(broker):
    for who in ((None, None), ("probe-1", "wrong"), ("nobody", broker[2])):
        with Client(broker, *who) as client:
            assert not client.accepted
    with Client(broker, "probe-1", broker[2]) as client:
        assert client.accepted


@pytest.mark.mosquitto
def test_a_device_publishes_its_own_topic_and_nothing_else(broker):
    with (
        Client(broker, "heitu-ingestor", SECRET) as ingestor,
        Client(broker, "probe-1", broker[2]) as device,
    ):
        assert ingestor.accepted
        assert device.accepted
        ingestor.client.subscribe([("heitu/v1/+/readings", 1), ("application/#", 1)])
        device.client.subscribe("#", 1)  # granted on 3.1.1, and nothing arrives
        time.sleep(0.3)
        device.publish("heitu/v1/other/readings", b"forged")
        device.publish("application/1/device/2/event/up", b"forged")
        device.publish("heitu/v1/probe-1/readings", b"mine")
        assert arrives(ingestor, "heitu/v1/probe-1/readings")
        assert ingestor.got == [("heitu/v1/probe-1/readings", b"mine")]
        assert device.got == []


@pytest.mark.mosquitto
def test_a_device_registered_while_the_broker_runs_comes_in(broker):
    secret = broker[3]("probe-2")
    until = time.monotonic() + 12
    while time.monotonic() < until:
        with Client(broker, "probe-2", secret) as client:
            if client.accepted:
                return
        time.sleep(0.5)
    pytest.fail("the broker did not read its passwords again")


def test_the_password_file_changes_only_when_accounts_do(accounts, capsys):
    file, register = accounts
    register("probe-1")
    first = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert SECRET not in first
    assert main(["broker-passwords", "--out", str(file)]) == 0
    assert file.read_text() == first
    register("probe-2")
    assert [line.split(":")[0] for line in file.read_text().splitlines()] == [
        "heitu-ingestor",
        "probe-1",
        "probe-2",
    ]
    assert file.read_text().splitlines()[0] == first.splitlines()[0]


def test_the_password_file_needs_the_ingestors_secret(accounts, monkeypatch, capsys):
    monkeypatch.setenv("HEITU_MQTT_PASSWORD", "")
    assert main(["broker-passwords", "--out", str(accounts[0])]) == 1
    assert "HEITU_MQTT_PASSWORD" in capsys.readouterr().err
