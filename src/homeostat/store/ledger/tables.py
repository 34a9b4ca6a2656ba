"""The ledger's tables. `migrations/` creates them; a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """A point in time as microseconds since 1970, so that every database keeps and compares it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone does not say when it is; give it one (UTC).")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        try:
            return _EPOCH + timedelta(microseconds=int(value))
        except (ValueError, TypeError, OverflowError):  # a damaged number must not hide the rows beside it
            return _EPOCH


metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

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
