"""Rows of `exchanges` as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.store.warehouse.questions.fields import ANSWER, STATUS

#: What somebody wrote may be as long as a body (an error that is a page of HTML, a comment): a list has its beginning.
START_CHARS: Final = 4000
#: Columns that a record takes as they are.
_PLAIN: Final = (
    "project", "name", "op", "model", "requested_model", "provider", "response_id", "user_id", "session_id", "release",
    "environment", "prompt_name", "prompt_version", "input_start", "output_start", "input_chars", "output_chars",
    "latency_ms", "ttft_ms", "streaming", "finish_reason", "input_tokens", "output_tokens", "cached_tokens",
    "cache_write_tokens", "reasoning_tokens", "cost", "calls", "estimated", "tags", "tools", "flags",
    "row_key", "input_row", "output_row",
)  # fmt: skip

#: New names, never those of columns: a column's name given to something else would change what WHERE means.
SELECT: Final = ", ".join(
    (
        *_PLAIN,
        "elsewhere",
        "toUnixTimestamp64Micro(at) AS at_us",
        "lower(hex(trace_id)) AS trace_hex",
        "lower(hex(span_id)) AS span_hex",
        "arrayMap(m -> lower(hex(m)), members) AS member_hex",
        f"if({ANSWER} OR NOT is_call, 'answer', 'call') AS kind",
        f"{STATUS} AS state",
        f"substringUTF8(error, 1, {START_CHARS}) AS error_start",
    )
)


def exchange(row: Mapping[str, Any]) -> Exchange:
    """One row of a question that asked for `SELECT`."""
    return Exchange(
        trace_id=row["trace_hex"],
        span_id=row["span_hex"],
        at=row["at_us"],
        kind=row["kind"],
        status=row["state"],
        error=row["error_start"],
        members=row["member_hex"] or [row["span_hex"]],
        elsewhere=[span.hex() for span in row["elsewhere"]],
        **{name: row[name] for name in _PLAIN},
    )


def exchanges(rows: Iterable[Mapping[str, Any]]) -> list[Exchange]:
    """All rows, in their order."""
    return [exchange(row) for row in rows]
