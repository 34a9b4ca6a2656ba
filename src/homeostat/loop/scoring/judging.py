"""Judges at work: a sample of what settled is asked about, within limits of money and number, and never waited for.

What a judge was paid moves together with its place in the feed, so that a crash asks again at most what was in flight.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.endpoint import Caller, Endpoint, NoReply, Reply
from homeostat.analyze.judges.prompt import Prompt
from homeostat.analyze.scorers.case import Scored, Unscored
from homeostat.config import Settings
from homeostat.loop.scoring.kinds import Runnable
from homeostat.loop.scoring.tracks import Chosen, case_of, chance, score_of
from homeostat.records.exchange import Exchange
from homeostat.records.instant import EPOCH
from homeostat.store.ledger import Ledger, feeds
from homeostat.store.ledger.feeds import Feed
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import feed, filters
from homeostat.store.warehouse.questions.feed import Place

_PIECE: Final = 40
_BEGIN: Final = 3_600_000_000
_REMEMBERED: Final = 20_000
#: Failures in a row after which a judge is left alone for a while: each asks three times already.
_GIVE_UP: Final = 5
_REST: Final = 60.0


@dataclass
class Judging:
    """Rounds of every judge."""

    warehouse: Warehouse
    ledger: Ledger
    settings: Settings
    secret: bytes
    calls: int = 0
    failed: int = 0
    last_error: str = ""
    _known: OrderedDict[tuple[str, str], Scored] = field(default_factory=OrderedDict)
    _asked: deque[float] = field(default_factory=deque)
    _in_a_row: int = 0
    _rests_until: float = 0.0
    _spent: dict[str, Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> Endpoint | None:
        """Where judges live; None: the operator named none, and no judge runs."""
        chosen = self.settings
        if not chosen.judge_url:
            return None
        return Endpoint(
            chosen.judge_url, chosen.judge_model, chosen.judge_key, chosen.judge_kind,
            timeout=chosen.judge_timeout, concurrency=chosen.judge_concurrency, schema=chosen.judge_schema,
            usd_per_million_in=chosen.judge_usd_per_million_in, usd_per_million_out=chosen.judge_usd_per_million_out,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """For `homeostat doctor`: calls, failures, what was spent today."""
        resting = max(0.0, self._rests_until - time.monotonic())
        return {
            "configured": bool(self.settings.judge_url), "calls": self.calls, "failed": self.failed,
            "error": self.last_error, "resting_seconds": round(resting, 1), "spent": dict(self._spent),
            "usd_per_day": self.settings.judge_usd_per_day,
        }  # fmt: skip

    def round(self, project: str, chosen: Chosen, until: int, now: int) -> int:
        """One piece for each judge of a project; how many exchanges went by. Zero: all have caught up."""
        endpoint = self.endpoint
        if endpoint is None or time.monotonic() < self._rests_until:
            return 0
        return sum(self._one(project, each, endpoint, until, now) for each in chosen.get("judge", ()))

    def _one(self, project: str, each: Runnable, endpoint: Endpoint, until: int, now: int) -> int:
        track = f"judge:{each.configured.name}"
        before = feeds.place(self.ledger, project, track, start=now - _BEGIN)
        if until <= before.ready:
            return 0
        wanted = filters.parse(each.configured.filters)
        place = Place(before.ready, before.id)
        taken = feed.take(self.warehouse, project, place, until, limit=_PIECE, filters=wanted)
        sample = [exchange for exchange in taken.exchanges if chance(exchange.id) < each.configured.share]
        account = _today(before.spent, now)
        sample = sample[: self._may_ask(account)]
        if sample:
            rows, usd, calls = asyncio.run(self._judge(project, each, endpoint, sample, now))
            scored.put(self.warehouse, project, rows, now=now)
            account = {**account, "usd": round(account["usd"] + usd, 8), "calls": account["calls"] + calls}
        feeds.move(self.ledger, project, track, before, Feed(taken.place.ready, taken.place.id, account))
        self._spent[f"{project}/{each.configured.name}"] = account
        return len(taken.exchanges)

    def _may_ask(self, account: dict[str, Any]) -> int:
        """How many more: nothing beyond the day's money or the minute's number."""
        if self.settings.judge_usd_per_day and account["usd"] >= self.settings.judge_usd_per_day:
            return 0
        if self.settings.clock == "world" or not self.settings.judge_per_minute:
            return _PIECE
        now = time.monotonic()
        while self._asked and self._asked[0] < now - 60:
            self._asked.popleft()
        return max(0, self.settings.judge_per_minute - len(self._asked))

    async def _judge(
        self, project: str, each: Runnable, endpoint: Endpoint, sample: Sequence[Exchange], now: int
    ) -> tuple[list[scored.Score], float, int]:
        texts = feed.texts_of(self.warehouse, project, EPOCH + timedelta(microseconds=now), sample)
        caller = Caller(endpoint)
        try:
            cases = [case_of(exchange, said) for exchange, said in zip(sample, texts, strict=True)]
            told = await asyncio.gather(*(self._ask(caller, each, case) for case in cases))
        finally:
            await caller.close()
        rows = [score_of(exchange, each, said) for exchange, (said, _, _) in zip(sample, told, strict=True)]
        return rows, sum(usd for _, usd, _ in told), sum(calls for _, _, calls in told)

    async def _ask(self, caller: Caller, each: Runnable, case: Any) -> tuple[Scored | Unscored, float, int]:
        judge = each.works
        assert isinstance(judge, Judge)
        prompt = judge.begin(case, secret=self.secret)
        if not isinstance(prompt, Prompt):
            return prompt, 0.0, 0
        key = (judge.version, prompt.fence)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key], 0.0, 0
        if self._in_a_row >= _GIVE_UP:
            return Unscored("the judge is left alone for a while after failures"), 0.0, 0
        self._asked.append(time.monotonic())
        reply = await caller.ask(prompt, model=judge.model)
        if isinstance(reply, NoReply):
            self._failed(reply)
            return Unscored(reply.why), reply.usd, reply.calls
        return self._answered(judge, prompt, reply, key), reply.usd, 1

    def _answered(self, judge: Judge, prompt: Prompt, reply: Reply, key: tuple[str, str]) -> Scored | Unscored:
        self.calls += 1
        self._in_a_row = 0
        said = judge.end(reply.text, prompt, chance=reply.chance)
        if isinstance(said, Scored):
            self._known[key] = said
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        else:
            self.failed += 1
            self.last_error = said.reason
        return said

    def _failed(self, reply: NoReply) -> None:
        self.calls += reply.calls
        self.failed += 1
        self.last_error = reply.why
        self._in_a_row += 1
        if self._in_a_row >= _GIVE_UP:
            self._rests_until = time.monotonic() + _REST
            self._in_a_row = 0


def _today(spent: Any, now: int) -> dict[str, Any]:
    """The account of the day of the event clock; another day begins at nothing."""
    day = (EPOCH + timedelta(microseconds=now)).date().isoformat()
    if spent.get("day") == day:
        return {"day": day, "usd": float(spent.get("usd", 0.0)), "calls": int(spent.get("calls", 0))}
    return {"day": day, "usd": 0.0, "calls": 0}
