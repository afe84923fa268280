"""The composition root: settings -> the parts a running platform is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deploy.embedded import broker
from deploy.embedded.stack import embedded_database
from deploy.settings import Settings
from models.platform import DemoAccount, PartHealth, Platform
from models.store.database import Database

if TYPE_CHECKING:
    from ingest.mqtt.client import Link


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """Give the address of the store; starts the embedded server when nobody runs it yet."""
    given = settings.database.url.get_secret_value()
    server = embedded_database(settings)
    if given or server.served:
        yield given or server.url
        return
    with server:
        yield server.url


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Give the store and close it at the end."""
    with database_url(settings) as url:
        database = Database(url, pool_size=settings.database.pool)
        try:
            yield database
        finally:
            database.close()


@contextmanager
def open_platform(
    settings: Settings, demo_accounts: tuple[DemoAccount, ...] = ()
) -> Iterator[Platform]:
    """Give the whole platform, ready to be served."""
    settings.archive.mkdir(parents=True, exist_ok=True)
    with open_database(settings) as database:
        yield Platform(
            database=database,
            archive=settings.archive,
            probes=(broker_probe(settings),) if settings.mqtt.host else (),
            demo_accounts=demo_accounts,
            map_approval_number=settings.map_approval_number,
        )


def broker_probe(settings: Settings) -> Callable[[], PartHealth]:
    """Return a probe that tells whether the broker takes connections."""
    host, port = settings.mqtt.host, settings.mqtt.port

    def probe() -> PartHealth:
        reached = broker.answers(host, port)
        return PartHealth("broker", reached, "" if reached else f"{host}:{port} does not answer")

    return probe


def link(settings: Settings, client_id: str = "") -> Link:
    """Return how to reach the broker under a name of one's own."""
    from ingest.mqtt.client import Link  # the API process has no use for paho

    mqtt = settings.mqtt
    return Link(
        host=mqtt.host or broker.HOST,
        port=mqtt.port,
        client_id=client_id or mqtt.client_id,
        username=mqtt.username,
        password=mqtt.password.get_secret_value(),
        tls=mqtt.tls,
        ca=mqtt.ca,
        version=mqtt.version,
        reserved=bool(mqtt.host),  # the embedded broker closes the connection on them
        host_id=mqtt.sparkplug_host if not client_id else "",
    )
