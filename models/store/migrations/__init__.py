"""One history for both engines; the probe decides once, when the schema is built."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from models.store.database import Database, lock


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def migrate(url: str) -> None:
    """Bring the schema to the newest revision; safe to run from several processes.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    database = Database(url, pool_size=1)
    try:
        with database.writing() as tx:
            lock(tx, "migrate")
            config = _config()
            config.attributes["connection"] = tx.connection
            command.upgrade(config, "head")
    finally:
        database.close()


def pending(database: Database) -> bool:
    """Tell whether the schema is behind this code."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with database.reading() as tx:
        there = tx.row("platform", "has_history")
        row = tx.row("platform", "revision") if there is not None and there.found else None
    return row is None or row.version_num != head
