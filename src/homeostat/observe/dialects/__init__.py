"""What senders call things, kept as data: the alias table, the words for kinds of work, the marks of special rows."""

from __future__ import annotations

from homeostat.observe.dialects.alias import Alias, Field, Indexed
from homeostat.observe.dialects.fields import BY_COLUMN, FIELDS
from homeostat.observe.dialects.marks import (
    ENUMERATED,
    FACT_MARKS,
    FRAMEWORKS,
    LOG_LINES,
    LOG_NAME_ATTRIBUTES,
    MADE_UP_SESSIONS,
    MESSAGE_EVENTS,
    OBJECT,
)
from homeostat.observe.dialects.ops import CALLS, COMPONENTS, OP_MARKS, OPS, WRAPPERS, Wrapper

__all__ = [
    "BY_COLUMN",
    "CALLS",
    "COMPONENTS",
    "ENUMERATED",
    "FACT_MARKS",
    "FIELDS",
    "FRAMEWORKS",
    "LOG_LINES",
    "LOG_NAME_ATTRIBUTES",
    "MADE_UP_SESSIONS",
    "MESSAGE_EVENTS",
    "OBJECT",
    "OPS",
    "OP_MARKS",
    "WRAPPERS",
    "Alias",
    "Field",
    "Indexed",
    "Wrapper",
]
