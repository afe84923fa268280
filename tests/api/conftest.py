"""The world of the API tests; made once for the run, so tests that write add keys of their own."""

import secrets

import psycopg
import pytest

from models.store.database import Database
from tests.api.world import populate, visited


def store_from(template_name, postgres):
    """A store on a copy of a database, gone at the end."""
    name = f"api_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_name} STRATEGY file_copy")
        database = Database(postgres.url.replace("/postgres?", f"/{name}?"), pool_size=4)
        yield database
        database.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def world(postgres, template, jilin, tmp_path_factory):
    """Two counties, every role and a real server; read-only by agreement."""
    for database in store_from(template, postgres):
        made = populate(database, tmp_path_factory.mktemp("archive"), jilin)
        with visited(made):
            yield made


@pytest.fixture
def fresh_world(postgres, template, jilin, tmp_path):
    """The same, for tests that change much of it."""
    for database in store_from(template, postgres):
        made = populate(database, tmp_path / "archive", jilin)
        with visited(made):
            yield made
