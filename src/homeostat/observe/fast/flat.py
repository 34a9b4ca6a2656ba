"""SQL that decodes a segment into one row per span, each with its texts, its shape and what is odd about it."""

# ruff: noqa: S608 (SQL made of our own tables only; values are bound)

from __future__ import annotations

from typing import Final

from homeostat.observe.dialects import FACT_MARKS
from homeostat.observe.fast import shape, values
from homeostat.observe.fast.text import quote
from homeostat.observe.staged import YEAR_2000

AHEAD: Final = 600_000_000_000

COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("env", "UInt32"),
    ("position", "UInt32"),  # among all spans of the segment
    ("project", "String"),
    ("received", "UInt64"),
    ("fate", "Enum8('kept' = 0, 'invalid_id' = 1, 'expired' = 2)"),
    ("odd", "UInt8"),
    ("shape", "Array(UInt64)"),
    ("places", "Array(UInt16)"),
    ("keys", "Array(String)"),
    ("strings", "Array(UInt8)"),
    ("texts", "Array(String)"),
    ("own", "UInt32"),  # of its texts so many are its own, the others its resource's
    ("at_ns", "UInt64"),
    ("start_ns", "UInt64"),
    ("end_ns", "UInt64"),
    ("trace_id", "String"),
    ("span_id", "String"),
    ("parent_id", "String"),
    ("name", "String"),
    ("otel_kind", "UInt8"),
    ("status_code", "UInt8"),
    ("status_message", "String"),
    ("scope", "String"),
    ("scope_version", "String"),
    ("events", "String"),
    ("exception", "String"),  # the message of the last event of that name
    ("links", "String"),
)
_LAST: Final = ("own", "fate", "odd", "links", "shape", "places")
_LATER: Final = (*_LAST, "keys", "strings", "texts", "events", "exception")
_ABOVE: Final = "env, project, received, oldest"


def table(name: str) -> str:
    """DDL of the table of laid-out spans."""
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS)
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE = Memory"


def insert(into: str, envelopes: str, condition: str = "") -> str:
    """Lay out every span of the relation `envelopes` (see `schema.STRUCTURE`), or those that meet a condition."""
    names = ", ".join(name for name, _ in COLUMNS)
    return f"INSERT INTO {into} ({names}) SELECT {names} FROM {rows(envelopes, condition)}"


def rows(envelopes: str, condition: str = "") -> str:
    """Spans laid out, as a relation: what `insert` puts into the table."""
    spans = _spans(envelopes)
    return f"({_judged(_named(f'SELECT * FROM ({spans}) WHERE {condition}' if condition else spans))})"


def _spans(envelopes: str) -> str:
    """One row per span. Its attributes and those of its resource stand in one array: they are worked out together.

    The row number must see every record: the engine does not move a filter below a function that counts rows.
    """
    records = (
        "SELECT rowNumberInAllBlocks() AS env, project, received, oldest, outcome, traces.resources AS rs "
        f"FROM {envelopes}"
    )
    resources = f"SELECT {_ABOVE}, arrayJoin(rs) AS r FROM ({records}) WHERE outcome = ''"
    scopes = f"SELECT {_ABOVE}, r.resource.attributes AS r_pairs, arrayJoin(r.scopes) AS scopes FROM ({resources})"
    spans = (
        f"SELECT {_ABOVE}, r_pairs, scopes.scope.name AS scope, scopes.scope.version AS scope_version, "
        f"arrayJoin(scopes.spans) AS span FROM ({scopes})"
    )
    return (
        f"SELECT {_ABOVE}, rowNumberInAllBlocks() AS position, scope, scope_version, "
        "span.trace_id AS trace_id, span.span_id AS span_id, "
        "if(length(span.parent_id) = 8, span.parent_id, repeat('\\0', 8)) AS parent_id, span.name AS name, "
        "if(span.kind < 256, span.kind, 0) AS otel_kind, span.start AS start_ns, span.end AS end_ns, "
        "if(span.status.code < 256, span.status.code, 0) AS status_code, span.status.message AS status_message, "
        f"length(span.links) AS extras, {values.unpack_events('span.events', 'e')}, length(span.attributes) AS own, "
        f"if(start_ns BETWEEN {YEAR_2000} AND received + {AHEAD}, start_ns, received) AS at_ns, "
        f"{values.unpack('arrayConcat(span.attributes, r_pairs)', 'v')} FROM ({spans})"
    )


def _named(spans: str) -> str:
    kept = ", ".join(name for name, _ in COLUMNS if name not in _LATER)
    return (
        f"SELECT {kept}, oldest, own, extras, v_keys AS keys, arrayMap(t -> t = 's', v_kinds) AS strings, "
        f"v_kinds, v_d, {values.texts('v')} AS texts, {values.odd_values('v')} AS v_odd, "
        f"{shape.names('v_keys', 'own')} AS names, e_names, e_keys, e_kinds, {values.events('e')} AS events, "
        f"{values.event_text('e', 'exception', 'exception.message')} AS exception FROM ({spans})"
    )


def _judged(named: str) -> str:
    kept = ", ".join(name for name, _ in COLUMNS if name not in _LAST)
    fate = (
        "multiIf(length(trace_id) != 16 OR length(span_id) != 8 OR trace_id = repeat('\\0', 16) "
        "OR span_id = repeat('\\0', 8), "
        "'invalid_id', oldest > 0 AND greatest(at_ns, end_ns) < oldest, 'expired', 'kept')"
    )
    odd = (
        f"(v_odd + {values.odd_texts('[name, status_message, scope, scope_version]')} + {values.odd_texts('keys')} "
        f"+ {values.odd_texts('texts')} + {values.odd_escapes('v_kinds', 'texts')} + extras "
        f"+ {values.odd_events('e', 'events')} "
        "+ (arrayUniq(arraySlice(keys, 1, own)) < own) + (arrayUniq(arraySlice(keys, own + 1)) < length(keys) - own) "
        f"+ (name IN ({', '.join(map(quote, FACT_MARKS.events))})) + (length(keys) > 60000)) > 0"
    )
    coded = (
        f"SELECT {kept}, oldest, own, {fate} AS fate, {odd} AS odd, '' AS links, e_names, "
        f"{shape.held('names', 'v_kinds', 'texts')} AS held, "
        f"{shape.codes('names', 'v_kinds', 'texts', 'v_d')} AS codes FROM ({named})"
    )
    facts = shape.facts("status_code", "status_message", "e_names")
    # It began before what is kept: else one body could open a partition for every day.
    kept = kept.replace("at_ns", "greatest(at_ns, oldest) AS at_ns")
    return (
        f"SELECT {kept}, own, fate, odd, links, "
        f"arrayConcat(arrayMap(c -> bitAnd(c, {0xFFFFFFFFFFFF0000}), codes), {facts}, held) AS shape, "
        f"arrayMap(c -> toUInt16(bitAnd(c, 65535)), codes) AS places FROM ({coded})"
    )
