"""What a person is told about, the ways to tell, and what waits to be told. Times: microseconds, UTC."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from homeostat.store.ledger.tables.common import metadata

incidents: Final = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, ForeignKey("projects.name"), nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("onset", BigInteger, nullable=False),
    Column("onset_low", BigInteger, nullable=False),
    Column("onset_high", BigInteger, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("candidates", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("streams", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("silenced_until", BigInteger, nullable=False),
    Column("closed", BigInteger, nullable=False),
    Column("closed_by", Text, nullable=False),
    Column("merged_into", Integer, nullable=False),
    Column("reopened", Integer, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index(None, "project", "state"),
    Index("ix_incidents_changed", "project", "changed"),
)

incident_entries: Final = Table(
    "incident_entries",
    metadata,
    Column("incident", Integer, ForeignKey("incidents.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("refers", Text, nullable=False),
)

channels: Final = Table(
    "channels",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("sent_critical", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("key", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.name"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("incident", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("held_until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Index(None, "state", "due"),
    Index("ix_outbox_channel", "project", "channel", "state"),
)

threads: Final = Table(
    "threads",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("handle", Text, nullable=False),
)
