"""What would it have said? A scorer tried on recent exchanges before it is let loose; nothing is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.endpoint import Caller
from homeostat.analyze.scorers.case import Scored, Scorer, Unscored
from homeostat.loop.scoring import tracks
from homeostat.loop.scoring.judging import Judging
from homeostat.loop.scoring.kinds import NO_JUDGE, Runnable, needs
from homeostat.loop.scoring.matter import Matter, matters
from homeostat.loop.scoring.tracks import Tools, safely, written
from homeostat.records.exchange import Exchange
from homeostat.records.instant import iso
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.questions import feed, filters
from homeostat.store.warehouse.questions.feed import Place

#: A judge is asked about so many at most: it costs money.
MOST: Final = 200
MOST_JUDGED: Final = 20
_WEEK: Final = 7 * 86_400_000_000


class NoJudge(ValueError):
    """The operator named no endpoint for judges."""


def trial(tools: Tools, project: str, each: Runnable, judging: Judging, *, limit: int) -> dict[str, Any]:
    """What it says of the newest exchanges (or traces, or sessions) that its filters let through, and what it took."""
    limit = min(limit, MOST_JUDGED if each.rung == "judge" else MOST)
    begun = time.monotonic()
    sample = _recent(tools, project, each, limit)
    usd, calls = 0.0, 0
    if each.rung == "engine":
        items = _in_engine(tools, project, each, sample, limit)
    else:
        cases = matters(
            tools.warehouse, tools.shelves, project, each.unit, sample, tools.now, references=each.reads_reference
        )
        if each.rung == "model":
            assert isinstance(each.works, Scorer)
            said: list[Scored | Unscored] = [safely(each.works, matter.case) for matter in cases]
        else:
            said, usd, calls = asyncio.run(_asked(each, judging, cases))
        items = [_item(matter.exchange, one) for matter, one in zip(cases, said, strict=True)]
    seconds = time.monotonic() - begun
    values = [item["value"] for item in items if item["value"] is not None]
    return {
        "items": items, "scored": len(values), "unscored": len(items) - len(values),
        "mean": round(sum(values) / len(values), 4) if values else None, "seconds": round(seconds, 3),
        "usd": round(usd, 6), "calls": calls, "estimate": _estimate(tools, project, each, judging),
        "needs": needs(each, judging.settings),
    }  # fmt: skip


def _recent(tools: Tools, project: str, each: Runnable, limit: int) -> Sequence[Exchange]:
    pairs = each.configured.filters
    if each.unit == "exchange":
        return feed.newest(tools.warehouse, project, tools.now, limit=limit, filters=filters.parse(pairs))
    after = Place(max(0, tools.now - _WEEK))
    taken = tracks.take(tools, project, each.unit, pairs, after, tools.now, limit=MOST)
    return taken.exchanges[-limit:]


def _in_engine(
    tools: Tools, project: str, each: Runnable, sample: Sequence[Exchange], limit: int
) -> list[dict[str, Any]]:
    if not sample:
        return []
    first, last = min(one.at for one in sample), max(one.at for one in sample)
    rows = scored.would_say(
        tools.warehouse,
        project,
        tracks.expression(each),
        after=Place(first - 1),
        until=last,
        now=tools.now,
        limit=limit,
    )
    said = {row["full_id"]: row for row in rows}
    found = [(one, said[one.id]) for one in sample if one.id in said]
    return [_shown(one) | {name: row[name] for name in ("value", "label", "reason")} for one, row in found]


async def _asked(
    each: Runnable, judging: Judging, cases: Sequence[Matter]
) -> tuple[list[Scored | Unscored], float, int]:
    assert isinstance(each.works, Judge)
    endpoint = judging.asker.endpoint
    if endpoint is None:
        raise NoJudge(NO_JUDGE)
    caller = Caller(endpoint)
    try:
        told = await asyncio.gather(*(judging.asker.ask(caller, each.works, matter.case) for matter in cases))
    finally:
        await caller.close()
    return [one.said for one in told], sum(one.usd for one in told), sum(one.calls for one in told)


def _estimate(tools: Tools, project: str, each: Runnable, judging: Judging) -> dict[str, Any]:
    """What a day of it costs, at the traffic of the last day."""
    day = tracks.count(tools, project, each, tools.now - 86_400_000_000, tools.now)
    its = round(day * each.configured.share)
    usd = its * judging.usd_of(tools, project, each) if each.rung == "judge" else 0.0
    return {"unit": each.unit, "exchanges_a_day": day, "scored_a_day": its, "usd_a_day": round(usd, 4)}


def _item(exchange: Exchange, said: Scored | Unscored) -> dict[str, Any]:
    if isinstance(said, Unscored):
        return _shown(exchange) | {"value": None, "label": scored.UNSCORED, "reason": said.reason}
    return _shown(exchange) | {"value": said.value, "label": said.label, "reason": written(said.reason)}


def _shown(exchange: Exchange) -> dict[str, Any]:
    return {
        "id": exchange.id, "at": iso(exchange.at), "input": exchange.input_start, "output": exchange.output_start,
    }  # fmt: skip
