"""The spine: places, people, devices, readings, quarantine, ledger, scenes, advice.

Revision ID: 0001
Revises:
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent


def upgrade() -> None:
    """Build the tables; partitions or hypertable, rollup tables or aggregates by engine."""
    engine = "timescale" if _has_timescale() else "plain"
    for part in ("common", engine):
        _script(_HERE / f"0001_{part}.sql")
    op.get_bind().execute(
        sa.text("INSERT INTO platform (key, value) VALUES ('engine', :engine)"), {"engine": engine}
    )


def downgrade() -> None:
    """Refuse: dropping the first schema would drop the data; restore a backup instead."""
    raise NotImplementedError


def _has_timescale() -> bool:
    """Tell whether the extension is loaded already, or is available and preloaded."""
    bind = op.get_bind()
    if bind.scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")):
        return True
    known = "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'"
    preloaded = bind.scalar(sa.text("SHOW shared_preload_libraries")) or ""
    if not bind.scalar(sa.text(known)) or "timescaledb" not in preloaded:
        return False
    op.execute("CREATE EXTENSION timescaledb")
    return True


def _script(path: Path) -> None:
    # several statements and $$ bodies: simple protocol, no parameters, straight to the driver
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(path.read_text("utf-8"))
