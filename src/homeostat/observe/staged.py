"""The staging table: rows between decoding and storing. Both paths, fast and exact, fill it with the same columns.
Repeated texts are spliced out of the attributes as in `spans`: what waits is a third as large.

Its columns are those of `spans` without what only the engine computes (`row_key`, `trace_key`, `response_key`) and
without `segment`, plus where the row came from.
"""

from __future__ import annotations

from typing import Final

from homeostat.observe.assemble import keys

#: Unix nanoseconds. A time before it is a clock that nobody set.
YEAR_2000: Final = 946_684_800_000_000_000
#: Nanoseconds, about thirty years: nothing takes as long. What says so has a clock, or a unit, that is wrong.
LONGEST: Final = 10**18

#: The flags of a row that says which of its figures are guesses; no exchange shows them, its `estimated` does.
ESTIMATED: Final = {"tokens": "estimated_tokens", "cost": "estimated_cost"}

#: (name, engine type), in the order of the table.
COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("env", "UInt32"),  # index of the envelope (record) in its segment
    ("ordinal", "UInt32"),  # grows with the position of the item in its envelope
    ("exact", "Bool"),  # which path wrote the row
    ("ident", "String"),  # what tells rows of one span apart besides its ids (log records, plain JSON); empty for spans
    ("project", "String"),
    ("at", "DateTime64(6, 'UTC')"),
    ("trace_id", "FixedString(16)"),
    ("span_id", "FixedString(8)"),
    ("parent_id", "FixedString(8)"),
    ("form", "Enum8('span' = 1, 'log' = 2, 'plain' = 3)"),
    ("received", "DateTime64(6, 'UTC')"),
    ("start_ns", "UInt64"),
    ("end_ns", "UInt64"),
    ("name", "String"),
    ("otel_kind", "UInt8"),
    ("status_code", "UInt8"),
    ("status_message", "String"),
    ("scope", "String"),
    ("scope_version", "String"),
    ("resource", "Map(String, String)"),
    ("attributes", "Map(String, String)"),
    ("attributes_json", "Map(String, String)"),
    ("events", "String"),
    ("links", "String"),
    ("flags", "Array(String)"),
    ("op", "String"),
    ("requested_model", "String"),
    ("model", "String"),
    ("provider", "String"),
    ("response_id", "String"),
    ("user_id", "String"),
    ("session_id", "String"),
    ("release", "String"),
    ("environment", "String"),
    ("prompt_name", "String"),
    ("prompt_version", "String"),
    ("input", "String"),
    ("output", "String"),
    ("input_tokens", "Nullable(UInt32)"),
    ("output_tokens", "Nullable(UInt32)"),
    ("cached_tokens", "Nullable(UInt32)"),
    ("cache_write_tokens", "Nullable(UInt32)"),
    ("reasoning_tokens", "Nullable(UInt32)"),
    ("cost", "Nullable(Float64)"),
    ("ttft_ms", "Nullable(Float64)"),
    ("streaming", "Nullable(Bool)"),
    ("finish_reason", "String"),
    ("error", "String"),
    ("tags", "Array(String)"),
    ("documents", "String"),
    ("tool_calls", "String"),
)

#: What the engine works out of them when they are staged, once for all that ask for it.
KEYS: Final = {"row_key": keys.ROW, "trace_key": keys.TRACE, "response_key": keys.RESPONSE}

NAMES: Final[tuple[str, ...]] = tuple(name for name, _ in COLUMNS)


def table(name: str) -> str:
    """DDL of a staging table."""
    columns = ", ".join(
        [f"{column} {kind}" for column, kind in COLUMNS]
        + [f"{key} UInt64 DEFAULT {made}" for key, made in KEYS.items()]
    )
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE = Memory"
