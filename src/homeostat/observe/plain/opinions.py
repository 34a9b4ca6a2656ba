"""Signals and scores: what somebody, or some scorer, says about an exchange, a trace, a session or a user.

Signal: `name`, then any of `value` (number, true, false, or a text that becomes the label), `label`, `comment` (or
`reason`), `correction`, `at` (or `timestamp`), `id`, `source`; about one of `exchange_id` (with `trace_id` where the
exchange was sent with both), `trace_id` (with `span_id` or `observation_id`), `session_id` (or `conversation_id`,
`thread_id`), `user_id` (or `user`).

Score: `name`, then `value` (or `score`) or `label`, `reason` (or `comment`, `explanation`, `rationale`), `scorer`,
`rung` (engine, model, judge, human; model when not said), `at`, `id`, `source`; about an exchange, trace or session.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from homeostat.observe.plain.ids import digest, exchange_of, span_of, trace_of
from homeostat.observe.plain.item import NAME_CHARS, Item, written

Fact = dict[str, Any]

_TIMES: Final = ("at", "timestamp", "time", "created_at")
_RUNGS: Final = ("engine", "model", "judge", "human")
_RUNG_WORDS: Final = {"": "model", "llm": "judge", "annotation": "human", "code": "engine", "user": "human"}


def signal(item: Item, project: str) -> Fact:
    """One signal, normalised."""
    value, label = _value(item, "value", "score")
    trace_id, span_id = _trace(item, project)
    fact = {
        "fact": "signal",
        "id": _id(item, project, "signal"),
        "name": _name(item),
        "value": value,
        "label": item.name("label") or label,
        "comment": item.text("comment", "reason", "text", "message"),
        "correction": item.text("correction", "corrected", "expected"),
        "at": written(item.time(*_TIMES) or item.received()),
        "source": item.name("source") or "api",
        "trace_id": trace_id,
        "span_id": span_id,
        "session_id": item.name("session_id", "session", "conversation_id", "thread_id"),
        "user_id": item.name("user_id", "user"),
    }
    if not (trace_id or fact["session_id"] or fact["user_id"]):
        item.refuse("exchange_id", "or trace_id, session_id or user_id: one of them says what it is about")
    return fact


def score(item: Item, project: str) -> Fact:
    """One score, normalised."""
    value, label = _value(item, "value", "score")
    trace_id, span_id = _trace(item, project)
    fact = {
        "fact": "score",
        "id": _id(item, project, "score"),
        "name": _name(item),
        "value": value,
        "label": item.name("label") or label,
        "reason": item.text("reason", "comment", "explanation", "rationale"),
        "scorer": item.name("scorer", "evaluator", "annotator"),
        "rung": _rung(item),
        "at": written(item.time(*_TIMES) or item.received()),
        "source": item.name("source") or "api",
        "trace_id": trace_id,
        "span_id": span_id,
        "session_id": item.name("session_id", "session", "conversation_id", "thread_id"),
    }
    if value is None and not fact["label"]:
        item.refuse("value", "a score has a value (a number) or a label")
    if value is not None and not 0 <= value <= 1:
        item.refuse("value", "must be from 0 to 1, where 1 is good; on another scale it is a signal")
    if not (trace_id or fact["session_id"]):
        item.refuse("exchange_id", "or trace_id or session_id: one of them says what it is about")
    return fact


def _name(item: Item) -> str:
    name = item.name("name", "key")
    if not name:
        item.refuse("name", 'is missing: write what it measures, such as "thumbs"')
    return name


def _id(item: Item, project: str, kind: str) -> str:
    """The client's id, else one from the content, so that a retry is the same fact."""
    return item.name("id") or digest(16, project, kind, msgspec.json.encode(item.value, order="sorted"))


def _value(item: Item, *names: str) -> tuple[float | None, str]:
    """The number, or the text that stands in its place."""
    value = item.pick(*names)
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return None, value[:NAME_CHARS]
    return (None if value is None else item.finite(names[0], value)), ""


def _trace(item: Item, project: str) -> tuple[str, str]:
    """Trace and span that it is about."""
    exchange = item.name("exchange_id", "exchange")
    trace = item.name("trace_id", "trace")
    span = item.name("span_id", "observation_id", "span")
    if exchange:
        found = exchange_of(exchange, project)
        # An exchange that was sent with an id of its own and a trace is found by both.
        own = trace and found[1] and "-".join(found) != exchange.lower()
        return (trace_of(trace, project), span_of(span or exchange, project)) if own else found
    if trace:
        return trace_of(trace, project), span_of(span, project) if span else ""
    if span:
        item.refuse("trace_id", "is missing: a span is found by its trace_id and span_id together")
    return "", ""


def _rung(item: Item) -> str:
    word = item.name("rung").lower()
    return item.one_of("rung", _RUNG_WORDS.get(word, word), _RUNGS)
