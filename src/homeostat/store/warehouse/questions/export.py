"""Every exchange of a question, page by page: whatever the size, only one page is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import said
from homeostat.store.warehouse.questions.exchanges import Ask, page
from homeostat.store.warehouse.questions.one import Found, put_together
from homeostat.store.warehouse.questions.texts import texts
from homeostat.store.warehouse.questions.traces import spans_around

_PAGE: Final = 1000
#: Whole texts are fetched for so many characters at a time.
_MOST_CHARS: Final = 8_000_000
#: The spans around a call weigh as much.
_CALL_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """One exchange of an export: with everything, scores and signals."""

    found: Found
    scores: dict[str, Any]
    signals: list[dict[str, Any]]


def pages(warehouse: Warehouse, ask: Ask) -> Iterator[list[Line]]:
    """Newest first, as lists do."""
    ask = replace(ask, limit=_PAGE)
    while True:
        found = page(warehouse, ask)
        for part in _parts(found.items):
            yield _lines(warehouse, ask, part)
        if found.next is None:
            return
        ask = replace(ask, cursor=found.next)


def _parts(exchanges: Sequence[Exchange]) -> Iterator[list[Exchange]]:
    """Pieces whose texts are not too much for the memory."""
    part: list[Exchange] = []
    chars = 0
    for exchange in exchanges:
        size = exchange.input_chars + exchange.output_chars + _CALL_CHARS * exchange.calls
        if part and chars + size > _MOST_CHARS:
            yield part
            part, chars = [], 0
        part.append(exchange)
        chars += size
    if part:
        yield part


def _lines(warehouse: Warehouse, ask: Ask, exchanges: Sequence[Exchange]) -> list[Line]:
    whole = texts(warehouse, ask.project, ask.now, exchanges)
    scores = said.scores(warehouse, ask.project, ask.now, exchanges, whole=True)
    signals = said.signals(warehouse, ask.project, ask.now, exchanges, whole=True)
    spans = spans_around(warehouse, ask.project, ask.now, exchanges)
    found = (put_together(e, both, spans.get(e.trace_id, ())) for e, both in zip(exchanges, whole, strict=True))
    return [Line(*each) for each in zip(found, scores, signals, strict=True)]
