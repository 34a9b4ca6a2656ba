"""Marks of rollups say which minutes of their hour changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: Nobody knows of the marks that are there already: all sixty minutes.
_EVERY = (1 << 60) - 1


def upgrade() -> None:
    """Add them."""
    for name, default in (("minutes", _EVERY), ("building", 0)):
        op.add_column("rollup_marks", sa.Column(name, sa.BigInteger, nullable=False, server_default=str(default)))


def downgrade() -> None:
    """Only hours are marked again."""
    for name in ("minutes", "building"):
        op.drop_column("rollup_marks", name)
