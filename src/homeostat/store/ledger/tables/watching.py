"""What is watched, how far, and what was found."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text

from homeostat.store.ledger.tables.common import Moment, metadata

monitors: Final = Table(
    "monitors",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("author", Text, nullable=False),
)

#: One row for each project: who ticks it, up to where, and the whole state of its detectors. They move together.
watches: Final = Table(
    "watches",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("lease", Float, nullable=False),
    Column("fence", BigInteger, nullable=False, autoincrement=False),
    Column("ticked", BigInteger, nullable=False, autoincrement=False),
    Column("cursors", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

findings: Final = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, ForeignKey("projects.name"), nullable=False),
    Column("monitor", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "project", "at"),
)

comparisons: Final = Table(
    "comparisons",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("route", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("policy", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)
