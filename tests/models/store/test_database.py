import pytest
import sqlalchemy as sa

from deploy.embedded.database import EmbeddedPostgres
from models.errors import Invalid, Unavailable
from models.store import people
from models.store.database import Database


def test_a_read_transaction_cannot_write(database):
    with pytest.raises(sa.exc.DBAPIError, match="read-only"), database.reading() as tx:
        tx.connection.execute(sa.text("DELETE FROM region"))


def test_a_failed_block_leaves_nothing(database):
    class StopError(Exception):
        pass

    def write_and_fail():
        with database.writing() as tx:
            tx.connection.execute(sa.text("INSERT INTO platform VALUES ('k', 'v')"))
            raise StopError

    with pytest.raises(StopError):
        write_and_fail()
    with database.reading() as tx:
        assert tx.connection.scalar(sa.text("SELECT count(*) FROM platform WHERE key = 'k'")) == 0


@pytest.mark.parametrize("login", ["a\0b", "a\ud800b"])
def test_text_that_cannot_be_kept_is_invalid_input(database, login):
    with pytest.raises(Invalid), database.reading() as tx:
        people.person_by_login(tx, login)


def test_an_outage_is_named_and_the_pool_recovers(tmp_path):
    server = EmbeddedPostgres(tmp_path / "pg")
    with server:
        database = Database(server.url)
        with database.reading() as tx:
            assert tx.connection.scalar(sa.text("SELECT 1")) == 1
    with pytest.raises(Unavailable, match="database"), database.reading():
        pass
    with server, database.reading() as tx:
        assert tx.connection.scalar(sa.text("SELECT 1")) == 1
    database.close()
