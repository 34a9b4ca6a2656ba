"""Watching: monitors, their streams, and what they found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, autoincrement=False) for name in names]


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "monitors",
        *_texts("project", "name"),
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        *_texts("document", "state"),
        *_numbers("created"),
        *_texts("author"),
        sa.PrimaryKeyConstraint("project", "name", "version", name="pk_monitors"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_monitors_project"),
    )
    op.create_table(
        "watches",
        *_texts("project", "owner"),
        sa.Column("lease", sa.Float, nullable=False),
        *_numbers("fence", "ticked"),
        *_texts("cursors", "standing"),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("project", name="pk_watches"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_watches_project"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer, nullable=False),
        *_texts("project", "monitor", "measure"),
        *_numbers("at"),
        *_texts("document"),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_findings_project"),
    )
    op.create_index("ix_findings_project", "findings", ["project", "at"])
    op.create_table(
        "comparisons",
        *_texts("project", "route", "measure"),
        sa.Column("policy", sa.Integer, nullable=False),
        *_numbers("at"),
        *_texts("document"),
        sa.PrimaryKeyConstraint("project", "route", "measure", name="pk_comparisons"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_comparisons_project"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("comparisons", "findings", "watches", "monitors"):
        op.drop_table(table)
