"""Rows on their way to exchanges: what is kept of a span, a log record or a plain exchange, without its whole texts."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from typing import Final

#: Own value first, then that of whoever tells the same.
TEXTS: Final = ("op", "requested_model", "model", "provider", "response_id", "finish_reason", "error")
#: Own value, else an ancestor's, else anything in the trace.
CONTEXT: Final = ("user_id", "session_id", "release", "environment", "prompt_name", "prompt_version")
TOKENS: Final = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
#: Nullable, own first.
NUMBERS: Final = (*TOKENS, "cost", "ttft_ms", "streaming")

_TYPES: Final[dict[str, str]] = {
    **dict.fromkeys(TOKENS, "Nullable(UInt32)"),
    "cost": "Nullable(Float64)",
    "ttft_ms": "Nullable(Float64)",
    "streaming": "Nullable(Bool)",
}

COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("trace_key", "UInt64"),
    ("span_id", "FixedString(8)"),
    ("project", "String"),
    ("trace_id", "FixedString(16)"),
    ("parent_id", "FixedString(8)"),
    ("at", "DateTime64(6, 'UTC')"),
    ("form", "Int8"),
    ("row_key", "UInt64"),
    ("response_key", "UInt64"),
    ("received", "DateTime64(6, 'UTC')"),
    ("start_ns", "UInt64"),
    ("end_ns", "UInt64"),
    ("name", "String"),
    ("scope", "String"),
    ("status_code", "UInt8"),
    *((name, "String") for name in (*TEXTS, *CONTEXT)),
    *((name, _TYPES[name]) for name in NUMBERS),
    ("input_row", "UInt64"),
    ("input_start", "String"),
    ("input_chars", "UInt32"),
    ("input_hash", "UInt64"),
    ("output_row", "UInt64"),
    ("output_start", "String"),
    ("output_chars", "UInt32"),
    ("tags", "Array(String)"),
    ("tools", "Array(String)"),
    ("flags", "Array(String)"),
)
#: The forms of a log record and of a plain exchange, as numbers.
LOG: Final = 2
PLAIN: Final = 3
NAMES: Final = tuple(name for name, _ in COLUMNS)

#: Names of the tools that an answer asks for.
TOOLS: Final = (
    "if(tool_calls = '', [], arrayDistinct(arrayFilter(t -> t != '', "
    "arrayMap(t -> JSONExtractString(t, 'name'), JSONExtractArrayRaw(tool_calls)))))"
)
START: Final = "substringUTF8({0}, 1, 160)"


def select(relation: str) -> str:
    """The columns of rows that are staged or stored, for a WHERE to follow."""
    made = {
        "form": "CAST(form, 'Int8')",
        "tools": TOOLS,
        "input_hash": "if(input = '', 0, cityHash64(input))",
    }
    for side in ("input", "output"):
        made[f"{side}_row"] = f"if({side} = '', 0, row_key)"
        made[f"{side}_start"] = START.format(side)
        made[f"{side}_chars"] = f"lengthUTF8({side})"
    columns = ", ".join(f"{made[name]} AS {name}" if name in made and made[name] != name else name for name in NAMES)
    return f"SELECT {columns} FROM {relation}"
