"""Imports of files, and the role of those who only hand readings in.

Revision ID: 0007
Revises: 0006
"""

from models.store.migrations.scripts import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from 0006 to 0007."""
    run_script("0007_imports")


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError
