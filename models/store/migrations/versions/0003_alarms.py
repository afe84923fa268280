"""Alarms: rules, state, events, and their way to the outbox.

Revision ID: 0003
Revises: 0002
"""

from models.store.migrations.scripts import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from 0002 to 0003."""
    run_script("0003_alarms")


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError
