"""Readings with sequence, raw value, arrival and revisions; rollups by month.

Revision ID: 0002
Revises: 0001
"""

from models.store.migrations.scripts import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from 0001 to 0002."""
    run_script("0002_truth")


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError
