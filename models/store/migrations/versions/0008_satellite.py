"""How the pixels of a field spread around their mean, for every product of a scene.

Revision ID: 0008
Revises: 0007
"""

from models.store.migrations.scripts import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from 0007 to 0008."""
    run_script("0008_satellite")


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError
