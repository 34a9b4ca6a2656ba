"""Judges at work: a sample of what settled is asked about, within limits of money and number, and never waited for.

Scores are stored as answers come, each answer is written down before that (`heard.py`), and what has one is not asked
about again: a crash costs at most the questions that were in flight. What a judge was paid moves together with its
place in the feed, when the answers of a piece are all stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.endpoint import Caller, Endpoint
from homeostat.config import Settings
from homeostat.loop.scoring.asking import Answer, Asker
from homeostat.loop.scoring.heard import Heard
from homeostat.loop.scoring.kinds import Runnable
from homeostat.loop.scoring.matter import Matter, matters
from homeostat.loop.scoring.tracks import Chosen, Tools, score_of, take
from homeostat.records.instant import as_datetime
from homeostat.registry.suspicion import suspected
from homeostat.store.ledger import feeds
from homeostat.store.ledger.feeds import Feed
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.questions.feed import Order, Place, Taken

PIECE: Final = 40
#: Exchanges that are looked at for a piece: of a small share there are few to ask about among many.
_FARTHEST: Final = 400
#: Seconds for which an answer waits for others, to be stored with them.
_TOGETHER: Final = 0.25
_BEGIN: Final = 3_600_000_000
#: Of our own prompts, and of a usual answer to them.
_PROMPT_TOKENS: Final = 450
_ANSWER_TOKENS: Final = 150
Account = Mapping[str, Any]


@dataclass
class Judging:
    """Rounds of every judge."""

    settings: Settings
    asker: Asker
    heard: Heard = field(default_factory=Heard)
    """Answers until they are stored and in the accounts."""
    _spent: dict[str, Any] = field(default_factory=dict)
    _idle: dict[str, list[str]] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """For `homeostat doctor`: calls, failures, what was spent today, and by project who has nobody to ask."""
        return self.asker.state() | {"spent": dict(self._spent), "idle": dict(self._idle)}

    def round(self, tools: Tools, project: str, chosen: Chosen, until: int) -> int:
        """One piece for each judge of a project; how many exchanges went by. Zero: all have caught up."""
        judges = chosen.get("judge", ())
        if self.asker.endpoint is None:
            self._idle[project] = [each.configured.scorer for each in judges]
        if self.asker.endpoint is None or self.asker.rests:
            return 0
        return sum(self._live(tools, project, each, until) for each in judges)

    def _live(self, tools: Tools, project: str, each: Runnable, until: int) -> int:
        track = f"judge:{each.configured.name}"
        before = feeds.place(tools.ledger, project, track, start=tools.now - _BEGIN)
        return self.piece(tools, project, each, track, before, until, share=self._share(tools, project, each))

    def piece(
        self,
        tools: Tools,
        project: str,
        each: Runnable,
        track: str,
        before: Feed,
        until: int,
        *,
        share: float,
        order: Order = "ready",
    ) -> int:
        """Take a piece of a track, ask, store, move on; how many went by. Of a judge that came to be left alone in the
        middle the piece is taken again, and what it said already is heard."""
        endpoint = self.asker.endpoint
        if until <= before.ready or endpoint is None:
            return 0
        place = Place(before.ready, before.id)
        limit = _reach(share)
        taken = take(tools, project, each.unit, each.configured.filters, place, until, limit=limit, order=order)
        account = today(before.spent, tools.now)
        most = self.may_ask(each, self.account(tools, project, each))
        sample = _sample(tools, project, each, taken, share=share, most=most)
        about = f"{project}/{track}/"
        left = asyncio.run(self._judge(tools, project, each, endpoint, sample, about)) if sample else 0
        if left:
            return 0
        usd, calls = self.heard.paid(about)
        account |= {"usd": round(account["usd"] + usd, 8), "calls": account["calls"] + calls}
        account["taken"] = int(before.spent.get("taken", 0)) + len(taken.exchanges)
        after = Feed(taken.place.ready, taken.place.id, {**before.spent, **account})
        feeds.move(tools.ledger, project, track, before, after)
        self.heard.forget(about)
        self._spent[f"{project}/{each.configured.name}"] = {name: account[name] for name in ("day", "usd", "calls")}
        return len(taken.exchanges)

    def account(self, tools: Tools, project: str, each: Runnable) -> dict[str, Any]:
        """What a judge spent today, live and on history."""
        name = each.configured.name
        live = feeds.tracks(tools.ledger, project, f"judge:{name}").get(f"judge:{name}")
        past = (feeds.tracks(tools.ledger, project, f"{kind}:{name}@") for kind in ("history", "anchors"))
        places = [*([live] if live else []), *(place for tracks in past for place in tracks.values())]
        spent = [today(place.spent, tools.now) for place in places]
        total = today({}, tools.now)
        return total | {key: sum(one[key] for one in spent) for key in ("usd", "calls")}

    def usd_of(self, tools: Tools, project: str, each: Runnable, characters: float = 2_000.0) -> float:
        """What one judgement will cost: as its last ones did, else by the length of what it reads."""
        account = self.account(tools, project, each)
        if account["calls"] and account["usd"]:
            return float(account["usd"] / account["calls"])
        assert isinstance(each.works, Judge)
        tokens = _PROMPT_TOKENS + characters / 4
        usd = tokens * self.settings.judge_usd_per_million_in + _ANSWER_TOKENS * self.settings.judge_usd_per_million_out
        return usd / 1e6 * max(1, len(each.works.jury))

    def may_ask(self, each: Runnable, account: Account) -> int:
        """How many more: nothing beyond the day's money or the minute's number."""
        assert isinstance(each.works, Judge)
        members = max(1, len(each.works.jury))
        most = PIECE
        limit = self.settings.judge_usd_per_day
        if limit and account["usd"] >= limit:
            return 0
        if limit and account["calls"] and account["usd"]:
            most = min(most, 1 + int((limit - account["usd"]) / (account["usd"] / account["calls"]) / members))
        turns = self.asker.turns()
        return most if turns is None else min(most, turns // members)

    def _share(self, tools: Tools, project: str, each: Runnable) -> float:
        """Of what goes by: more of it while something may be wrong, when each answer counts."""
        share = each.configured.share
        if share >= 1 or self.settings.judge_closer <= 1 or not suspected(tools.ledger, project, tools.now):
            return share
        return min(1.0, share * self.settings.judge_closer)

    async def _judge(
        self, tools: Tools, project: str, each: Runnable, endpoint: Endpoint, sample: Sequence[Matter], about: str
    ) -> int:
        """Ask about each and store what was said; how many questions are open, because the judge is left alone."""
        left = 0
        caller = Caller(endpoint)
        try:
            waiting = {asyncio.create_task(self._one(caller, each, matter, about)) for matter in sample}
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if waiting:  # what is answered at about the same time is stored together
                    more, waiting = await asyncio.wait(waiting, timeout=_TOGETHER)
                    done |= more
                told = [task.result() for task in done]
                left += sum(answer.left for _, answer in told)
                rows = [score_of(matter, each, answer.said) for matter, answer in told if not answer.left]
                await asyncio.to_thread(scored.put, tools.warehouse, project, rows, now=tools.now)
        finally:
            await caller.close()
        return left

    async def _one(self, caller: Caller, each: Runnable, matter: Matter, about: str) -> tuple[Matter, Answer]:
        key = about + scored.score_id(each.configured.scorer, matter.exchange.id)
        return matter, await self.ask(caller, each, matter, key)

    async def ask(self, caller: Caller, each: Runnable, matter: Matter, key: str, *, fresh: bool = False) -> Answer:
        """What was heard under this key, else the judge's answer, written down as it comes."""
        assert isinstance(each.works, Judge)
        answer = self.heard.known(key)
        if answer is None:
            answer = await self.asker.ask(caller, each.works, matter.case, fresh=fresh)
            if not answer.left:
                self.heard.note(key, answer)
        return answer


def _sample(tools: Tools, project: str, each: Runnable, taken: Taken, *, share: float, most: int) -> list[Matter]:
    """What is asked about: those of the share that have no value of this version yet. Of a judge that failed they are
    asked about again when they come by again; of what cannot be judged the judge says so without being asked."""
    wanted = taken.sample(share, len(taken.exchanges))
    known = scored.known(tools.warehouse, project, [each.configured.scorer], wanted)
    there = {id_ for id_, valued in known.items() if valued}
    left = [one for one in wanted if scored.score_id(each.configured.scorer, one.id) not in there]
    kept = {one.id for one in left}
    sample = [one for one in taken.sample(share, most + len(there)) if one.id in kept][:most]
    return matters(
        tools.warehouse, tools.shelves, project, each.unit, sample, tools.now, references=each.reads_reference
    )


def _reach(share: float) -> int:
    """So many exchanges that about half a piece is among them: by chance it may be twice that, and none is left out."""
    return max(PIECE, min(_FARTHEST, int(PIECE / 2 / max(share, 1e-6))))


def today(spent: Account, now: int) -> dict[str, Any]:
    """The account of the day of the event clock; another day begins at nothing."""
    day = as_datetime(now).date().isoformat()
    if spent.get("day") == day:
        return {"day": day, "usd": float(spent.get("usd", 0.0)), "calls": int(spent.get("calls", 0))}
    return {"day": day, "usd": 0.0, "calls": 0}
