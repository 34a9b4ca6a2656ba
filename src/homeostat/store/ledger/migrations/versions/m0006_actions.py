"""Actions with what they expect, their verdicts, datasets, guards and experiments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number(name: str, kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, autoincrement=False)


def _of_project(table: str, *primary: str) -> list[sa.Constraint]:
    own: list[sa.Constraint] = [sa.ForeignKeyConstraint(["project"], ["projects.name"], name=f"fk_{table}_project")]
    return own if not primary else [sa.PrimaryKeyConstraint("project", *primary, name=f"pk_{table}"), *own]


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "actions",
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("project"),
        _number("incident"),
        *_texts("remedy", "state"),
        _number("edition"),
        _number("proposed", sa.BigInteger),
        *_texts("document"),
        *_of_project("actions"),
    )
    op.create_index("ix_actions_project", "actions", ["project", "state"])
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("project"),
        _number("action"),
        _number("at", sa.BigInteger),
        _number("final"),
        *_texts("document"),
        *_of_project("verdicts"),
        sa.ForeignKeyConstraint(["action"], ["actions.id"], name="fk_verdicts_action"),
    )
    op.create_index("ix_verdicts_action", "verdicts", ["action"])
    op.create_table(
        "datasets",
        *_texts("project", "name"),
        _number("version"),
        _number("items"),
        *_texts("digest", "lineage", "note"),
        _number("created", sa.BigInteger),
        *_texts("author"),
        *_of_project("datasets", "name", "version"),
    )
    op.create_table(
        "dataset_items",
        *_texts("project", "name"),
        _number("version"),
        _number("number"),
        *_texts("exchange", "document"),
        *_of_project("dataset_items", "name", "version", "number"),
    )
    op.create_table(
        "guards",
        *_texts("project", "name"),
        _number("version"),
        *_texts("state", "document"),
        _number("changed", sa.BigInteger),
        *_texts("author"),
        *_of_project("guards", "name"),
    )
    op.create_table(
        "experiments",
        *_texts("project", "name", "state", "document"),
        _number("started", sa.BigInteger),
        *_texts("author"),
        *_of_project("experiments", "name"),
    )


def downgrade() -> None:
    """Drop them; what stood before stays."""
    for table in ("experiments", "guards", "dataset_items", "datasets", "verdicts", "actions"):
        op.drop_table(table)
