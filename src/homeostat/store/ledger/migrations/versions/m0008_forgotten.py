"""What was taken out of datasets for good stays out of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "dataset_forgotten",
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("project", "exchange", name="pk_dataset_forgotten"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_dataset_forgotten_project"),
    )


def downgrade() -> None:
    """Drop it; what was forgotten may be collected again."""
    op.drop_table("dataset_forgotten")
