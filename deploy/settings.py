"""Settings: the only reader of the environment. Every name begins with ``HEITU_``.

Empty addresses mean the embedded parts, so that an empty environment runs the whole
platform on one machine.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import BadSetting

PREFIX = "HEITU_"
_TESTS = "HEITU_TEST_"  # read by the test suite, not by us


class Group(BaseModel):
    """Settings of one concern; a name that does not exist is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Group):
    """Where the store is. Empty ``url``: the embedded PostgreSQL in the data folder."""

    url: SecretStr = SecretStr("")
    port: int = Field(default=0, ge=0, le=65535)  # TCP port of the embedded one; 0: socket only
    pool: int = Field(default=8, ge=1, le=200)

    @model_validator(mode="after")
    def _scheme(self) -> "DatabaseSettings":
        url = self.url.get_secret_value()
        if url and not url.startswith(("postgresql://", "postgres://")) and "=" not in url:
            raise ValueError("must look like postgresql://user:password@host:5432/name")
        return self


class MqttSettings(Group):
    """Where the broker is. Empty ``host``: the embedded one on 127.0.0.1."""

    host: str = ""
    port: int = Field(default=1883, ge=1, le=65535)  # 8883 by custom with TLS
    username: str = ""
    password: SecretStr = SecretStr("")
    tls: bool = False
    ca: Path | None = None  # certificate authority of the broker, PEM
    client_id: str = Field(default="heitu-ingestor", min_length=1)
    version: Literal["3.1.1", "5"] = "3.1.1"
    # id under which edge nodes of Sparkplug see us online (their "primary host"); empty: not told
    sparkplug_host: str = Field(default="", pattern="^[^/+#]*$")

    @model_validator(mode="after")
    def _files(self) -> "MqttSettings":
        if self.ca is not None and not self.ca.is_file():
            raise ValueError(f"the certificate file {self.ca} does not exist")
        return self


class ControlSettings(Group):
    """The account that changes the others, where the broker has dynamic security."""

    username: str = Field(default="heitu-control", min_length=1)
    password: SecretStr = SecretStr("")


class IngestSettings(Group):
    """How the ingestor works, and shares the work with others."""

    # topic partitions; more than 1 let as many ingestors share the stream (same number for all)
    partitions: int = Field(default=1, ge=1, le=64)
    name: str = Field(default="", max_length=100)  # among several; empty: host, process, chance
    flood_rate: float = Field(default=50, gt=0)  # messages/s of one device in the long run
    flood_burst: int = Field(default=50_000, ge=1)  # and at once: a backlog after an outage
    metrics_port: int = Field(default=0, ge=0, le=65535)  # on 127.0.0.1; 0: no page


class EdgeSettings(Group):
    """A village station: where its devices publish; HEITU_MQTT_... is the province's broker."""

    station: str = Field(default="", max_length=100, pattern=r"^[^\s/+#:]*$")
    host: str = "0.0.0.0"  # noqa: S104 - devices of the village connect to it
    port: int = Field(default=1883, ge=1, le=65535)
    username: str = ""  # the account that its devices share; empty lets everyone in
    password: SecretStr = SecretStr("")
    broker: str = ""  # a broker of the village to read from, instead of listening
    version: Literal["3.1.1", "5"] = "5"  # only 5 says when the province refuses a message
    rate: float = Field(default=200, ge=0)  # messages/s to the province; 0: no limit
    spool_mb: int = Field(default=2_000, ge=1)  # beyond it devices are turned away


class ApiSettings(Group):
    """Where the API and the page listen."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)


class DeliverySettings(Group):
    """How advisories leave the house, beside the inbox of the API."""

    spool: Path | None = None  # folder of a village station: one set of files per advisory


class Settings(BaseSettings):
    """All settings; `load` reads them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
    )

    data: Path = Path(".heitu")
    map_approval_number: str | None = None  # 审图号 shown on the page
    database: DatabaseSettings = DatabaseSettings()
    mqtt: MqttSettings = MqttSettings()
    control: ControlSettings = ControlSettings()
    ingest: IngestSettings = IngestSettings()
    edge: EdgeSettings = EdgeSettings()
    api: ApiSettings = ApiSettings()
    delivery: DeliverySettings = DeliverySettings()

    @property
    def folder(self) -> Path:
        """The data folder, absolute."""
        return self.data.expanduser().absolute()

    @property
    def archive(self) -> Path:
        """The folder of rasters."""
        return self.folder / "archive"

    @property
    def logs(self) -> Path:
        """The folder of log files."""
        return self.folder / "logs"


def load() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    BadSetting
        A value that cannot be used, or a name that does not exist, in one line.
    """
    _refuse_unknown()
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise BadSetting(name=name, why=first["msg"].removeprefix("Value error, ")) from None
    except ValueError as problem:
        raise BadSetting(name=PREFIX.rstrip("_"), why=str(problem)) from None


def for_child(**over: str) -> dict[str, str]:
    """Return the environment of a child: ours, with settings replaced (names in lower case)."""
    return dict(os.environ) | {PREFIX + name.upper(): value for name, value in over.items()}


def names() -> list[str]:
    """Return every environment variable that is read."""
    known = []
    for name, field in Settings.model_fields.items():
        group = field.annotation
        inner = group.model_fields if isinstance(group, type) and issubclass(group, Group) else {}
        known += [f"{name}_{part}" for part in inner] or [name]
    return [PREFIX + name.upper() for name in known]


def _refuse_unknown() -> None:
    known = set(names())
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and not name.startswith(_TESTS) and name not in known:
            why = f"there is none of that name; known are {', '.join(names())}"
            raise BadSetting(name=name, why=why)
