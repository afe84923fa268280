"""Quality control: the queue of windows to review.

Revision ID: 0006
Revises: 0005
"""

from models.store.migrations.scripts import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from 0005 to 0006."""
    run_script("0006_quality")


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError
