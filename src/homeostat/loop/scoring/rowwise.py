"""Rows of a file: a judge, asked about one after the other and of two answers which is the better; and the engine's
scorers, for a piece of rows in one statement.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.endpoint import Caller, Endpoint
from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.scorers.engine import InEngine
from homeostat.config import Settings
from homeostat.loop.scoring.asking import Asker, endpoint_of
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.scored import Expression, of_rows

#: What a row may call the answer that its own is compared with.
OTHER: Final = ("other", "output_b", "response_b", "baseline", "rejected")
_TOOLS: Final = ("tools", "tool_calls")


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


class RowEngine:
    """The engine's scorers over rows of a file, in an engine of its own in a folder that is gone afterwards."""

    def __init__(self, chosen: Sequence[InEngine]) -> None:
        self._asked = [Expression(o.name, o.name, o.value, o.reason, o.parameters, Filters(), 1.0) for o in chosen]
        self._folder = TemporaryDirectory(prefix="homeostat-")
        self._rows = Path(self._folder.name) / "rows.jsonl"
        self._engine = Warehouse(f"chdb://{self._folder.name}/engine", readers=1)

    def score(self, cases: Sequence[Case]) -> list[dict[str, Scored | Unscored]]:
        """What each scorer says of each of these."""
        lines = (json.dumps(_columns(number, case)) for number, case in enumerate(cases))
        self._rows.write_text("\n".join(lines), "utf-8")
        found: list[dict[str, Scored | Unscored]] = [{} for _ in cases]
        for row in of_rows(self._engine, self._asked, self._rows):
            value, why = row["value"], row["reason"]
            found[row["n"]][row["name"]] = Unscored(why or "it cannot say") if value is None else judged(value, why)
        return found

    def close(self) -> None:
        """Leave nothing behind."""
        self._engine.close()
        self._folder.cleanup()


def _columns(number: int, case: Case) -> dict[str, Any]:
    """What the engine knows of an exchange, from a row that may call it otherwise."""
    told = case.metadata
    tools = [str(tool) for name in _TOOLS if isinstance(told.get(name), list) for tool in told[name]]
    return {
        "n": number, "input": _text(case.input), "output": _text(case.output), "tools": [_text(tool) for tool in tools],
        "finish_reason": _text(told.get("finish_reason")), "status": _text(told.get("status")),
    }  # fmt: skip


def _text(value: Any) -> str:
    """Half of a surrogate pair, which is no text, becomes a question mark."""
    return str(value or "").encode("utf-8", "replace").decode()
