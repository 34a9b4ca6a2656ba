"""Exchanges as plain JSON.

`input` (or `prompt`, `question`, `query`) and `output` (or `response`, `answer`, `completion`, `generated_text`) are
what matters; a list of chat messages may stand in `messages` or `input`. Everything else is optional:

id (or exchange_id), trace_id, span_id · at (timestamp, start_time) · latency_ms, or latency in seconds, or end_time ·
ttft_ms, or ttft in seconds · name · kind · model, requested_model, provider, response_id, finish_reason · user_id
(user), session_id (conversation_id, thread_id) · release (version), environment (env) · prompt_name, prompt_version ·
documents (contexts, sources): texts or objects · tool_calls · input_tokens, output_tokens, cached_tokens,
cache_write_tokens, reasoning_tokens, or the provider's own `usage` · cost (cost_usd) · status, error · tags ·
estimated: which of `tokens` and `cost` are guesses · attributes (metadata). Any other field is kept among the
attributes.

An exchange as our own exports have it is read back to the same exchange: what they say besides is no attribute.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from homeostat.observe.exact.messages import messages
from homeostat.observe.facts import split
from homeostat.observe.plain.ids import digest, exchange_of, span_of, trace_of
from homeostat.observe.plain.item import NAME_CHARS, Item, text_of, written
from homeostat.records.exchange import EXPORTED

Fact = dict[str, Any]

_KINDS: Final = ("call", "answer", "embedding", "tool", "retriever", "agent", "chain", "evaluator")
_KIND_WORDS: Final = {
    "": "call",
    "llm": "call",
    "chat": "call",
    "completion": "call",
    "generation": "call",
    "trace": "answer",
}
_STATUSES: Final = ("ok", "error", "client_closed")
_STATUS_WORDS: Final = {
    "success": "ok",
    "succeeded": "ok",
    "failed": "error",
    "failure": "error",
    "cancelled": "client_closed",
    "open": "ok",  # as our own export says of an exchange that had just arrived
}
#: What our exports say that follows from the rest, or goes ways of its own (scores, signals).
_FOLLOWS: Final = ("project", "input_chars", "output_chars", "calls", "tools", "op", "scores", "signals")
#: Names inside `usage`, as providers spell them.
_USAGE: Final = {
    "input_tokens": ("input_tokens", "prompt_tokens", "input"),
    "output_tokens": ("output_tokens", "completion_tokens", "output"),
    "cached_tokens": ("cached_tokens", "cache_read_input_tokens", "cache_read_tokens", "cached_input_tokens"),
    "cache_write_tokens": ("cache_write_tokens", "cache_creation_input_tokens", "cache_write_input_tokens"),
    "reasoning_tokens": ("reasoning_tokens", "reasoning_output_tokens"),
}


def exchange(item: Item, project: str) -> Fact:
    """One exchange, normalised."""
    ours = EXPORTED.issubset(item.value)
    trace_id, span_id = _identity(item, project)
    started = item.time("at", "timestamp", "start_time", "started_at", "created_at", "time")
    fact: Fact = {
        "fact": "exchange",
        "id": f"{trace_id}-{span_id}",
        "trace_id": trace_id,
        "span_id": span_id,
        "at": written(started) if started else "",  # not said: when it was received; so a retry is the same line
        "latency_ms": _latency(item),
        "ttft_ms": _millis(item, ("ttft_ms", "time_to_first_token_ms"), ("ttft", "time_to_first_token")),
        "name": item.name("name"),
        "kind": _word(item, "kind", _KIND_WORDS, _KINDS),
        "requested_model": item.name("requested_model", "request_model"),
        "model": item.name("model", "response_model", "model_name"),
        "provider": item.name("provider", "vendor"),
        "response_id": item.name("response_id"),
        "user_id": _who(item),
        "session_id": item.name("session_id", "session", "conversation_id", "thread_id"),
        "release": item.name("release", "version", "app_version"),
        "environment": item.name("environment", "env"),
        "prompt_name": item.name("prompt_name"),
        "prompt_version": item.name("prompt_version"),
        "finish_reason": item.name("finish_reason", "stop_reason"),
        "cost": item.number("cost", "cost_usd", "total_cost"),
    }
    fact |= _texts(item, fact)
    fact |= _tokens(item)
    fact["documents"] = [
        _document(document) for document in _list(item.pick("documents", "contexts", "context", "sources"))
    ]
    fact["tool_calls"] = [_tool_call(call) for call in _list(item.pick("tool_calls"))]
    fact["error"] = _error(item)
    fact["status"] = _word(item, "status", _STATUS_WORDS | {"": "error" if fact["error"] else "ok"}, _STATUSES)
    fact["tags"] = [text_of(tag)[:NAME_CHARS] for tag in _list(item.pick("tags", "tag")) if tag is not None]
    if fact["cost"] is not None and fact["cost"] < 0:
        item.refuse("cost", "must not be negative")
    fact |= _estimated(item)
    if ours:
        fact |= _read_back(item, fact)
    fact["attributes"] = item.object("attributes") | item.object("metadata", "meta") | item.rest()
    if ours and fact["messages"] and messages(*split(fact["attributes"])) == fact["messages"]:
        fact["messages"] = None  # the attributes say them
    if item.cut:
        fact["attributes"]["homeostat.truncated"] = ",".join(item.cut)
    return fact


def _estimated(item: Item) -> Fact:
    """Which figures are guesses of whoever counted them."""
    named = [text_of(name) for name in _list(item.pick("estimated"))]
    for name in named:
        item.one_of("estimated", name, ("tokens", "cost"))
    return {"estimated": named} if named else {}


def _read_back(item: Item, fact: Fact) -> Fact:
    """What only our own exports say. What follows from the rest is left out."""
    for name in _FOLLOWS:
        item.pick(name)
    kept = {name: item.pick(name) for name in ("flags", "resource", "streaming")}
    found = {name: value for name, value in kept.items() if value not in (None, [], {})}
    if (op := item.pick("op")) in ("call", "embedding"):
        found["kind"] = op
    documents = item.pick("documents")
    return found | ({"documents": documents} if isinstance(documents, list) else {})


def _identity(item: Item, project: str) -> tuple[str, str]:
    """Trace and span: the client's, else from its own id, else from the content: a retry is the same exchange."""
    own = item.name("id", "exchange_id")
    trace, span = item.name("trace_id"), item.name("span_id")
    if own and not trace:
        trace_id, span_id = exchange_of(own, project)
        span_id = span_id or span_of(span or own, project)
    else:
        seed = msgspec.json.encode(item.value, order="sorted")
        trace_id = trace_of(trace, project) if trace else digest(16, project, "exchange", seed)
        span_id = span_of(span or own, project) if span or own else digest(8, project, "exchange", seed)
    if own and own.lower() not in (span_id, f"{trace_id}-{span_id}"):
        item.value = item.value | {"client_id": own}
    return trace_id, span_id


def _texts(item: Item, fact: Fact) -> Fact:
    """Input, output and messages, whichever way they were given."""
    prompt = item.value.get("prompt")
    if isinstance(prompt, dict) and prompt and {"name", "version"}.issuperset(prompt):
        # The shape in which exchanges are read back: which prompt it was, not its text.
        item.pick("prompt")
        fact["prompt_name"] = fact["prompt_name"] or text_of(prompt.get("name") or "")[:NAME_CHARS]
        fact["prompt_version"] = fact["prompt_version"] or text_of(prompt.get("version") or "")[:NAME_CHARS]
        asked = item.pick("input", "question", "query")
    else:
        asked = item.pick("input", "prompt", "question", "query")
    messages = item.pick("messages") or None
    if messages is None and _is_chat(asked):
        messages, asked = asked, None
    if messages is not None and not _is_chat(messages):
        item.refuse("messages", 'must be a list of objects with "role" and "content"')
        messages = None
    answered = item.pick("output", "response", "answer", "completion", "generated_text")
    if messages and answered is None and messages[-1].get("role") == "assistant":
        answered = messages[-1].get("content")
    if messages and asked is None:
        asked = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), None)
    return {
        "input": item.shorten("input", _said(asked)),
        "output": item.shorten("output", _said(answered)),
        "messages": messages,
    }


def _is_chat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(m, dict) and "role" in m for m in value)


def _said(value: Any) -> str:
    """The text of a message's content: a string, a list of parts, a provider's answer, or anything as JSON."""
    if value is None:
        return ""
    if isinstance(value, dict):
        choices = value.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            message = choices[0].get("message")
            content = message.get("content") if isinstance(message, dict) else message
            return _said(content or choices[0].get("text"))
        for name in ("content", "text", "generated_text"):
            if isinstance(value.get(name), str):
                return str(value[name])
    if isinstance(value, list) and value and all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in value):
        return "\n".join(part["text"] for part in value)
    return text_of(value)


def _tokens(item: Item) -> Fact:
    usage = item.object("usage", "tokens")
    inner: dict[str, Any] = dict(usage)
    for details in (
        "prompt_tokens_details",
        "input_tokens_details",
        "completion_tokens_details",
        "output_tokens_details",
    ):
        if isinstance(usage.get(details), dict):
            inner |= usage[details]
    counts = Item(inner, 0, 0)
    fact: Fact = {}
    for name, spellings in _USAGE.items():
        own = item.count(name, *(s for s in spellings if s.endswith("tokens")))
        fact[name] = own if own is not None else counts.count(*spellings)
    for wrong in counts.wrong:
        item.refuse(f"usage.{wrong.field}", wrong.message)
    return fact


def _latency(item: Item) -> float | None:
    told = _millis(item, ("latency_ms", "duration_ms"), ("latency", "duration", "latency_s", "duration_s"))
    ended = item.time("end_time", "ended_at")
    if told is not None or ended is None:
        return told
    started = item.time("at", "timestamp", "start_time", "started_at", "created_at", "time")
    return max(0.0, (ended - started).total_seconds() * 1000) if started else None


def _millis(item: Item, millis: tuple[str, ...], seconds: tuple[str, ...]) -> float | None:
    told, other = item.number(*millis), item.number(*seconds)
    value = told if told is not None else other * 1000 if other is not None else None
    if value is not None and not 0 <= value < 1e12:
        item.refuse(millis[0], "must not be negative, nor longer than thirty years")
    return value


def _who(item: Item) -> str:
    user = item.pick("user_id", "user")
    if isinstance(user, dict):
        user = user.get("id") or user.get("user_id") or user.get("name")
    return "" if user is None else item.shorten("user_id", text_of(user), names=True)


def _word(item: Item, field: str, words: dict[str, str], allowed: tuple[str, ...]) -> str:
    word = item.name(field).lower()
    return item.one_of(field, words.get(word, word), allowed)


def _error(item: Item) -> str:
    error = item.pick("error", "exception")
    if isinstance(error, dict):
        error = error.get("message") or error
    return "" if error is None or error is False else text_of(error)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _document(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"text": text_of(value)}
    known = {"id": value.get("id"), "score": value.get("score"), "source": value.get("source")}
    text = next((value[k] for k in ("text", "content", "page_content", "document") if value.get(k)), None)
    known["text"] = None if text is None else text_of(text)
    return {name: found for name, found in known.items() if found is not None} or {"text": text_of(value)}


def _tool_call(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"name": text_of(value)}
    function = value.get("function")
    inner = function if isinstance(function, dict) else value
    arguments = next((inner[k] for k in ("arguments", "args", "input") if inner.get(k) is not None), None)
    call = {"id": value.get("id"), "name": inner.get("name"), "arguments": arguments}
    return {name: found for name, found in call.items() if found is not None}
