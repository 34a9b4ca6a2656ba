"""What serves, what served, what was seen."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from homeostat.store.ledger.tables.common import Moment, metadata

prompts: Final = Table(
    "prompts",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("template", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("author", Text, nullable=False),
)

releases: Final = Table(
    "releases",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("config", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("implicit", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("author", Text, nullable=False),
)

labels: Final = Table(
    "labels",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("author", Text, nullable=False),
)

policies: Final = Table(
    "policies",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("route", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("proved", Text, nullable=False),
)

policy_history: Final = Table(
    "policy_history",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("route", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "request"),
)

sightings: Final = Table(
    "sightings",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("implied", Text, nullable=False),
    Column("changed", Text, nullable=False),
)
