"""Asking a judge's model: within limits of number, remembered, and left alone for a while when it fails."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from homeostat.analyze.judges import Judge, compare, jury, preferred
from homeostat.analyze.judges.endpoint import Caller, Endpoint, NoReply, Reply
from homeostat.analyze.judges.prompt import Prompt
from homeostat.analyze.judges.reading import Unreadable, read
from homeostat.analyze.scorers.case import Case, Scored, Unscored
from homeostat.config import Settings

_REMEMBERED: Final = 20_000
#: Failures in a row after which a judge is left alone for a while, and after that as soon as it fails again.
_GIVE_UP: Final = 5
_REST: Final = 60.0
_LEFT_ALONE: Final = "the judge is left alone for a while after failures"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said of one case, and what it took."""

    said: Scored | Unscored
    usd: float = 0.0
    calls: int = 0
    left: bool = False
    """Nobody was asked, because the judge is left alone: the question is still open."""


def endpoint_of(chosen: Settings) -> Endpoint | None:
    """The endpoint of the settings, with the others that a jury may name; None: the operator named none."""
    if not chosen.judge_url:
        return None
    common: dict[str, Any] = {"timeout": chosen.judge_timeout, "concurrency": chosen.judge_concurrency}
    others = {
        name: Endpoint(
            each.url, each.model, each.token(), each.kind, schema=each.json_schema,
            usd_per_million_in=each.usd_per_million_in, usd_per_million_out=each.usd_per_million_out, **common,
        )
        for name, each in chosen.judges.items()
    }  # fmt: skip
    return Endpoint(
        chosen.judge_url, chosen.judge_model, chosen.judge_key, chosen.judge_kind, schema=chosen.judge_schema,
        usd_per_million_in=chosen.judge_usd_per_million_in, usd_per_million_out=chosen.judge_usd_per_million_out,
        others=others, **common,
    )  # fmt: skip


@dataclass
class Asker:
    """The way to the judges of all projects; one of it in a process, so that limits are kept together."""

    settings: Settings
    secret: bytes
    calls: int = 0
    failed: int = 0
    last_error: str = ""
    tokens: tuple[int, int] = (0, 0)
    """Input and output tokens of all answers so far."""
    _known: OrderedDict[tuple[str, str, str], Scored] = field(default_factory=OrderedDict)
    _asked: deque[float] = field(default_factory=deque)
    _in_a_row: int = 0
    _rests_until: float = 0.0

    @property
    def endpoint(self) -> Endpoint | None:
        """Where judges live; None: the operator named none, and no judge runs."""
        return endpoint_of(self.settings)

    @property
    def rests(self) -> float:
        """Seconds for which it is left alone."""
        return max(0.0, self._rests_until - time.monotonic())

    def turns(self) -> int | None:
        """How many questions the minute's limit still lets through; None: there is no limit."""
        if self.settings.clock == "world" or not self.settings.judge_per_minute:
            return None
        now = time.monotonic()
        while self._asked and self._asked[0] < now - 60:
            self._asked.popleft()
        return max(0, self.settings.judge_per_minute - len(self._asked))

    async def ask(self, caller: Caller, judge: Judge, case: Case, *, fresh: bool = False) -> Answer:
        """Its judgement of one case; a jury's is that of its members together. `fresh`: not as it is remembered."""
        prompt = judge.begin(case, secret=self.secret)
        if not isinstance(prompt, Prompt):
            return Answer(prompt)
        members: Sequence[str] = judge.jury or (judge.model,)
        told = await asyncio.gather(*(self._one(caller, judge, prompt, model, fresh=fresh) for model in members))
        said = jury([each.said for each in told]) if judge.jury else told[0].said
        calls = sum(each.calls for each in told)
        left = isinstance(said, Unscored) and not calls and any(each.left for each in told)
        return Answer(said, sum(each.usd for each in told), calls, left)

    async def _one(self, caller: Caller, judge: Judge, prompt: Prompt, model: str, *, fresh: bool) -> Answer:
        key = (judge.version, model, prompt.fence)
        if key in self._known and not fresh:
            self._known.move_to_end(key)
            return Answer(self._known[key])
        reply = await self._told(caller, prompt, model)
        if isinstance(reply, NoReply):
            return Answer(Unscored(reply.why), reply.usd, reply.calls, left=not reply.calls)
        return Answer(self._read(judge, prompt, reply, key), reply.usd, 1)

    async def prefer(self, caller: Caller, judge: Judge, first: Case, second: Case) -> Answer:
        """Which of two answers is better: 1 the first, 0 the second. Asked in both orders; a jury has its median."""
        prompts = compare(judge, first, second, secret=self.secret)
        if isinstance(prompts, Scored | Unscored):
            return Answer(prompts)
        members: Sequence[str] = judge.jury or (judge.model,)
        told = await asyncio.gather(*(self._both(caller, prompts, model) for model in members))
        said = jury([each.said for each in told]) if judge.jury else told[0].said
        if judge.jury and isinstance(said, Scored):
            said = replace(said, label="first" if said.value > 0.5 else "second" if said.value < 0.5 else "neither")
        return Answer(said, sum(each.usd for each in told), sum(each.calls for each in told))

    async def _both(self, caller: Caller, prompts: tuple[Prompt, Prompt], model: str) -> Answer:
        replies = await asyncio.gather(*(self._told(caller, prompt, model) for prompt in prompts))
        usd, calls = (
            sum(one.usd for one in replies),
            sum(one.calls if isinstance(one, NoReply) else 1 for one in replies),
        )
        read_ = [
            Unreadable(reply.why) if isinstance(reply, NoReply) else read(reply.text, prompt)
            for reply, prompt in zip(replies, prompts, strict=True)
        ]
        for reply, verdict in zip(replies, read_, strict=True):
            if isinstance(reply, Reply):
                self._heard(reply, verdict.why if isinstance(verdict, Unreadable) else "")
        return Answer(preferred(read_[0], read_[1]), usd, calls)

    async def _told(self, caller: Caller, prompt: Prompt, model: str) -> Reply | NoReply:
        reply = await caller.ask(prompt, model=model, unless=self._left_alone)
        calls = reply.calls if isinstance(reply, NoReply) else 1
        self.calls += calls
        if calls and isinstance(reply, NoReply):
            self._failure(reply.why)
        return reply

    def _left_alone(self) -> str:
        """Why a question whose turn it is is not asked; empty: it is, and counts."""
        if self.rests:
            return _LEFT_ALONE
        self._asked.append(time.monotonic())
        return ""

    def _read(self, judge: Judge, prompt: Prompt, reply: Reply, key: tuple[str, str, str]) -> Scored | Unscored:
        said = judge.end(reply.text, prompt, chance=reply.chance)
        self._heard(reply, said.reason if isinstance(said, Unscored) else "")
        if isinstance(said, Unscored):
            return said
        self._known[key] = said
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return said

    def _heard(self, reply: Reply, wrong: str) -> None:
        """An answer, paid for; one that cannot be read is a failure like any other."""
        self.tokens = self.tokens[0] + reply.input_tokens, self.tokens[1] + reply.output_tokens
        if wrong:
            self._failure(wrong)
        else:
            self._in_a_row = 0

    def _failure(self, why: str) -> None:
        self.failed += 1
        self.last_error = why
        self._in_a_row += 1
        if self._in_a_row >= _GIVE_UP:
            self._rests_until = time.monotonic() + _REST

    def state(self) -> dict[str, Any]:
        """For `homeostat doctor`."""
        return {
            "configured": bool(self.settings.judge_url), "calls": self.calls, "failed": self.failed,
            "error": self.last_error, "resting_seconds": round(self.rests, 1),
            "failing": self._in_a_row >= _GIVE_UP,
            "usd_per_day": self.settings.judge_usd_per_day,
        }  # fmt: skip
