"""An exchange: one prompt and its response. A `call` is one call to a model, an `answer` what a user asked and got."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from homeostat.records.instant import iso

Kind = Literal["answer", "call"]
_ID: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})", re.ASCII)

#: What our own exports say of every exchange: a row that says all of it is one of ours.
EXPORTED: Final = frozenset(("id", "kind", "project", "trace_id", "span_id", "input_chars", "output_chars", "calls"))
#: What has parts: JSON text where a format has flat columns.
PARTS: Final = (
    "tags", "tools", "flags", "estimated", "documents", "messages", "tool_calls", "attributes", "resource", "scores",
    "signals",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExchangeId:
    """`<trace id>-<span id>`, both in lower-case hex."""

    trace_id: str
    span_id: str

    @classmethod
    def parse(cls, text: str) -> ExchangeId | None:
        """The two ids, or None when the text is not an exchange's id."""
        match = _ID.fullmatch(text.lower())
        return cls(match[1], match[2]) if match else None

    def __str__(self) -> str:
        return f"{self.trace_id}-{self.span_id}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a list shows of an exchange: everything small. Texts are previews, `input_chars` says how long they are."""

    project: str
    trace_id: str
    span_id: str
    at: int
    kind: Kind
    status: str
    name: str
    op: str
    model: str
    requested_model: str
    provider: str
    response_id: str
    user_id: str
    session_id: str
    release: str
    environment: str
    prompt_name: str
    prompt_version: str
    input_start: str
    output_start: str
    input_chars: int
    output_chars: int
    latency_ms: float | None
    ttft_ms: float | None
    streaming: bool | None
    finish_reason: str
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost: float | None
    calls: int
    error: str
    estimated: Sequence[str] = ()
    tags: Sequence[str] = ()
    tools: Sequence[str] = ()
    flags: Sequence[str] = ()
    # Where the rest is found; never shown.
    row_key: int = 0
    input_row: int = 0
    output_row: int = 0
    members: Sequence[str] = ()
    elsewhere: Sequence[str] = ()
    """Spans of other traces that tell it, or a call below it: trace id and span id, in one."""

    @property
    def id(self) -> str:
        return f"{self.trace_id}-{self.span_id}"


@dataclass(frozen=True, slots=True)
class Whole:
    """What only the page of one exchange shows."""

    input: str
    output: str
    error: str = ""
    documents: Sequence[Any] = ()
    tool_calls: Sequence[Any] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    calls: Sequence[Exchange] = ()


def as_json(exchange: Exchange, scores: Mapping[str, Any] | None = None, signals: Sequence[Any] = ()) -> dict[str, Any]:
    """An exchange as the API tells it. Unknown is null; texts are cut to previews."""
    return {
        "id": exchange.id,
        "kind": exchange.kind,
        "project": exchange.project,
        "trace_id": exchange.trace_id,
        "span_id": exchange.span_id,
        "session_id": exchange.session_id or None,
        "user_id": exchange.user_id or None,
        "at": iso(exchange.at),
        "latency_ms": exchange.latency_ms,
        "ttft_ms": exchange.ttft_ms,
        "name": exchange.name,
        "op": exchange.op or None,
        "model": exchange.model or None,
        "requested_model": exchange.requested_model or None,
        "provider": exchange.provider or None,
        "response_id": exchange.response_id or None,
        "release": exchange.release or None,
        "prompt": _prompt(exchange),
        "environment": exchange.environment or None,
        "input": exchange.input_start,
        "input_chars": exchange.input_chars,
        "output": exchange.output_start,
        "output_chars": exchange.output_chars,
        "input_tokens": exchange.input_tokens,
        "output_tokens": exchange.output_tokens,
        "cached_tokens": exchange.cached_tokens,
        "cache_write_tokens": exchange.cache_write_tokens,
        "reasoning_tokens": exchange.reasoning_tokens,
        "cost": exchange.cost,
        "estimated": list(exchange.estimated),
        "calls": exchange.calls,
        "streaming": exchange.streaming,
        "finish_reason": exchange.finish_reason or None,
        "status": exchange.status,
        "error": exchange.error or None,
        "tags": list(exchange.tags),
        "tools": list(exchange.tools),
        "flags": list(exchange.flags),
        "scores": dict(scores or {}),
        "signals": list(signals),
    }


def _prompt(exchange: Exchange) -> dict[str, str | None] | None:
    if not exchange.prompt_name and not exchange.prompt_version:
        return None
    return {"name": exchange.prompt_name or None, "version": exchange.prompt_version or None}


def whole_json(
    exchange: Exchange,
    whole: Whole,
    *,
    messages: Sequence[Any] = (),
    scores: Mapping[str, Any] | None = None,
    signals: Sequence[Any] = (),
) -> dict[str, Any]:
    """One exchange with everything: whole texts, messages, documents, tool calls, raw attributes, an answer's calls."""
    return as_json(exchange, scores, signals) | {
        "input": whole.input,
        "output": whole.output,
        "error": whole.error or None,
        "messages": list(messages),
        "documents": list(whole.documents),
        "tool_calls": list(whole.tool_calls),
        "attributes": dict(whole.attributes),
        "resource": dict(whole.resource),
        "members": [f"{exchange.trace_id}-{span}" for span in exchange.members],
        "call_items": [as_json(call) for call in whole.calls],
    }
