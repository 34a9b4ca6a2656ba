"""Is it the judge that changed? A fixed set of exchanges is judged again each day: same cases, so same verdicts.

Up to thirty that passed and thirty that failed are chosen once for each version of a judge. What chose them is
forgotten: the first judgement after the choice is what later ones are compared with, for a choice favours luck.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from homeostat.analyze.judges.bias import evidence_of_change
from homeostat.analyze.judges.endpoint import Caller
from homeostat.analyze.scorers.case import Scored
from homeostat.loop.scoring.judging import Judging, today
from homeostat.loop.scoring.kinds import Runnable
from homeostat.loop.scoring.matter import matters
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.instant import iso
from homeostat.store.ledger import Ledger, feeds
from homeostat.store.ledger.feeds import Feed
from homeostat.store.warehouse.questions import anchored

PREFIX: Final = "anchors:"
EVERY: Final = 86_400_000_000
_EACH: Final = 30
_FEWEST: Final = 20
#: One look a day: less than one false alarm in a thousand looks.
_SURE: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a judge has moved on its anchors. `since` (µs): the first look at which it was sure; None: it is not."""

    scorer: str
    since: int | None
    evidence: float
    """E-value against "nothing changed" at the last look."""
    change: float
    low: float
    high: float
    n: int
    looks: int

    def told(self) -> dict[str, Any]:
        """As the API says it."""
        return {
            "drifted": self.since is not None, "since": None if self.since is None else iso(self.since),
            "evidence": round(self.evidence, 3), "change": round(self.change, 4), "low": round(self.low, 4),
            "high": round(self.high, 4), "n": self.n, "looks": self.looks,
        }  # fmt: skip


def drift(ledger: Ledger, project: str, scorer: str) -> Drift | None:
    """What the last look at its anchors said; None: it was not looked at twice yet."""
    place = feeds.tracks(ledger, project, PREFIX + scorer).get(PREFIX + scorer)
    if place is None or not place.spent.get("last"):
        return None
    pairs = _both(place.spent["first"], place.spent["last"])
    moved = np.array([new - old for old, new in pairs])
    change = float(moved.mean())
    half = 1.96 * float(moved.std(ddof=1)) / math.sqrt(len(moved)) if len(moved) > 1 else math.inf
    evidence = evidence_of_change([old for old, _ in pairs], [new for _, new in pairs])
    since = place.spent.get("since")
    return Drift(scorer, since, evidence, change, change - half, change + half, len(pairs), int(place.spent["looks"]))


def look(tools: Tools, project: str, each: Runnable, judging: Judging) -> int:
    """Choose the anchors, or judge them again when a day has passed; how many were judged."""
    if judging.asker.endpoint is None or judging.asker.rests:
        return 0
    track = PREFIX + each.configured.scorer
    known = feeds.tracks(tools.ledger, project, track).get(track)
    if known is None:
        chosen = anchored.choose(tools.warehouse, project, each.configured.scorer, most=_EACH, until=tools.now)
        if len(chosen) < _FEWEST:
            return 0
        before = feeds.place(tools.ledger, project, track, start=0)
        known = Feed(0, "", {"ids": list(chosen)})
        feeds.move(tools.ledger, project, track, before, known)
    if tools.now < known.ready + EVERY or not judging.may_ask(each, judging.account(tools, project, each)):
        return 0
    about = f"{project}/{track}/"
    values = asyncio.run(_judged(tools, project, each, judging, known.spent["ids"], about))
    spent = _after(known.spent, values, tools.now) | _paid(known.spent, *judging.heard.paid(about), tools.now)
    feeds.move(tools.ledger, project, track, known, Feed(tools.now, "", spent))
    judging.heard.forget(about)
    return len(values)


async def _judged(
    tools: Tools, project: str, each: Runnable, judging: Judging, ids: Sequence[str], about: str
) -> dict[str, float]:
    endpoint = judging.asker.endpoint
    assert endpoint is not None
    exchanges = anchored.exchanges_of(tools.warehouse, project, ids, until=tools.now)
    cases = matters(
        tools.warehouse, tools.shelves, project, each.unit, exchanges, tools.now, references=each.reads_reference
    )
    caller = Caller(endpoint)
    try:
        told = await asyncio.gather(
            *(judging.ask(caller, each, matter, about + matter.exchange.id, fresh=True) for matter in cases)
        )
    finally:
        await caller.close()
    return {
        matter.exchange.id: answer.said.value
        for matter, answer in zip(cases, told, strict=True)
        if isinstance(answer.said, Scored)
    }


def _after(spent: Mapping[str, Any], values: dict[str, float], now: int) -> dict[str, Any]:
    if not spent.get("first"):
        return {**spent, "first": values, "looks": 1}
    after = {**spent, "last": values, "looks": int(spent["looks"]) + 1}
    pairs = _both(after["first"], values)
    sure = evidence_of_change([old for old, _ in pairs], [new for _, new in pairs]) >= _SURE
    if sure:
        after.setdefault("since", now)
    else:
        after.pop("since", None)
    return after


def _paid(spent: Mapping[str, Any], usd: float, calls: int, now: int) -> dict[str, Any]:
    account = today(spent, now)
    return account | {"usd": round(account["usd"] + usd, 8), "calls": account["calls"] + calls}


def _both(first: Mapping[str, float], last: Mapping[str, float]) -> list[tuple[float, float]]:
    return [(first[one], last[one]) for one in first if one in last]
