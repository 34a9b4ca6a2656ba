"""What exchanges can be filtered by, as data. A name that is not here does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from homeostat.store.warehouse.questions.bound import moment

Type = Literal["text", "number", "list", "flag"]

#: Open until it settles, by the clock of the one who asks.
STATUS: Final = f"if(settles > {moment('now')}, 'open', status)"
#: Counted as an answer by now: an orphan waits for its parent.
ANSWER: Final = f"(is_answer AND answer_from <= {moment('now')})"

#: The tag of what the gateway asked a shadow, whose answers nobody saw; and the condition that it was none.
SHADOW: Final = "shadow"
GIVEN: Final = f"NOT has(tags, '{SHADOW}')"
#: The tag of what a guard of the gateway withheld: no error, and no answer that anybody got.
BLOCKED: Final = "blocked"


@dataclass(frozen=True, slots=True)
class Field:
    """`sql` is an expression over the columns of `exchanges`; a number or flag that is not known is NULL."""

    type: Type
    sql: str


_NEITHER: Final = "input_tokens IS NULL AND output_tokens IS NULL"


def _same(type_: Type, *names: str) -> dict[str, Field]:
    return {name: Field(type_, name) for name in names}


FIELDS: Final[dict[str, Field]] = {
    **_same("text", "model", "requested_model", "provider", "release", "environment", "name", "op", "prompt_version",
            "finish_reason", "response_id", "user_id", "session_id"),
    "user": Field("text", "user_id"),
    "session": Field("text", "session_id"),
    "prompt": Field("text", "prompt_name"),
    "status": Field("text", STATUS),
    "error": Field("text", "error"),
    "tag": Field("list", "tags"),
    "flag": Field("list", "flags"),
    "tool": Field("list", "tools"),
    "estimated": Field("list", "estimated"),
    "streaming": Field("flag", "streaming"),
    **_same("number", "latency_ms", "ttft_ms", "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens",
            "reasoning_tokens", "cost", "calls", "input_chars", "output_chars"),
    "latency": Field("number", "latency_ms"),
    "ttft": Field("number", "ttft_ms"),
    "tokens": Field("number", f"if({_NEITHER}, NULL, ifNull(input_tokens, 0) + ifNull(output_tokens, 0))"),
}  # fmt: skip

#: Names that take a name of the user's own: `attribute.http.route`, `score.relevance`, `signal.thumbs`.
FAMILIES: Final = ("attribute", "score", "signal")
#: Names with a meaning of their own.
SPECIAL: Final = ("q", "id", "trace", "label", "input", "output")

Op = Literal["is", "not", "gt", "gte", "lt", "lte", "contains", "exists"]
COMPARE: Final[dict[str, str]] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
SUFFIXES: Final[tuple[Op, ...]] = ("not", "gt", "gte", "lt", "lte", "contains", "exists")
