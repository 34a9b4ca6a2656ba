"""A judge for rows of a file: one after the other, and of two answers which is the better."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.endpoint import Caller, Endpoint
from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored
from homeostat.config import Settings
from homeostat.loop.scoring.asking import Asker, endpoint_of

#: What a row may call the answer that its own is compared with.
OTHER: Final = ("other", "output_b", "response_b", "baseline", "rejected")


@dataclass
class RowJudge:
    """Asks the endpoint of the settings. A row with another answer is asked about in both orders."""

    judge: Judge
    endpoint: Endpoint
    asker: Asker
    rung: ClassVar[Rung] = "judge"

    @classmethod
    def of(cls, judge: Judge, settings: Settings) -> RowJudge | None:
        """None: no endpoint is named."""
        endpoint = endpoint_of(settings)
        return None if endpoint is None else cls(judge, endpoint, Asker(settings, secrets.token_bytes(32)))

    @property
    def name(self) -> str:
        """Beside a scorer of the same dimension it is another column."""
        return f"judge-{self.judge.name}"

    @property
    def dimension(self) -> str:
        """Which quality it judges."""
        return self.judge.dimension

    def score(self, case: Case) -> Scored | Unscored:
        """Of one answer how good it is; of two whether the row's own is the better (1) or the other (0)."""
        return asyncio.run(self._asked(case))

    async def _asked(self, case: Case) -> Scored | Unscored:
        other = other_of(case.metadata)
        caller = Caller(self.endpoint)
        try:
            if other is None:
                return (await self.asker.ask(caller, self.judge, case)).said
            return (await self.asker.prefer(caller, self.judge, case, replace(case, output=other))).said
        finally:
            await caller.close()


def other_of(row: Mapping[str, Any]) -> str | None:
    """The other answer of a row, if it has one."""
    return next((row[name] for name in OTHER if isinstance(row.get(name), str)), None)
