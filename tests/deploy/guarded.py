"""Mosquitto as shipped (deploy/compose), on this machine: accounts, rights, revocation."""

import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from deploy.embedded import broker
from deploy.verbs.broker import Syncer
from models.device import NewStream
from models.place import FarmKind, Provenance
from models.store import devices, logins, places

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
SECRET, CONTROL = "the ingestor's own secret", "the secret of control"
INGESTOR = "heitu-ingestor"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PLUGIN = next(Path("/usr/lib").rglob("mosquitto_dynamic_security.so"), None)
_TLS = ("certfile /mosquitto/certs/server.crt\n", "keyfile /mosquitto/certs/server.key\n")
_TLS += ("tls_version tlsv1.2\n",)
_SECURITY = "plugin /usr/lib/mosquitto_dynamic_security.so\n"
_STATE = "plugin_opt_config_file /mosquitto/security/dynamic-security.json"


def missing():
    """Why no guarded broker can run here; empty when one can."""
    if MOSQUITTO is None:
        return "mosquitto is not installed here (CI installs it)"
    return "" if PLUGIN else "mosquitto has no dynamic security here"


def settings(monkeypatch, url, port, **more):
    """Settings of the syncer for a broker on that port."""
    named = {
        "HEITU_DATABASE_URL": url,
        "HEITU_MQTT_HOST": "127.0.0.1",
        "HEITU_MQTT_PORT": str(port),
        "HEITU_MQTT_USERNAME": INGESTOR,
        "HEITU_MQTT_PASSWORD": SECRET,
        "HEITU_CONTROL_PASSWORD": CONTROL,
        **more,
    }
    for name, value in named.items():
        monkeypatch.setenv(name, value)


def configuration(folder, port, way, certificates=None):
    """Write the shipped configuration with this machine's paths; only those differ."""
    text = (COMPOSE / "mosquitto.conf").read_text()
    state = f"plugin_opt_config_file {folder}/security.json"
    acl = f"acl_file {folder}/acl"
    changes = {
        "/mosquitto/auth/passwords": f"{folder}/passwords",
        "/mosquitto/data/": f"{folder}/kept/",
        "listener 8883": f"listener {port} 127.0.0.1",
        _SECURITY: f"plugin {PLUGIN}\n" if way == "dynsec" else "",
        _STATE: state if way == "dynsec" else acl,
    }
    if certificates is None:
        changes |= dict.fromkeys(_TLS, "")
    else:
        changes["/mosquitto/certs/"] = f"{certificates}/"
    for shipped, here in changes.items():
        assert shipped in text
        text = text.replace(shipped, here)
    (folder / "kept").mkdir(exist_ok=True)
    # as root mosquitto would become a user that may not read this folder
    path = folder / "mosquitto.conf"
    path.write_text(text + "user root\n")
    return path


@contextmanager
def running(folder, port, way, certificates=None):
    """The broker under the script that production runs it with."""
    conf = configuration(folder, port, way, certificates)
    watched = [str(folder / "passwords"), *([str(folder / "acl")] if way == "acl" else [])]
    path = f"{Path(MOSQUITTO).parent}:/usr/bin:/bin"
    with (folder / "broker.log").open("a") as log:
        process = subprocess.Popen(
            ["sh", str(COMPOSE / "broker.sh"), str(conf), *watched],
            env={"PATH": path},
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + 10
        while not broker.answers("127.0.0.1", port, 0.2):
            assert time.monotonic() < until, (folder / "broker.log").read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        assert process.wait(10) == 0, (folder / "broker.log").read_text()


def syncer(database, loaded, folder, way):
    """What the service `credentials` runs, one turn at a time."""
    if way == "acl":
        return Syncer(database, loaded, passwords=folder / "passwords", acl=folder / "acl")
    seed = folder / "security.json"
    return Syncer(database, loaded, passwords=folder / "passwords", seed=seed, dynsec=True)


def register(database, key, **more):
    """Register a device with a secret; gives both."""
    with database.writing() as tx:
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
            **more,
        )
        return device, logins.issue(tx, device.id)


class Client:
    """A connection that comes back by itself, as those of devices do."""

    def __init__(self, port, username=None, password=None, *, client_id="anything", ca=None):
        self.got, self.answers, self.lost = [], [], []
        self._heard = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self.client.reconnect_delay_set(1, 1)
        if username:
            self.client.username_pw_set(username, password)
        if ca:
            self.client.tls_set(ca_certs=str(ca))
        self.client.on_connect = self._connected
        self.client.on_disconnect = lambda *_: self.lost.append(time.monotonic())
        self.client.on_message = lambda _c, _d, m: self.got.append((m.topic, m.payload))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _connected(self, _client, _data, _flags, code, _properties):
        self.answers.append(not code.is_failure)
        self._heard.set()

    @property
    def accepted(self):
        assert self._heard.wait(10)
        return self.answers[0]

    def publish(self, topic, payload):
        self.client.publish(topic, payload, qos=1).wait_for_publish(5)

    def subscribe(self, *topics):
        self.client.subscribe([(topic, 1) for topic in topics])
        time.sleep(0.3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()


def true_within(seconds, condition):
    """Whether a condition becomes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def arrives(client, topic, patience=5):
    return true_within(patience, lambda: topic in [name for name, _ in client.got])
