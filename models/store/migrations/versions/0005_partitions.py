"""Topic partitions, each owned by one ingestor at a time.

Revision ID: 0005
Revises: 0004
"""

from models.store.migrations.scripts import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from 0004 to 0005."""
    run_script("0005_partitions")


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError
