"""The production set-up: the compose file's schema, and a real Mosquitto with our settings."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.__main__ import main
from tests.brokers import free_port
from tests.deploy import guarded
from tests.deploy.guarded import Client

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"


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

    sync = ["broker-sync", "--passwords=x", "--seed=y", "--dynsec", "--every=1"]
    for arguments in (["migrate"], ["ingest"], ["serve"], sync):
        text = (COMPOSE / "compose.yaml").read_text()
        assert f'["{arguments[0]}"]' in text or f"- {arguments[0]}\n" in text
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
def port(province, fresh_url, monkeypatch, tmp_path):
    """Settings of a store and a broker; gives the port that the broker is to have."""
    chosen = free_port()
    guarded.settings(monkeypatch, fresh_url, chosen, HEITU_DATA=str(tmp_path / "data"))
    return chosen


def test_devices_come_in_over_tls_as_the_compose_file_has_it(
    province, port, certificates, tmp_path, monkeypatch
):
    if guarded.missing():
        pytest.skip(guarded.missing())
    ca = certificates / "server.crt"
    monkeypatch.setenv("HEITU_MQTT_TLS", "true")
    monkeypatch.setenv("HEITU_MQTT_CA", str(ca))
    verb = ["broker-sync", f"--passwords={tmp_path}/passwords", "--dynsec"]
    verb.append(f"--seed={tmp_path}/security.json")
    _, secret = guarded.register(province, "probe-1")
    assert main(verb) == 1  # the broker waits for the files that this has written
    with guarded.running(tmp_path, port, "dynsec", certificates):
        assert main(verb) == 0
        for who in ((None, None), ("probe-1", "wrong"), ("nobody", secret)):
            with Client(port, *who, ca=ca) as client:
                assert not client.accepted
        with (
            Client(port, guarded.INGESTOR, guarded.SECRET, ca=ca) as ingestor,
            Client(port, "probe-1", secret, ca=ca) as device,
        ):
            ingestor.subscribe("heitu/v1/+/readings")
            device.publish("heitu/v1/probe-1/readings", b"mine")
            assert guarded.arrives(ingestor, "heitu/v1/probe-1/readings")
        _, later = guarded.register(province, "probe-2")
        assert main(verb) == 0
        assert guarded.true_within(4, lambda: _comes_in(port, "probe-2", later, ca))


def _comes_in(port, name, secret, ca):
    with Client(port, name, secret, ca=ca) as client:
        return client.accepted


def test_the_password_file_changes_only_when_accounts_do(province, port, tmp_path):
    file = tmp_path / "passwords"
    verb = ["broker-passwords", "--out", str(file)]
    guarded.register(province, "probe-1")
    assert main(verb) == 0
    first = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert guarded.SECRET not in first
    assert main(verb) == 0
    assert file.read_text() == first
    guarded.register(province, "probe-2")
    assert main(verb) == 0
    assert [line.split(":")[0] for line in file.read_text().splitlines()] == [
        "heitu-ingestor",
        "heitu-control",
        "probe-1",
        "probe-2",
    ]
    assert file.read_text().splitlines()[:2] == first.splitlines()[:2]


def test_each_partition_of_the_ingestor_has_an_account(port, monkeypatch, tmp_path):
    monkeypatch.setenv("HEITU_INGEST_PARTITIONS", "3")
    file, acl = tmp_path / "passwords", tmp_path / "acl"
    assert main(["broker-sync", "--passwords", str(file), "--acl", str(acl)]) == 0
    names = [line.split(":")[0] for line in file.read_text().splitlines()]
    assert names[:3] == ["heitu-ingestor", "heitu-ingestor-1", "heitu-ingestor-2"]
    assert acl.read_text().count("topic read heitu/v1/+/readings") == 3


@pytest.mark.parametrize("name", ["HEITU_MQTT_PASSWORD", "HEITU_CONTROL_PASSWORD"])
def test_the_accounts_need_our_own_secrets(port, monkeypatch, capsys, tmp_path, name):
    monkeypatch.setenv(name, "")
    assert main(["broker-sync", f"--passwords={tmp_path}/passwords", "--dynsec"]) == 1
    assert name in capsys.readouterr().err
