"""Running a migration's SQL file, for the engine that the first migration found."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

_VERSIONS = Path(__file__).parent / "versions"


def run_script(name: str) -> None:
    """Run ``versions/<name>.sql``.

    It holds several statements and $$ bodies: simple protocol, no parameters, straight to
    the driver.
    """
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((_VERSIONS / f"{name}.sql").read_text("utf-8"))


def engine() -> str:
    """Return "timescale" or "plain", as recorded by the first migration."""
    query = sa.text("SELECT value FROM platform WHERE key = 'engine'")
    return str(op.get_bind().scalar(query))
