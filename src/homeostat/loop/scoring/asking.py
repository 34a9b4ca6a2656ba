"""Asking a judge's model: within limits of number, remembered, and left alone for a while when it fails."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.analyze.judges import Judge, jury
from homeostat.analyze.judges.endpoint import Caller, Endpoint, NoReply, Reply
from homeostat.analyze.judges.prompt import Prompt
from homeostat.analyze.scorers.case import Case, Scored, Unscored
from homeostat.config import Settings

_REMEMBERED: Final = 20_000
#: Failures in a row after which a judge is left alone for a while: each asks three times already.
_GIVE_UP: Final = 5
_REST: Final = 60.0
_LEFT_ALONE: Final = "the judge is left alone for a while after failures"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said of one case, and what it took."""

    said: Scored | Unscored
    usd: float = 0.0
    calls: int = 0


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
        chosen = self.settings
        if not chosen.judge_url:
            return None
        return Endpoint(
            chosen.judge_url, chosen.judge_model, chosen.judge_key, chosen.judge_kind,
            timeout=chosen.judge_timeout, concurrency=chosen.judge_concurrency, schema=chosen.judge_schema,
            usd_per_million_in=chosen.judge_usd_per_million_in, usd_per_million_out=chosen.judge_usd_per_million_out,
        )  # fmt: skip

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
        return Answer(said, sum(each.usd for each in told), sum(each.calls for each in told))

    async def _one(self, caller: Caller, judge: Judge, prompt: Prompt, model: str, *, fresh: bool) -> Answer:
        key = (judge.version, model, prompt.fence)
        if key in self._known and not fresh:
            self._known.move_to_end(key)
            return Answer(self._known[key])
        if self.rests:
            return Answer(Unscored(_LEFT_ALONE))
        self._asked.append(time.monotonic())
        reply = await caller.ask(prompt, model=model)
        self.calls += reply.calls if isinstance(reply, NoReply) else 1
        if isinstance(reply, NoReply):
            self._failure(reply.why)
            return Answer(Unscored(reply.why), reply.usd, reply.calls)
        return Answer(self._read(judge, prompt, reply, key), reply.usd, 1)

    def _read(self, judge: Judge, prompt: Prompt, reply: Reply, key: tuple[str, str, str]) -> Scored | Unscored:
        self._in_a_row = 0
        self.tokens = self.tokens[0] + reply.input_tokens, self.tokens[1] + reply.output_tokens
        said = judge.end(reply.text, prompt, chance=reply.chance)
        if isinstance(said, Unscored):
            self.failed += 1
            self.last_error = said.reason
            return said
        self._known[key] = said
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return said

    def _failure(self, why: str) -> None:
        self.failed += 1
        self.last_error = why
        self._in_a_row += 1
        if self._in_a_row >= _GIVE_UP:
            self._rests_until = time.monotonic() + _REST
            self._in_a_row = 0

    def state(self) -> dict[str, Any]:
        """For `homeostat doctor`."""
        return {
            "configured": bool(self.settings.judge_url), "calls": self.calls, "failed": self.failed,
            "error": self.last_error, "resting_seconds": round(self.rests, 1),
            "usd_per_day": self.settings.judge_usd_per_day,
        }  # fmt: skip
