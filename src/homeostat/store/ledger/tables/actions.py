"""What was done and what came of it: actions, verdicts; datasets, guards and experiments beside them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from homeostat.store.ledger.tables.common import Moment, metadata

actions: Final = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, ForeignKey("projects.name"), nullable=False),
    Column("incident", Integer, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("proposed", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "project", "state"),
)

verdicts: Final = Table(
    "verdicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, ForeignKey("projects.name"), nullable=False),
    Column("action", Integer, ForeignKey("actions.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("final", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "action"),
)

datasets: Final = Table(
    "datasets",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("items", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("lineage", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("author", Text, nullable=False),
    Column("withdrawn", Integer, nullable=False, server_default="0"),
)

dataset_items: Final = Table(
    "dataset_items",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("exchange", Text, nullable=False),
    Column("document", Text, nullable=False),
)

#: Digests of the ids of exchanges that were taken out of datasets for good.
dataset_forgotten: Final = Table(
    "dataset_forgotten",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("exchange", Text, primary_key=True),
)

guards: Final = Table(
    "guards",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("changed", Moment, nullable=False),
    Column("author", Text, nullable=False),
)

experiments: Final = Table(
    "experiments",
    metadata,
    Column("project", Text, ForeignKey("projects.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("author", Text, nullable=False),
)
