"""One exchange, whole. The id of any span that tells it finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeostat.records.exchange import Exchange, ExchangeId, Whole
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import texts, traces

Span = Mapping[str, Any]
_ROOT: Final = "0" * 16


@dataclass(frozen=True, slots=True)
class Found:
    """An exchange with everything, and the spans that tell it (its own first): messages are made of them."""

    exchange: Exchange
    whole: Whole
    members: Sequence[Span]


def one(warehouse: Warehouse, project: str, id_: ExchangeId, now: datetime) -> Found | None:
    """The exchange that an id names or was merged into, None when there is none."""
    siblings = traces.exchanges_of(warehouse, project, id_.trace_id, now)
    exchange = _named(siblings, id_.span_id)
    if exchange is None:
        exchange = traces.merged_elsewhere(warehouse, project, id_, now)
        if exchange is None:
            return None
        if exchange.trace_id != id_.trace_id:
            siblings = traces.exchanges_of(warehouse, project, exchange.trace_id, now)
    spans = traces.spans(warehouse, project, exchange.trace_id, now)
    (both,) = texts.texts(warehouse, project, now, [exchange])
    return put_together(exchange, both, spans, siblings)


def put_together(
    exchange: Exchange, both: tuple[str, str], spans: Sequence[Span], siblings: Sequence[Exchange] = ()
) -> Found:
    """An exchange with everything: of its two texts, the spans of its trace and the trace's other exchanges."""
    members = _members(exchange, spans)
    below = _below(exchange, spans)
    whole = Whole(
        input=both[0],
        output=both[1],
        error=_error(exchange, members),
        documents=_listed("documents", members, below),
        tool_calls=_listed("tool_calls", members, below),
        attributes=_merged([traces.attributes(span) for span in members]),
        resource=_merged([span["resource"] for span in members]),
        calls=_calls(exchange, siblings, below),
    )
    return Found(exchange, whole, members)


def _named(exchanges: Sequence[Exchange], span_id: str) -> Exchange | None:
    own = [e for e in exchanges if e.span_id == span_id]
    merged = [e for e in exchanges if span_id in e.members]
    return next(iter(own + merged), None)


def _members(exchange: Exchange, spans: Sequence[Span]) -> list[Span]:
    """Its own row first, then the others that tell it; log records behind the span they fill."""
    order = {span_id: place for place, span_id in enumerate(dict.fromkeys((exchange.span_id, *exchange.members)))}
    told = [span for span in spans if span["span_hex"] in order]
    return sorted(told, key=lambda span: (order[span["span_hex"]], span["came_as"] == "log"))


def _error(exchange: Exchange, members: Sequence[Span]) -> str:
    """Whole, from the span that it was taken from: the exchange has its beginning."""
    told = (span["error"] for span in members if span["error"].startswith(exchange.error))
    return next(told, exchange.error) if exchange.error else ""


def _below(exchange: Exchange, spans: Sequence[Span]) -> list[Span]:
    """Every span under it, in time's order."""
    children: dict[str, list[Span]] = {}
    for span in spans:
        children.setdefault(span["parent_hex"], []).append(span)
    seen = set(exchange.members) | {exchange.span_id}
    waiting, found = list(seen), []
    while waiting:
        for span in children.get(waiting.pop(), ()):
            if span["span_hex"] not in seen and span["span_hex"] != _ROOT:
                seen.add(span["span_hex"])
                waiting.append(span["span_hex"])
                found.append(span)
    return sorted(found, key=lambda span: (span["at_us"], span["start_ns"]))


def _listed(column: str, members: Sequence[Span], below: Sequence[Span]) -> list[Any]:
    """What its own spans tell, else what the spans below tell, each thing once."""
    for spans in (members, below):
        listed = [item for span in spans for item in traces.items(span[column])]
        if listed:
            return [item for place, item in enumerate(listed) if item not in listed[:place]]
    return []


def _merged(maps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The first one that has a key says its value."""
    merged: dict[str, Any] = {}
    for each in reversed(maps):
        merged |= each
    return merged


def _calls(exchange: Exchange, siblings: Sequence[Exchange], below: Sequence[Span]) -> list[Exchange]:
    """The calls that an answer took."""
    under = {span["span_hex"] for span in below}
    return [e for e in siblings if e.span_id in under and e.id != exchange.id and e.op in ("call", "embedding")]
