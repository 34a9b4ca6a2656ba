"""A draft tried on the incident's own questions, before a person accepts it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeostat.act.remedies import remedy
from homeostat.act.remedies.prompt import ChangePrompt
from homeostat.config import Settings
from homeostat.loop.watching.outside import upstream
from homeostat.loop.watching.proposing import questions
from homeostat.observe import prices
from homeostat.records.action import Action
from homeostat.records.instant import micros
from homeostat.records.release import Release
from homeostat.records.verdict import Verdict
from homeostat.registry import releases
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad
from homeostat.store.ledger import datasets as rows
from homeostat.store.ledger import incidents, verdicts
from homeostat.verify.replaying import Pair, replayed

MOST: Final = 50
_JSON: Final = {"content-type": "application/json"}


def tried(
    core: Any, action: Action, at: datetime, *, limit: int, dataset: str = ""
) -> tuple[Verdict, list[Pair]] | Declined:
    """Ask both prompts the failing questions (or a dataset's), and keep the word as an interim one."""
    found = remedy(action.remedy, action.parameters)
    if isinstance(found, Declined):
        return found
    if not isinstance(found, ChangePrompt) or not found.template.strip():
        return bad("Only a change of a prompt that has its text can be replayed.")
    old = releases.find(core.ledger, action.project, found.leaving)
    if isinstance(old, Declined):
        return old
    new = found.changed(old.release)
    items = _items(core, action, at, limit, dataset)
    if isinstance(items, Declined):
        return items
    if upstream(core.settings, old.release.endpoint) is None:
        return bad("No model can be asked from here.", "Set upstream and upstream_key (OpenAI's API).")
    said = replayed(action, old.release, new, items, Answering(core.settings), at=micros(at))
    if not isinstance(said, Declined):
        verdicts.add(core.ledger, said[0])
    return said


def _items(core: Any, action: Action, at: datetime, limit: int, dataset: str) -> list[Mapping[str, Any]] | Declined:
    if dataset:
        version = rows.get(core.ledger, action.project, dataset)
        if version is None:
            return Declined("not_found", f"There is no dataset {dataset}.", "homeostat dataset ls")
        return [*rows.items(core.ledger, action.project, dataset, version.version, limit=limit)]
    return failing(core, action, at, limit)


def failing(core: Any, action: Action, at: datetime, limit: int) -> list[Mapping[str, Any]]:
    """Questions since the incident's onset whose answers the measure calls failing."""
    incident = incidents.get(core.ledger, action.project, action.incident) if action.incident else None
    since = incident.onset if incident is not None else micros(at) - 86_400_000_000
    return [*questions(core, action, "failing", at, since, limit)]


@dataclass
class Answering:
    """Asks the model of a release, until the money or the calls are spent."""

    settings: Settings
    left: tuple[float, float] = (math.inf, math.inf)
    """USD, and calls."""
    usd: float = 0.0
    calls: int = 0

    def __call__(self, release: Release, messages: list[dict[str, str]]) -> str | None:
        """One answer; None when there is none."""
        door = upstream(self.settings, release.endpoint)
        if door is None or self.usd >= self.left[0] or self.calls >= self.left[1]:
            return None
        self.calls += 1
        model = release.model or self.settings.upstream_model
        body = {**release.parameters, "model": model, "messages": messages}
        try:
            told = door.call("POST", "/chat/completions", json.dumps(body).encode(), _JSON)
            self.usd += _usd(model, told.get("usage") or {})
            return str(told["choices"][0]["message"]["content"])
        except (OSError, KeyError, IndexError, TypeError, AttributeError):
            return None


def _usd(model: str, usage: Mapping[str, Any]) -> float:
    """By list prices; nothing for a model that nobody lists: then the number of calls is the limit."""
    listed = prices.windows("openai", model, {})
    if not listed:
        return 0.0
    tier = listed[-1].tiers[0]
    asked, answered = (float(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    return asked * tier.input + answered * tier.output
