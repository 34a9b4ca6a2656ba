"""A draft tried on the incident's own questions, before a person accepts it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from homeostat.act.remedies import remedy
from homeostat.act.remedies.prompt import ChangePrompt
from homeostat.config import Settings
from homeostat.loop.watching.actor import questions
from homeostat.loop.watching.outside import upstream
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
    said = replayed(action, old.release, new, items, lambda one, said: _ask(core.settings, one, said), at=micros(at))
    if not isinstance(said, Declined):
        verdicts.add(core.ledger, said[0])
    return said


def _items(core: Any, action: Action, at: datetime, limit: int, dataset: str) -> list[Mapping[str, Any]] | Declined:
    if dataset:
        version = rows.get(core.ledger, action.project, dataset)
        if version is None:
            return Declined("not_found", f"There is no dataset {dataset}.", "homeostat dataset ls")
        return [*rows.items(core.ledger, action.project, dataset, version.version, limit=limit)]
    incident = incidents.get(core.ledger, action.project, action.incident) if action.incident else None
    since = incident.onset if incident is not None else micros(at) - 86_400_000_000
    return [*questions(core, action, "failing", at, since, limit)]


def _ask(settings: Settings, release: Release, messages: list[dict[str, str]]) -> str | None:
    """One answer; None when there is none."""
    door = upstream(settings, release.endpoint)
    if door is None:
        return None
    body = {**release.parameters, "model": release.model or settings.upstream_model, "messages": messages}
    try:
        told = door.call("POST", "/chat/completions", json.dumps(body).encode(), _JSON)
        return str(told["choices"][0]["message"]["content"])
    except (OSError, KeyError, IndexError, TypeError):
        return None
