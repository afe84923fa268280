"""The composition root: settings -> the parts a running platform is made of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploy.embedded import broker
from deploy.embedded.stack import embedded_database
from deploy.settings import Settings
from models.errors import HeituError
from models.platform import DemoAccount, PartHealth, Platform
from models.store import heartbeats
from models.store.database import Database

SILENT_AFTER = 30.0  # seconds without a heartbeat; the ingestor gives one every 5 s


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
            probes=(broker_probe(settings), ingestor_probe(database)),
            demo_accounts=demo_accounts,
            map_approval_number=settings.map_approval_number,
        )


def broker_probe(settings: Settings) -> Callable[[], PartHealth]:
    """Return a probe that tells whether the broker takes connections."""
    host, port = settings.mqtt.host or broker.HOST, settings.mqtt.port

    def probe() -> PartHealth:
        reached = broker.answers(host, port)
        return PartHealth("broker", reached, "" if reached else f"{host}:{port} does not answer")

    return probe


def ingestor_probe(database: Database) -> Callable[[], PartHealth]:
    """Return a probe that tells whether the ingestor gave a sign of life lately."""

    def probe() -> PartHealth:
        try:
            with database.reading() as tx:
                ages = [b.age_s for b in heartbeats.beats(tx) if b.part == "ingestor"]
        except HeituError as problem:
            return PartHealth("ingestor", ready=False, why=problem.message)
        if not ages:
            return PartHealth("ingestor", ready=False, why="it has not been seen yet")
        late = min(ages) > SILENT_AFTER
        return PartHealth("ingestor", not late, f"last seen {min(ages):.0f} s ago" if late else "")

    return probe
