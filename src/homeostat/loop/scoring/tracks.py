"""One round of the engine's track and of the models' tracks: take a piece of the feed, judge it, store, move on."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from homeostat.analyze.scorers.case import Case, Scored, Scorer, Unscored
from homeostat.analyze.scorers.engine import InEngine
from homeostat.loop.scoring.allowance import Allowance
from homeostat.loop.scoring.kinds import Runnable
from homeostat.records.exchange import Exchange
from homeostat.records.instant import EPOCH
from homeostat.store.ledger import Ledger, feeds
from homeostat.store.ledger.feeds import Feed
from homeostat.store.ledger.scorers import Pairs
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import feed, filters
from homeostat.store.warehouse.questions.feed import Place, Texts

#: Exchanges scored by one statement of the engine, and read by Python at once.
_ENGINE_PIECE: Final = 20_000
_MODEL_PIECE: Final = 200
#: How far behind the models may fall before they judge a sample only.
_PATIENCE: Final = 30_000_000
#: A new track begins with what settled in the last hour.
_BEGIN: Final = 3_600_000_000

Chosen = Mapping[str, Sequence[Runnable]]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a round works with; `now`: event clock, µs."""

    warehouse: Warehouse
    ledger: Ledger
    now: int


def engine(tools: Tools, project: str, chosen: Chosen, until: int) -> int:
    """Score what became ready, in the engine; how many exchanges. Zero: it has caught up."""
    before = feeds.place(tools.ledger, project, "engine", start=tools.now - _BEGIN)
    if until <= before.ready:
        return 0
    after = Place(before.ready)
    edge = feed.edge(tools.warehouse, project, after, until, limit=_ENGINE_PIECE)
    expressions = [_expression(each) for each in chosen.get("engine", ())]
    count = scored.in_engine(tools.warehouse, project, expressions, after=after, until=edge, now=tools.now)
    feeds.move(tools.ledger, project, "engine", before, Feed(edge))
    return max(count, int(edge < until))


def _expression(each: Runnable) -> scored.Expression:
    works, configured = each.works, each.configured
    assert isinstance(works, InEngine)
    chosen = filters.parse(configured.filters)
    return scored.Expression(
        configured.name, configured.scorer, works.value, works.reason, works.parameters, chosen, configured.share
    )


def models(tools: Tools, project: str, chosen: Chosen, until: int, allowance: Allowance | None) -> int:
    """Score a piece by Python scorers; how many exchanges. `allowance`: how much CPU they may use; None: no limit."""
    groups: dict[Pairs, list[Runnable]] = defaultdict(list)
    for each in chosen.get("model", ()):
        groups[each.configured.filters].append(each)
    return sum(_group(tools, project, pairs, group, until, allowance) for pairs, group in groups.items())


def _group(
    tools: Tools, project: str, pairs: Pairs, group: Sequence[Runnable], until: int, allowance: Allowance | None
) -> int:
    track = "model" if not pairs else f"model:{digest(pairs)}"
    before = feeds.place(tools.ledger, project, track, start=tools.now - _BEGIN)
    if until <= before.ready:
        return 0
    wanted = filters.parse(pairs) if pairs else None
    place = Place(before.ready, before.id)
    taken = feed.take(tools.warehouse, project, place, until, limit=_MODEL_PIECE, filters=wanted)
    sample = list(taken.exchanges)
    if allowance is not None and sample:
        affords = allowance.affords()
        if affords < len(sample) and until - before.ready < _PATIENCE:
            return 0  # it can wait until there is enough for all of them
        sample = sorted(sample, key=lambda exchange: chance(exchange.id))[: max(1, affords)]
    begun = time.thread_time()
    rows = judge_all(tools, project, sample, group)
    scored.put(tools.warehouse, project, rows, now=tools.now)
    if allowance is not None:
        allowance.spend(time.thread_time() - begun, len(sample))
    feeds.move(tools.ledger, project, track, before, Feed(taken.place.ready, taken.place.id))
    return len(taken.exchanges)


def judge_all(
    tools: Tools, project: str, exchanges: Sequence[Exchange], group: Sequence[Runnable]
) -> list[scored.Score]:
    """What scorers of the model rung say of exchanges."""
    texts = feed.texts_of(tools.warehouse, project, EPOCH + timedelta(microseconds=tools.now), exchanges)
    rows = []
    for exchange, said in zip(exchanges, texts, strict=True):
        case = case_of(exchange, said)
        for each in group:
            works = each.works
            if chance(exchange.id) < each.configured.share and isinstance(works, Scorer):
                rows.append(score_of(exchange, each, safely(works, case)))
    return rows


def case_of(exchange: Exchange, texts: Texts) -> Case:
    """An exchange as scorers read it."""
    about = {"model": exchange.model, "release": exchange.release, "finish_reason": exchange.finish_reason}
    return Case(texts.output, texts.input, texts.documents, metadata=about)


def safely(works: Scorer, case: Case) -> Scored | Unscored:
    """What it says; a bug of one scorer is a reason, never a pass, and stops nobody."""
    try:
        return works.score(case)
    except Exception as error:  # scorers of others run here too
        return Unscored(f"{type(error).__name__}: {error}"[:300])


def score_of(exchange: Exchange, each: Runnable, said: Scored | Unscored) -> scored.Score:
    """What was said, as a row."""
    name, scorer = each.configured.name, each.configured.scorer
    if isinstance(said, Unscored):
        return scored.Score(exchange, name, scorer, each.rung, None, scored.UNSCORED, said.reason)
    return scored.Score(exchange, name, scorer, each.rung, said.value, said.label, written(said.reason))


def written(reason: Any) -> str:
    """A reason as text; what has parts is JSON."""
    return reason if isinstance(reason, str) else json.dumps(reason, ensure_ascii=False, default=str)


def chance(exchange_id: str) -> float:
    """The same number from 0 to 1 for an exchange, whoever asks: samples of different scorers agree."""
    return int.from_bytes(hashlib.blake2b(exchange_id.encode(), digest_size=6).digest(), "big") / 2**48


def digest(pairs: Pairs) -> str:
    """A short name for a set of filters."""
    return hashlib.blake2b(json.dumps(sorted(pairs)).encode(), digest_size=6).hexdigest()
