"""Every exchange of a question, page by page: whatever the size, only one page is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import said
from homeostat.store.warehouse.questions.exchanges import Ask, page
from homeostat.store.warehouse.questions.texts import texts

_PAGE: Final = 1000
#: Whole texts are fetched for so many characters at a time.
_MOST_CHARS: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One exchange of an export: whole texts, scores and signals."""

    exchange: Exchange
    input: str
    output: str
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
        size = exchange.input_chars + exchange.output_chars
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
    together = zip(exchanges, whole, scores, signals, strict=True)
    return [Line(exchange, *both, of_scores, of_signals) for exchange, both, of_scores, of_signals in together]
