"""Settings: what is read, what is refused, in one line."""

import pytest

from deploy import settings
from models.errors import BadSetting


@pytest.fixture
def environment(monkeypatch):
    """An environment without any setting; returns a function that sets one."""
    import os

    for name in [name for name in os.environ if name.startswith("HEITU_")]:
        monkeypatch.delenv(name)
    return lambda **given: [monkeypatch.setenv(f"HEITU_{k}", v) for k, v in given.items()]


def test_nothing_set_means_everything_embedded(environment):
    read = settings.load()
    assert read.database.url.get_secret_value() == ""
    assert (read.mqtt.host, read.mqtt.port) == ("", 1883)
    assert (read.api.host, read.api.port) == ("127.0.0.1", 8000)
    assert read.folder.is_absolute()
    assert read.folder.name == ".heitu"


def test_production(environment, tmp_path):
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    environment(
        DATABASE_URL="postgresql://heitu:s3cret@db:5432/heitu",
        MQTT_HOST="mqtt",
        MQTT_PORT="8883",
        MQTT_TLS="true",
        MQTT_CA=str(authority),
        MQTT_CLIENT_ID="ingestor-2",
        MAP_APPROVAL_NUMBER="GS(2024)0001号",
    )
    read = settings.load()
    assert read.mqtt.tls
    assert read.mqtt.client_id == "ingestor-2"
    assert read.map_approval_number == "GS(2024)0001号"
    assert "s3cret" not in repr(read)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("API_PORT", "eighty", "valid integer"),
        ("API_PORT", "99999", "less than or equal to 65535"),
        ("MQTT_TLS", "perhaps", "valid boolean"),
        ("MQTT_VERSION", "4", "'3.1.1' or '5'"),
        ("MQTT_CA", "/nowhere/ca.pem", "does not exist"),
        ("MQTT_HOTS", "broker", "there is none of that name"),
        ("DATABASE_URL", "mysql://u:hush@db", "postgresql://"),
    ],
)
def test_a_bad_value_is_named_in_one_line(environment, name, value, why):
    environment(**{name: value})
    with pytest.raises(BadSetting) as caught:
        settings.load()
    assert "HEITU_" in caught.value.message
    assert why in caught.value.message
    assert "\n" not in caught.value.message
    assert "hush" not in caught.value.message


def test_an_empty_value_is_as_if_unset(environment):
    environment(MQTT_PORT="", DATABASE_URL="")
    assert settings.load().mqtt.port == 1883


def test_every_name_can_be_set(environment):
    assert len(settings.names()) == len(set(settings.names())) >= 15
    child = settings.for_child(mqtt_port="1884", data="/x")
    assert (child["HEITU_MQTT_PORT"], child["HEITU_DATA"]) == ("1884", "/x")
