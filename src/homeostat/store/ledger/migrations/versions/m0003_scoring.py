"""Scoring: which scorers are on, and up to where exchanges were taken by whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "scorers",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("project", "name")),
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "settings", "filters")),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("project", "name", "version", name="pk_scorers"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_scorers_project"),
    )
    op.create_table(
        "feeds",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("project", "track")),
        sa.Column("ready", sa.BigInteger, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "spent")),
        sa.PrimaryKeyConstraint("project", "track", name="pk_feeds"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_feeds_project"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("feeds")
    op.drop_table("scorers")
