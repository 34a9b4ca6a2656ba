"""What was loaded, who may come in, what happened."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from homeostat.store.ledger.tables.common import Moment, metadata

segments: Final = Table(
    "segments",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
)

outcomes: Final = Table(
    "outcomes",
    metadata,
    Column("project", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("items", BigInteger, nullable=False),
)

rollup_marks: Final = Table(
    "rollup_marks",
    metadata,
    Column("project", Text, primary_key=True),
    Column("hour", Moment, primary_key=True),
    Column("mark", BigInteger, nullable=False),
    Column("minutes", BigInteger, nullable=False),
    Column("building", BigInteger, nullable=False),
    Index(None, "mark"),
)

projects: Final = Table(
    "projects",
    metadata,
    Column("name", Text, primary_key=True),
    Column("created", Moment, nullable=False),
    Column("settings", Text, nullable=False),
)

keys: Final = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("project", Text, ForeignKey("projects.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
    Column("revoked", Moment),
    Column("last_used", Moment),
    Index(None, "project"),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

meta: Final = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
