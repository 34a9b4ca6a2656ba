"""One round of the engine's track and of the models' tracks: take a piece of the feed, judge it, store, move on."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.analyze.scorers.case import Case, Scored, Scorer, Unscored
from homeostat.analyze.scorers.embeddings import Embeddings
from homeostat.analyze.scorers.engine import InEngine
from homeostat.loop.scoring.allowance import Allowance
from homeostat.loop.scoring.care import POISON, Care
from homeostat.loop.scoring.documents import Shelves
from homeostat.loop.scoring.kinds import Runnable
from homeostat.loop.scoring.matter import Matter, Unit, matters
from homeostat.store.ledger import Ledger, feeds
from homeostat.store.ledger.feeds import Feed
from homeostat.store.ledger.scorers import Pairs
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import feed, filters, whole
from homeostat.store.warehouse.questions.feed import Order, Place, Taken

#: Exchanges scored by one statement of the engine, and read by Python at once.
_ENGINE_PIECE: Final = 20_000
MODEL_PIECE: Final = 200
#: How far behind the models may fall before they judge a sample only.
_PATIENCE: Final = 30_000_000
#: A new track begins with what settled in the last hour.
_BEGIN: Final = 3_600_000_000

#: Live, what settled within so many µs is judged together: a statement costs as much to plan as hundreds of exchanges
#: cost to judge.
TOGETHER: Final = 2_000_000

Chosen = Mapping[str, Sequence[Runnable]]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a round works with; `now`: event clock, µs."""

    warehouse: Warehouse
    ledger: Ledger
    now: int
    shelves: Shelves = field(default_factory=Shelves)


def take(
    tools: Tools,
    project: str,
    unit: Unit,
    pairs: Pairs,
    after: Place,
    until: int,
    *,
    limit: int,
    order: Order = "ready",
    below: float = 1.0,
) -> Taken:
    """The next piece of what there is to judge: exchanges, traces or sessions."""
    wanted = filters.parse(pairs)
    if unit == "exchange":
        return feed.take(tools.warehouse, project, after, until, limit=limit, filters=wanted, order=order, below=below)
    return whole.rested(tools.warehouse, project, unit, after, until, limit=limit, filters=wanted)


def count(tools: Tools, project: str, each: Runnable, low: int, high: int) -> int:
    """How much a scorer finds to judge after `low`, up to `high`, whatever its share: of its own unit."""
    wanted = filters.parse(each.configured.filters)
    if each.unit == "exchange":
        return feed.count(tools.warehouse, project, low, high, wanted)
    return whole.count(tools.warehouse, project, each.unit, low, high, wanted)


def engine(tools: Tools, project: str, chosen: Chosen, until: int, *, together: int = 0) -> int:
    """Score what became ready, in the engine, once it spans `together` µs; how many. Zero: it has caught up."""
    before = feeds.place(tools.ledger, project, "engine", start=tools.now - _BEGIN)
    if until - before.ready < together:
        return 0
    return in_engine(tools, project, chosen.get("engine", ()), "engine", before, until)


def in_engine(
    tools: Tools, project: str, group: Sequence[Runnable], track: str, before: Feed, until: int, order: Order = "ready"
) -> int:
    """One piece of a track of the engine's."""
    if until <= before.ready:
        return 0
    after = Place(before.ready)
    edge = feed.edge(tools.warehouse, project, after, until, limit=_ENGINE_PIECE, order=order)
    expressions = [expression(each) for each in group]
    found = scored.in_engine(tools.warehouse, project, expressions, after=after, until=edge, now=tools.now, order=order)
    spent = before.spent
    if order == "at":  # history, of one scorer: how much of it is done
        taken = count(tools, project, group[0], before.ready, edge)
        spent = {**spent, "taken": int(spent.get("taken", 0)) + taken}
    feeds.move(tools.ledger, project, track, before, Feed(edge, "", spent))
    return max(found, int(edge < until))


def expression(each: Runnable) -> scored.Expression:
    """A scorer of the engine's rung as the store takes it."""
    works, configured = each.works, each.configured
    assert isinstance(works, InEngine)
    chosen = filters.parse(configured.filters)
    return scored.Expression(
        configured.name, configured.scorer, works.value, works.reason, works.parameters, chosen, configured.share
    )


def models(
    tools: Tools, project: str, chosen: Chosen, until: int, allowance: Allowance | None, *, together: int = 0
) -> int:
    """Score a piece by Python scorers; how many exchanges. `allowance`: how much CPU they may use; None: no limit."""
    groups: dict[tuple[Unit, Pairs], list[Runnable]] = defaultdict(list)
    for each in chosen.get("model", ()):
        groups[each.unit, each.configured.filters].append(each)
    done = 0
    for (unit, pairs), group in groups.items():
        about = [part for part in ("" if unit == "exchange" else unit, digest(pairs) if pairs else "") if part]
        track = ":".join(["model", *about])
        before = feeds.place(tools.ledger, project, track, start=tools.now - _BEGIN)
        if until - before.ready < together:
            continue
        done += in_python(tools, project, group, track, before, until, allowance)
    return done


def in_python(
    tools: Tools,
    project: str,
    group: Sequence[Runnable],
    track: str,
    before: Feed,
    until: int,
    allowance: Allowance | None,
    order: Order = "ready",
) -> int:
    """One piece of a track of Python scorers, all of one unit and with the same filters."""
    if until <= before.ready:
        return 0
    care = Care.of(before)
    unit, pairs = group[0].unit, group[0].configured.filters
    after = Place(before.ready, before.id)
    limit, below = care.most(MODEL_PIECE), 1.0
    if allowance is not None:
        affords = allowance.affords()
        limit = min(limit, affords)
        if not limit:
            return 0
        if order == "ready" and unit == "exchange" and until - before.ready >= _PATIENCE:
            # It will not catch up with all of them: a sample, spread evenly over what waits.
            below = min(1.0, affords / max(1, feed.waiting(tools.warehouse, project, after, until)))
    begun = time.thread_time()
    taken = take(tools, project, unit, pairs, after, until, limit=limit, order=order, below=below)
    if taken.exchanges:
        care.begin(tools.ledger, project, track, before)
        try:
            _judge_piece(tools, project, group, taken, park=care.parks)
        except Exception:
            care.forget(tools.ledger, project, track, before)
            raise
        if allowance is not None:
            allowance.spend(time.thread_time() - begun, len(taken.exchanges))
    spent = care.done(MODEL_PIECE).into(before)
    if order == "at":
        spent = {**spent, "taken": int(spent.get("taken", 0)) + len(taken.exchanges)}
    feeds.move(tools.ledger, project, track, before, Feed(taken.place.ready, taken.place.id, spent))
    return len(taken.exchanges)


def _judge_piece(tools: Tools, project: str, group: Sequence[Runnable], taken: Taken, *, park: bool) -> None:
    draws = {one.id: draw for one, draw in zip(taken.exchanges, taken.draws, strict=True)}
    names = [each.configured.scorer for each in group]
    there = scored.known(tools.warehouse, project, names, taken.exchanges)
    rows = []
    references = any(each.reads_reference for each in group)
    for matter in matters(
        tools.warehouse, tools.shelves, project, group[0].unit, taken.exchanges, tools.now, references=references
    ):
        for each in group:
            valued = there.get(scored.score_id(each.configured.scorer, matter.exchange.id))
            # Who asks an endpoint may get an answer today; what anybody else says of an exchange stays the same.
            known = valued if isinstance(each.works, Embeddings) else valued is not None
            its = draws[matter.exchange.id] < each.configured.share
            if its and not known and isinstance(each.works, Scorer):
                said = Unscored(POISON) if park else safely(each.works, matter.case)
                rows.append(score_of(matter, each, said))
    scored.put(tools.warehouse, project, rows, now=tools.now)


def safely(works: Scorer, case: Case) -> Scored | Unscored:
    """What it says; a bug of one scorer is a reason, never a pass, and stops nobody."""
    try:
        return works.score(case)
    except Exception as error:  # scorers of others run here too
        return Unscored(f"{type(error).__name__}: {error}"[:300])


def score_of(matter: Matter, each: Runnable, said: Scored | Unscored) -> scored.Score:
    """What was said, as a row."""
    name, scorer, session = each.configured.name, each.configured.scorer, matter.session
    if isinstance(said, Unscored):
        return scored.Score(
            matter.exchange, name, scorer, each.rung, None, scored.UNSCORED, said.reason, session=session
        )
    return scored.Score(
        matter.exchange, name, scorer, each.rung, said.value, said.label, written(said.reason), session=session
    )


def written(reason: Any) -> str:
    """A reason as text; what has parts is JSON."""
    return reason if isinstance(reason, str) else json.dumps(reason, ensure_ascii=False, default=str)


def digest(pairs: Pairs) -> str:
    """A short name for a set of filters."""
    return hashlib.blake2b(json.dumps(sorted(pairs)).encode(), digest_size=6).hexdigest()
