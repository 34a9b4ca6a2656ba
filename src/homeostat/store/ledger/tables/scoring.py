"""Which scorers are on, and how far they are."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, Table, Text

from homeostat.store.ledger.tables.common import Moment, metadata

scorers: Final = Table(
    "scorers",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("filters", Text, nullable=False),
    Column("share", Float, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("author", Text, nullable=False),
)

feeds: Final = Table(
    "feeds",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("track", Text, primary_key=True),
    Column("ready", BigInteger, nullable=False, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("spent", Text, nullable=False),
)
