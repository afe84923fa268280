"""The world of the API tests: made once, copied for tests that change it."""

import secrets
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest

from models.store.database import Database
from tests.api.world import populate, visited


@contextmanager
def copied(postgres, template):
    """Name and URL of a copy of a database, gone at the end."""
    name = f"api_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield name, postgres.url.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def seed(postgres, template, jilin, tmp_path_factory):
    """A populated database, closed so that it can be copied, and what is in it."""
    with copied(postgres, template) as (name, url):
        with closing(Database(url, pool_size=4)) as database:
            made = populate(database, tmp_path_factory.mktemp("archive"), jilin)
        yield name, made


@contextmanager
def opened(postgres, seed):
    name, made = seed
    with copied(postgres, name) as (_, url), closing(Database(url, pool_size=4)) as database:
        platform = replace(made.platform, database=database)
        with visited(replace(made, platform=platform)) as world:
            yield world


@pytest.fixture(scope="session")
def world(postgres, seed):
    """Two counties, every role and a real server; tests that share it leave it as it was."""
    with opened(postgres, seed) as made:
        yield made


@pytest.fixture
def fresh_world(postgres, seed):
    """A world of one's own."""
    with opened(postgres, seed) as made:
        yield made
