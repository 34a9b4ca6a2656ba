"""The names that measures know: numbers, dimensions, and which of them the rollups hold."""

from __future__ import annotations

from typing import Final

from homeostat.store.warehouse.questions.fields import FIELDS

#: What people write → the field that is meant.
NUMBERS: Final[dict[str, str]] = {
    "latency": "latency_ms",
    "ttft": "ttft_ms",
    **{
        name: name
        for name in (
            "latency_ms",
            "ttft_ms",
            "input_tokens",
            "output_tokens",
            "tokens",
            "cached_tokens",
            "cost",
            "calls",
            "cache_write_tokens",
            "reasoning_tokens",
            "input_chars",
            "output_chars",
        )
    },
}
#: Summed over model calls, so that what an answer repeats of its calls is counted once when both kinds are asked for.
OF_CALLS: Final = frozenset(
    (
        "input_tokens",
        "output_tokens",
        "tokens",
        "cached_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "cost",
        "calls",
    )
)
#: What `unique(...)` counts.
UNIQUE: Final[dict[str, str]] = {
    "user": "user_id",
    "session": "session_id",
    "trace": "trace_key",
    **{
        name: FIELDS[name].sql
        for name in ("model", "release", "provider", "environment", "name", "prompt", "prompt_version")
    },
}
#: What `by=` takes besides `attribute.<key>`.
DIMENSIONS: Final = tuple(
    name for name, field in FIELDS.items() if field.type in ("text", "list", "flag") and name != "error"
)

#: What the rollups hold: numbers, numbers with buckets, dimensions.
ROLLED: Final = (
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "output_tokens",
    "tokens",
    "cached_tokens",
    "cost",
    "calls",
)
ROLLED_BUCKETS: Final[dict[str, str]] = {"latency_ms": "latency", "ttft_ms": "ttft"}
ROLLED_BY: Final = (
    "model",
    "requested_model",
    "provider",
    "release",
    "environment",
    "status",
    "prompt",
    "prompt_version",
    "name",
)
#: Dimensions that the coarse rollups tell apart; far fewer rows answer what needs no others.
COARSE: Final = ("model", "status")
