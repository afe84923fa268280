"""Shared parts: real databases, a migrated store, a small known province."""

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from deploy.embedded.database import EmbeddedPostgres
from models.platform import Platform
from models.store import places
from models.store.database import Database
from models.store.migrations import migrate
from tests.timescale import launch

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[2] / "shared"


def pytest_addoption(parser):
    parser.addoption(
        "--engine",
        choices=("plain", "timescale"),
        default="plain",
        help="plain PostgreSQL (embedded) or real TimescaleDB (WebAssembly, or the server that "
        "HEITU_TEST_TIMESCALE_DSN names) under the `database` fixture",
    )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory, pytestconfig):
    """An embedded PostgreSQL for the whole run; `postgres.url` is its maintenance database."""
    asked = pytestconfig.getoption("markexpr")
    if "not faults and not bench" not in asked:  # what is measured or killed keeps to the disk
        with EmbeddedPostgres(tmp_path_factory.mktemp("pg")) as server:
            yield server
        return
    with (
        _memory_folder() or contextlib.nullcontext(tmp_path_factory.mktemp("pg")) as folder,
        EmbeddedPostgres(Path(folder), settings={"fsync": "off"}) as server,
    ):
        yield server


def _memory_folder():
    """A folder in memory where there is room: a new database takes 14 ms, on disk 220."""
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > 3_000_000_000:
        return tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True)
    return None


def _in_database(url, name):
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def template(postgres):
    """Name of a migrated, empty database to copy from."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE heitu_template")
    migrate(_in_database(postgres.url, "heitu_template"))
    return "heitu_template"


@pytest.fixture
def fresh_url(request):
    """URL of a migrated, empty database of the chosen engine, gone afterwards."""
    engine = request.config.getoption("--engine")
    yield from (_timescale_url() if engine == "timescale" else _plain_url(request))


def _plain_url(request):
    postgres, template = (request.getfixturevalue(name) for name in ("postgres", "template"))
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield _in_database(postgres.url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _timescale_url():
    dsn = os.environ.get("HEITU_TEST_TIMESCALE_DSN")
    if dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute("DROP EXTENSION IF EXISTS timescaledb CASCADE")
        migrate(dsn)
        yield dsn
        return
    why = launch.missing()
    if why:
        pytest.skip(why)
    server = launch.TimescaleServer()
    migrate(server.url)
    yield server.url
    server.stop()


@pytest.fixture
def database(fresh_url):
    """A store on a migrated, empty database."""
    opened = Database(fresh_url, pool_size=4)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def jilin():
    """The administrative divisions of Jilin as shipped with the demonstration."""
    folder = Path(__file__).parents[1] / "deploy" / "demo" / "data" / "admin"
    geojson = json.loads((folder / "jilin_admin.geojson").read_text("utf-8"))
    aliases = json.loads((folder / "jilin_adcode_alias.json").read_text("utf-8"))
    return geojson, aliases["map"]


@pytest.fixture
def province(database, jilin):
    """A store that knows the divisions of Jilin."""
    geojson, aliases = jilin
    with database.writing() as tx:
        places.add_regions(tx, geojson, aliases)
    return database


@pytest.fixture
def platform(province, tmp_path):
    """A platform over a store that knows Jilin, with an empty archive."""
    archive = tmp_path / "archive"
    archive.mkdir()
    return Platform(database=province, archive=archive)
