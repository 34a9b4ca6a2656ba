"""Incidents, whom they are told to, and what waits to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False, autoincrement=False) for name in names]


def _project(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["project"], ["projects.name"], name=f"fk_{table}_project")


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer, nullable=False),
        *_texts("project"),
        *_times("opened", "onset", "onset_low", "onset_high"),
        *_texts("severity", "state", "cause", "candidates", "findings", "streams", "owner"),
        *_times("silenced_until", "closed"),
        *_texts("closed_by"),
        *_numbers("merged_into", "reopened"),
        *_times("changed"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        _project("incidents"),
    )
    op.create_index("ix_incidents_project", "incidents", ["project", "state"])
    op.create_index("ix_incidents_changed", "incidents", ["project", "changed"])
    op.create_table(
        "incident_entries",
        *_numbers("incident", "number"),
        *_times("at"),
        *_texts("kind", "text", "author", "refers"),
        sa.PrimaryKeyConstraint("incident", "number", name="pk_incident_entries"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name="fk_incident_entries_incident"),
    )
    op.create_table(
        "channels",
        *_texts("project", "name", "kind", "settings", "sealed", "rules", "state"),
        *_times("created"),
        *_texts("author"),
        *_times("sent", "sent_critical"),
        *_texts("problem"),
        sa.PrimaryKeyConstraint("project", "name", name="pk_channels"),
        _project("channels"),
    )
    op.create_table(
        "outbox",
        *_texts("key", "project", "channel"),
        *_numbers("incident"),
        *_texts("kind", "severity", "body"),
        *_times("made", "due"),
        *_texts("state", "batch"),
        *_times("held_until"),
        *_numbers("attempts"),
        *_times("ended"),
        *_texts("error"),
        sa.PrimaryKeyConstraint("key", name="pk_outbox"),
        _project("outbox"),
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "due"])
    op.create_index("ix_outbox_channel", "outbox", ["project", "channel", "state"])
    op.create_table(
        "threads",
        *_texts("project", "channel"),
        *_numbers("incident"),
        *_texts("handle"),
        sa.PrimaryKeyConstraint("project", "channel", "incident", name="pk_threads"),
        _project("threads"),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("threads", "outbox", "channels", "incident_entries", "incidents"):
        op.drop_table(name)
