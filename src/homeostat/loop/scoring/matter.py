"""What scorers are given: an exchange, a whole trace or a whole session, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
    warehouse: Warehouse,
    shelves: Shelves,
    project: str,
    unit: Unit,
    exchanges: Sequence[Exchange],
    now: int,
    *,
    references: bool = False,
) -> list[Matter]:
    """The cases of these exchanges, or of the traces or sessions that they are the last of. `references`: with what
    they should have said, where they carry it; looking for it takes one more question."""
    moment = as_datetime(now)
    library = shelves.of(project)
    if unit == "exchange":
        texts = feed.texts_of(warehouse, project, moment, exchanges)
        told = _references(warehouse, project, moment, exchanges, wanted=references)
        return [
            Matter(one, replace(case_of(one, said, library), reference=told[one.id]))
            for one, said in zip(exchanges, texts, strict=True)
        ]
    turns: dict[str, list[Exchange]] = defaultdict(list)
    key = whole.KEYS[unit]
    for one in whole.of(warehouse, project, unit, exchanges):
        turns[getattr(one, key)].append(one)
    every = [one for group in turns.values() for one in group[-_MOST_TURNS:]]
    said = dict(zip((one.id for one in every), feed.texts_of(warehouse, project, moment, every), strict=True))
    told = _references(warehouse, project, moment, every, wanted=references)
    found = []
    for last in exchanges:
        its = turns[getattr(last, key)][-_MOST_TURNS:]
        case = _talk([(one, said[one.id]) for one in its], unit)
        reference = "\n\n".join(filter(None, (told[one.id] for one in its)))
        session = last.session_id if unit == "session" else ""
        found.append(Matter(last, replace(case, reference=reference), session))
    return found


def _references(
    warehouse: Warehouse, project: str, now: datetime, exchanges: Sequence[Exchange], *, wanted: bool
) -> Mapping[str, str]:
    told = feed.references_of(warehouse, project, now, exchanges) if wanted else [""] * len(exchanges)
    return {one.id: each for one, each in zip(exchanges, told, strict=True)}


def case_of(exchange: Exchange, texts: Texts, library: Library | None = None) -> Case:
    """An exchange as scorers read it. One that comes without documents gets the project's own that speak of it."""
    about: dict[str, Any] = {
        "model": exchange.model, "release": exchange.release, "finish_reason": exchange.finish_reason,
        **_measured([exchange]),
    }  # fmt: skip
    documents = texts.documents
    if library is not None:
        found = library.search(texts.input, texts.output)
        about[OWN] = tuple(passage.text for passage in found)
        if not documents:
            documents = about[OWN]
            about["documents_from"] = [passage.source for passage in found]
    return Case(texts.output, texts.input, documents, metadata=about)


def _measured(turns: Sequence[Exchange]) -> dict[str, float]:
    """How long the slowest took, and what all of them took of tokens and money. Who does not say it is left out."""
    tokens = [
        (one.input_tokens or 0) + (one.output_tokens or 0)
        for one in turns
        if one.input_tokens is not None or one.output_tokens is not None
    ]
    slow = [one.latency_ms for one in turns if one.latency_ms is not None]
    paid = [one.cost for one in turns if one.cost is not None]
    found = {"latency_ms": (max(slow, default=0.0), slow), "total_tokens": (sum(tokens), tokens),
             "cost_usd": (sum(paid), paid)}  # fmt: skip
    return {name: float(value) for name, (value, said) in found.items() if said}


def _talk(turns: Sequence[tuple[Exchange, Texts]], unit: Unit) -> Case:
    """All that was asked, and all that was answered, turn by turn."""
    documents = tuple(dict.fromkeys(text for _, texts in turns for text in texts.documents))
    return Case(
        "\n\n".join(texts.output for _, texts in turns if texts.output),
        "\n\n".join(texts.input for _, texts in turns if texts.input),
        documents,
        metadata={"turns": len(turns), "unit": unit, **_measured([one for one, _ in turns])},
    )
