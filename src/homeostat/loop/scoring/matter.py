"""What scorers are given: an exchange, a whole trace or a whole session, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from homeostat.analyze.scorers.case import Case
from homeostat.analyze.scorers.factuality import OWN
from homeostat.analyze.text.library import Library
from homeostat.loop.scoring.documents import Shelves
from homeostat.records.exchange import Exchange
from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import feed, whole
from homeostat.store.warehouse.questions.feed import Texts

Unit = Literal["exchange", "trace", "session"]
UNITS: Final = ("exchange", "trace", "session")
_MOST_TURNS: Final = 60


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to judge, and the exchange at which its score stands: of a trace or a session its last one."""

    exchange: Exchange
    case: Case
    session: str = ""


def matters(
    warehouse: Warehouse, shelves: Shelves, project: str, unit: Unit, exchanges: Sequence[Exchange], now: int
) -> list[Matter]:
    """The cases of these exchanges, or of the traces or sessions that they are the last of."""
    moment = as_datetime(now)
    library = shelves.of(project)
    if unit == "exchange":
        texts = feed.texts_of(warehouse, project, moment, exchanges)
        return [Matter(one, case_of(one, said, library)) for one, said in zip(exchanges, texts, strict=True)]
    turns: dict[str, list[Exchange]] = defaultdict(list)
    key = whole.KEYS[unit]
    for one in whole.of(warehouse, project, unit, exchanges):
        turns[getattr(one, key)].append(one)
    every = [one for group in turns.values() for one in group[-_MOST_TURNS:]]
    said = dict(zip((one.id for one in every), feed.texts_of(warehouse, project, moment, every), strict=True))
    return [
        _talk(last, [(one, said[one.id]) for one in turns[getattr(last, key)][-_MOST_TURNS:]], unit)
        for last in exchanges
    ]


def case_of(exchange: Exchange, texts: Texts, library: Library | None = None) -> Case:
    """An exchange as scorers read it. One that comes without documents gets the project's own that speak of it."""
    about: dict[str, Any] = {
        "model": exchange.model, "release": exchange.release, "finish_reason": exchange.finish_reason,
    }  # fmt: skip
    documents = texts.documents
    if library is not None:
        found = library.search(texts.input, texts.output)
        about[OWN] = tuple(passage.text for passage in found)
        if not documents:
            documents = about[OWN]
            about["documents_from"] = [passage.source for passage in found]
    return Case(texts.output, texts.input, documents, metadata=about)


def _talk(last: Exchange, turns: Sequence[tuple[Exchange, Texts]], unit: Unit) -> Matter:
    """All that was asked, and all that was answered, turn by turn."""
    documents = tuple(dict.fromkeys(text for _, texts in turns for text in texts.documents))
    case = Case(
        "\n\n".join(texts.output for _, texts in turns if texts.output),
        "\n\n".join(texts.input for _, texts in turns if texts.input),
        documents,
        metadata={"turns": len(turns), "unit": unit},
    )
    return Matter(last, case, last.session_id if unit == "session" else "")
