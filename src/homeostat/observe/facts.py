"""Plain facts (JSON lines, normalised) as rows: exchanges to be staged, signals and scores for their tables."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from homeostat.observe.exact.rows import moment
from homeostat.observe.staged import COLUMNS, ESTIMATED, NAMES
from homeostat.records.instant import BadTime, micros, parse
from homeostat.store.spool.envelope import Envelope

Fact = dict[str, Any]
Row = list[Any]

SIGNAL: Final = (
    "project", "at", "id", "received", "name", "value", "label", "comment", "correction", "source", "trace_id",
    "span_id", "session_id", "user_id",
)  # fmt: skip
SCORE: Final = (
    "project", "at", "id", "received", "name", "value", "label", "reason", "scorer", "rung", "source",
    "trace_id", "span_id", "session_id",
)  # fmt: skip

_EMPTY: Final[dict[str, Any]] = {
    name: None
    if kind.startswith("Nullable")
    else []
    if kind.startswith("Array")
    else {}
    if kind.startswith("Map")
    else ""
    for name, kind in COLUMNS
}
_TEXTS: Final = (
    "name", "requested_model", "model", "provider", "response_id", "user_id", "session_id", "release",
    "environment", "prompt_name", "prompt_version", "input", "output", "finish_reason", "error",
)  # fmt: skip
_COUNTS: Final = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
_LARGEST: Final = 2**32 - 1
#: A time farther ahead of its receipt is a clock that is wrong. (Each day is a partition: a body must not make many.)
_AHEAD: Final = timedelta(minutes=10)


class BadFact(ValueError):
    """A line that is not a fact of ours."""


class Expired(Exception):
    """A fact from before the retention."""


@dataclass(slots=True)
class Facts:
    """What the lines of one or more envelopes say."""

    exchanges: list[Row] = field(default_factory=list)  # in the order of `staged.NAMES`
    signals: list[Row] = field(default_factory=list)  # in the order of SIGNAL
    scores: list[Row] = field(default_factory=list)  # in the order of SCORE
    bad: int = 0
    expired: int = 0


def read(envelope: Envelope, env: int) -> Facts:
    """The facts of an envelope; a line that is none is counted and costs the others nothing."""
    found = Facts()
    for line in envelope.body.split(b"\n"):
        if not line.strip():
            continue
        try:
            fact = json.loads(line)
            if not isinstance(fact, dict):
                raise BadFact("a fact is a JSON object")
            _sort(found, fact, envelope, env, line)
        except Expired:
            found.expired += 1
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            found.bad += 1
    return found


def expired(fact: Fact, received_ns: int, oldest: int) -> bool:
    """Whether a fact is from before what is kept (unix ns): the loader will count it, and keep nothing of it."""
    received = moment(received_ns)
    told = _time(fact.get("at"), received)
    last = micros(_sane(told, received)) * 1000
    if fact.get("fact") == "exchange":
        last = max(last, micros(told) * 1000 + round((_number(fact.get("latency_ms")) or 0.0) * 1e6))
    return last < oldest


def opinions(facts: Iterable[Fact], project: str, received: datetime) -> Facts:
    """Signals and scores that hide in telemetry, as rows."""
    found = Facts()
    for fact in facts:
        if fact["fact"] == "score":
            found.scores.append(_opinion(fact, project, received, SCORE))
        else:
            found.signals.append(_opinion(fact, project, received, SIGNAL))
    return found


def _sort(found: Facts, fact: Fact, envelope: Envelope, env: int, line: bytes) -> None:
    received = moment(envelope.received)
    kind = fact.get("fact")
    if kind == "exchange":
        found.exchanges.append(_exchange(fact, envelope, received, env, line))
    elif kind == "signal":
        found.signals.append(_unexpired(_opinion(fact, envelope.project, received, SIGNAL), envelope))
    elif kind == "score":
        found.scores.append(_unexpired(_opinion(fact, envelope.project, received, SCORE), envelope))
    else:
        raise BadFact(f"{kind!r} is not a fact: exchange, signal or score")


def _unexpired(row: Row, envelope: Envelope) -> Row:
    if row[SIGNAL.index("at")] < moment(envelope.oldest):
        raise Expired
    return row


def _opinion(fact: Fact, project: str, received: datetime, columns: tuple[str, ...]) -> Row:
    known: dict[str, Any] = {
        "project": project,
        "received": received,
        "at": _sane(_time(fact.get("at"), received), received),
        "value": _number(fact.get("value")),
        "trace_id": _id(fact.get("trace_id"), 16),
        "span_id": _id(fact.get("span_id"), 8),
    }
    if not fact.get("id") or not fact.get("name"):
        raise BadFact("a signal or score has an id and a name")
    return [known[name] if name in known else _text(fact.get(name)) for name in columns]


def _exchange(fact: Fact, envelope: Envelope, received: datetime, env: int, line: bytes) -> Row:
    """One plain exchange as a staged row."""
    told = _time(fact.get("at"), received)
    at = _sane(told, received)
    start = micros(told) * 1000
    latency = _number(fact.get("latency_ms"))
    end = start + round((latency or 0.0) * 1e6)
    if max(micros(at) * 1000, end) < envelope.oldest:
        raise Expired
    at = max(at, moment(envelope.oldest)) if envelope.oldest else at
    row: Fact = dict(_EMPTY)
    row.update({name: _text(fact.get(name)) for name in _TEXTS})
    row.update({name: _count(fact.get(name)) for name in _COUNTS})
    trace_id, span_id = _id(fact.get("trace_id"), 16), _id(fact.get("span_id"), 8)
    if not any(trace_id) or not any(span_id):
        raise BadFact("an exchange has a trace and a span")
    failed = fact.get("status") == "error"
    row.update(
        env=env,
        ordinal=0,
        exact=True,
        ident=hashlib.sha256(line).hexdigest()[:32],
        project=envelope.project,
        at=at,
        trace_id=trace_id,
        span_id=span_id,
        parent_id=bytes(8),
        form="plain",
        received=received,
        start_ns=start,
        end_ns=0 if latency is None else end,
        otel_kind=0,
        status_code=2 if failed else 1,
        flags=_flags(fact, at != told),
        op=_op(fact, row),
        cost=_number(fact.get("cost")),
        ttft_ms=_number(fact.get("ttft_ms")),
        tags=[_text(tag) for tag in fact.get("tags") or ()],
        documents=_parts(fact.get("documents")),
        tool_calls=_parts(fact.get("tool_calls")),
        resource={_text(name): _text(value) for name, value in (fact.get("resource") or {}).items()},
        streaming=streaming if isinstance(streaming := fact.get("streaming"), bool) else None,
    )
    row["attributes"], row["attributes_json"] = _attributes(fact)
    return [row[name] for name in NAMES]


def _flags(fact: Fact, skewed: bool) -> list[str]:
    flags = [_text(flag) for flag in fact.get("flags") or ()]
    flags += ["client_closed"] * (fact.get("status") == "client_closed") + ["clock_skew"] * skewed
    flags += [ESTIMATED[name] for name in fact.get("estimated") or () if name in ESTIMATED]
    return list(dict.fromkeys(flags))


def _op(fact: Fact, row: Fact) -> str:
    """What it tells of: an answer that says what it used is a call as well, else its calls are told beside it."""
    kind = _text(fact.get("kind")) or "call"
    if kind != "answer":
        return kind
    used = [row["model"], row["requested_model"], *(row[name] for name in _COUNTS), fact.get("cost")]
    return "call" if any(value not in ("", None) for value in used) else "chain"


def _attributes(fact: Fact) -> tuple[dict[str, str], dict[str, str]]:
    strings, others = split(fact.get("attributes") or {})
    if fact.get("messages"):
        others.setdefault("gen_ai.input.messages", _json(fact["messages"]))
    return strings, others


def split(attributes: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Attributes as they are stored: texts, and everything else as JSON."""
    strings: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, value in attributes.items():
        if isinstance(value, str):
            strings[_text(name)] = _text(value)
        elif value is not None:
            others[_text(name)] = _json(value)
    return strings, others


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


def _parts(value: Any) -> str:
    """What has parts, as JSON; without any there is nothing to keep."""
    return _json(value) if value else ""


def _text(value: Any) -> str:
    """Text that can be stored: a half of a surrogate pair cannot."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= _LARGEST else None


def _id(value: Any, size: int) -> bytes:
    raw = bytes.fromhex(value) if isinstance(value, str) and value else bytes(size)
    if len(raw) != size:
        raise BadFact(f"an id of {size} bytes is {2 * size} hexadecimal digits")
    return raw


def _time(value: Any, received: datetime) -> datetime:
    try:
        return parse(value, received) if isinstance(value, str) and value else received
    except BadTime as error:
        raise BadFact(str(error)) from None


def _sane(at: datetime, received: datetime) -> datetime:
    return at if at <= received + _AHEAD else received
