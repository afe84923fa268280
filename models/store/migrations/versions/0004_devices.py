"""Devices: groups, profiles, claims, credentials at the broker.

Revision ID: 0004
Revises: 0003
"""

from models.store.migrations.scripts import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from 0003 to 0004."""
    run_script("0004_devices")


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError
