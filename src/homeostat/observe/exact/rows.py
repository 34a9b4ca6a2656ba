"""Envelopes as staged rows, the complete mapping.

Kept: a span with valid ids that is not expired. `at` is its start; a start that cannot be (0, before 2000, more than
ten minutes after it was received) is replaced by the time of receipt and flagged `clock_skew`. Expired: both `at` and
the end are before the envelope's `oldest`; what only began before it is kept as of `oldest`, flagged `clock_skew` too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeostat.observe.exact import decode
from homeostat.observe.exact.limits import Limits
from homeostat.observe.exact.mapping import Reading, log_name
from homeostat.observe.exact.shapes import clean, dump
from homeostat.observe.staged import LONGEST, NAMES, YEAR_2000
from homeostat.store.spool.envelope import Envelope, Part

Row = dict[str, Any]

ID_LIMIT: Final = 1024
_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_AHEAD: Final = 600_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS: Final = ("input", "output", "documents", "tool_calls", "error")
_IDS: Final = ("user_id", "session_id")
_EMPTY: Final[dict[str, Any]] = {
    "input_tokens": None, "output_tokens": None, "cached_tokens": None, "cache_write_tokens": None,
    "reasoning_tokens": None, "cost": None, "ttft_ms": None, "streaming": None,
}  # fmt: skip
_NOTHING: Final[Row] = dict.fromkeys(NAMES[NAMES.index("op") :], "") | _EMPTY | {"tags": []}


@dataclass(frozen=True, slots=True)
class Dropped:
    """Items that gave no row, by reason."""

    invalid_id: int = 0
    expired: int = 0


class Rows(list[Row]):
    """Staged rows of an envelope; `dropped` counts what gave none."""

    dropped: Dropped = Dropped()


def rows(
    envelope: Envelope,
    env: int,
    *,
    attribute_limit: int,
    text_limit: int,
    first: int = 0,
    only: Container[int] | None = None,
) -> Rows:
    """The staged rows of an envelope that holds traces or logs; `env` is its index in the segment.

    `only`: of its spans those at these positions, counted from `first`, as if there were no others.
    """
    is_log = envelope.part is Part.LOGS
    items: Iterable[tuple[int, decode.Item]] = ()
    if is_log:
        items = decode.logs(envelope.body)
    elif envelope.part is Part.TRACES:
        items = decode.spans(envelope.body, first, only)
    out = Rows()
    invalid = expired = 0
    for ordinal, item in items:
        if not _ids(item, is_log):
            invalid += 1
            continue
        at = _at(item, envelope.received, is_log)
        if envelope.oldest and max(at, item.end) < envelope.oldest:
            expired += 1
            continue
        if at < envelope.oldest:  # it began before what is kept: else one body could open a partition for every day
            at = envelope.oldest
            item.flags.add("clock_skew")
        limits = Limits(attribute_limit, text_limit, item.flags)
        out.append(_row(item, envelope, (env, ordinal), at, limits, is_log))
    out.dropped = Dropped(invalid, expired)
    return out


def _ids(item: decode.Item, is_log: bool) -> bool:
    """Whether the ids are sound. A log record needs none: without a sound pair it is about no span."""
    trace = len(item.trace_id) == 16 and item.trace_id != _NO_TRACE
    span = len(item.span_id) == 8 and item.span_id != _NO_SPAN
    if is_log:
        item.trace_id = item.trace_id if trace else _NO_TRACE
        item.span_id = item.span_id if trace and span else _NO_SPAN
        return True
    if len(item.parent_id) != 8:
        item.parent_id = _NO_SPAN
    return trace and span


def _at(item: decode.Item, received: int, is_log: bool) -> int:
    if is_log and not item.start:
        item.start = item.end = item.observed
    if not YEAR_2000 <= item.start <= received + _AHEAD:
        item.flags.add("clock_skew")
        return received
    if not item.start <= item.end < item.start + LONGEST:
        item.flags.add("bad_time")
    return item.start


def _row(item: decode.Item, envelope: Envelope, place: tuple[int, int], at: int, limits: Limits, is_log: bool) -> Row:
    found = Reading(item, is_log=is_log).columns()
    strings, others = limits.split(item.attributes)
    if is_log:
        _log_extras(item, limits, strings, others)
    resource, resource_json = limits.split(item.resource, "resource.")
    row: Row = {
        "env": place[0],
        "ordinal": place[1],
        "exact": True,
        "ident": hashlib.sha256(item.raw).hexdigest()[:32] if is_log else "",
        "project": envelope.project,
        "at": moment(at),
        "trace_id": item.trace_id,
        "span_id": item.span_id,
        "parent_id": item.parent_id if not is_log else _NO_SPAN,
        "form": "log" if is_log else "span",
        "received": moment(envelope.received),
        "start_ns": item.start,
        "end_ns": item.end,
        "name": limits.keep("name", log_name(item) if is_log else item.name),
        "otel_kind": item.kind if item.kind < 256 else 0,
        "status_code": item.status_code if item.status_code < 256 else 0,
        "status_message": limits.keep("status_message", item.status_message),
        "scope": limits.keep("scope", item.scope),
        "scope_version": limits.keep("scope_version", item.scope_version),
        "resource": resource | resource_json,
        "attributes": strings,
        "attributes_json": others,
        "events": _events(item, limits),
        "links": _links(item, limits),
        "flags": [],
    }
    row |= _NOTHING
    for column, value in found.items():
        row[column] = _mapped(column, value, limits)
    limits.told(others)
    if item.status_code == 0 and item.status_message == "client_closed":  # neither whole nor an error
        item.flags.add("client_closed")
    row["flags"] = sorted(item.flags)
    return row


def mapped(item: decode.Item, attribute_limit: int, text_limit: int) -> Row | None:
    """The mapped columns of a span; None when some text had to be mended or cut, which only a whole row can tell."""
    limits = Limits(attribute_limit, text_limit, item.flags)
    found = Reading(item).columns()
    row = _NOTHING | {column: _mapped(column, value, limits) for column, value in found.items()}
    return None if item.flags else row


def _mapped(column: str, value: Any, limits: Limits) -> Any:
    if column == "tags":
        return [clean(tag, limits.flags)[:ID_LIMIT] for tag in value]
    if column in _EMPTY:
        return value
    value = clean(value, limits.flags)
    if column in _TEXTS:
        return limits.keep(column, value, limits.text)
    if column in _IDS:
        return value[:ID_LIMIT]
    return limits.keep(column, value, min(ID_LIMIT, limits.attribute))


def _log_extras(item: decode.Item, limits: Limits, strings: dict[str, str], others: dict[str, str]) -> None:
    """What a log record has and a span has not, under `log.*`."""
    extras: dict[str, Any] = {"log.body": item.body, "log.severity_text": item.severity_text}
    if item.severity_number:
        extras["log.severity_number"] = item.severity_number
    more, more_json = limits.split({key: value for key, value in extras.items() if value not in (None, "")})
    for key, text in more.items():
        strings.setdefault(key, text)
    for key, text in more_json.items():
        others.setdefault(key, text)


def _events(item: decode.Item, limits: Limits) -> str:
    """JSON array of {name, time_ns (a string: it does not fit a double), attributes}."""
    if not item.events:
        return ""
    told = [
        {
            "name": event.name,
            "time_ns": str(event.time),
            "attributes": limits.within(f"events.{number}", event.attributes),
        }
        for number, event in enumerate(item.events)
    ]
    return dump(told, limits.flags)


def _links(item: decode.Item, limits: Limits) -> str:
    """JSON array of {trace_id, span_id, attributes}, ids in hex."""
    if not item.links:
        return ""
    told = [
        {
            "trace_id": link.trace_id.hex(),
            "span_id": link.span_id.hex(),
            "attributes": limits.within(f"links.{number}", link.attributes),
        }
        for number, link in enumerate(item.links)
    ]
    return dump(told, limits.flags)


def moment(ns: int) -> datetime:
    """A time as the engine's client takes it; beyond what a calendar holds: the edge of it."""
    return _EPOCH + timedelta(microseconds=min(ns // 1000, 253_402_300_799_000_000))
