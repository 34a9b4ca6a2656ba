"""A version of a dataset can be withdrawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is, yet."""
    op.add_column("datasets", sa.Column("withdrawn", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """All of them count again."""
    op.drop_column("datasets", "withdrawn")
