"""Steering: prompts, releases, labels, policies with their history, and what was seen in traffic."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number(name: str, kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, autoincrement=False)


def _of_project(table: str, *primary: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("project", *primary, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name=f"fk_{table}_project"),
    ]


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "prompts",
        *_texts("project", "name"),
        _number("version"),
        *_texts("template", "note"),
        _number("created", sa.BigInteger),
        *_texts("author"),
        *_of_project("prompts", "name", "version"),
    )
    op.create_table(
        "releases",
        *_texts("project", "name", "config", "digest"),
        _number("implicit"),
        *_texts("note"),
        _number("created", sa.BigInteger),
        *_texts("author"),
        *_of_project("releases", "name"),
    )
    op.create_table(
        "labels",
        *_texts("project", "kind", "name", "label", "target"),
        _number("at", sa.BigInteger),
        *_texts("author"),
        *_of_project("labels", "kind", "name", "label"),
    )
    op.create_table(
        "policies",
        *_texts("project", "route"),
        _number("version"),
        *_texts("document", "proved"),
        *_of_project("policies", "route"),
    )
    op.create_table(
        "policy_history",
        *_texts("project", "route"),
        _number("version"),
        *_texts("document", "action", "request"),
        _number("at", sa.BigInteger),
        *_of_project("policy_history", "route", "version"),
    )
    op.create_index("ix_policy_history_request", "policy_history", ["request"])
    op.create_table(
        "sightings",
        *_texts("project", "fingerprint", "service", "name", "config"),
        _number("calls", sa.BigInteger),
        _number("first_at", sa.BigInteger),
        _number("last_at", sa.BigInteger),
        *_texts("implied", "changed"),
        *_of_project("sightings", "fingerprint"),
    )


def downgrade() -> None:
    """Take them away, with everything in them; what stood before stays."""
    for table in ("sightings", "policy_history", "policies", "labels", "releases", "prompts"):
        op.drop_table(table)
