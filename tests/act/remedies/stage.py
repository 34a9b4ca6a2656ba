"""A ledger with two releases behind a canary, and everything a remedy may touch."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from homeostat.act.remedies import Effects
from homeostat.records.action import Action, Expectation
from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from homeostat.registry import datasets, releases, steering
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, guards, policies, projects

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
AUTHOR = Author("operator", NOW, NOW)
EXPECTS = Expectation("mean(score.relevance)", "up", 0.1, 2_000_000_000_000_000, "before")
#: One set of parameters for each remedy of the table.
EXAMPLES: dict[str, dict[str, Any]] = {
    "rollback": {"route": "default", "to": "A", "leaving": "B", "holdback": 0.05},
    "shift-traffic": {"route": "default", "shares": {"A": 0.5, "B": 0.5}},
    "switchback": {"route": "default", "leaving": "A", "to": "B", "blocks": 12, "minutes": 30},
    "pause": {"route": "default", "release": "B"},
    "fallback": {"route": "default", "leaving": "A", "model": "gpt-4o-mini-2024-07-18"},
    "prompt": {"leaving": "A", "template": "Answer from the documentation only.", "share": 0.1},
    "curate": {"dataset": "failing", "exclude_words": ["spam"], "good": False},
    "retrain": {"dataset": "lessons", "base": "gpt-4o-mini", "leaving": "A", "mode": "canary"},
    "pipeline": {"name": "train", "inputs": {"ref": "main"}},
    "block": {"name": "no-cards", "words": ["card number"]},
    "by-hand": {"what": "update the page on returns"},
}


class Items:
    """Exchanges as the warehouse would find them."""

    def found(self, project: str, chosen: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [
            {"exchange": f"{n:032x}-{n:016x}", "input": f"question {n}", "output": "spam" if n == 3 else f"answer {n}",
             "user": f"u{n}", "release": "A"}
            for n in range(1, 6)
        ]  # fmt: skip


@dataclass
class Outside:
    """An endpoint that remembers; a job is over at its second look."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0
    away: bool = False

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
        if self.away:
            raise ConnectionRefusedError("nobody listens")
        self.calls.append((method, path))
        if path == "/files":
            return {"id": "file-1"}
        if (method, path) == ("POST", "/fine_tuning/jobs"):
            self.jobs.append({"id": f"job-{len(self.jobs) + 1}", **json.loads(body)})
            return self.jobs[-1]
        if path.startswith("/fine_tuning/jobs?"):
            return {"data": self.jobs}
        if path.startswith("/fine_tuning/jobs/"):
            self.looks += 1
            done = self.looks > 1
            return {"status": "succeeded" if done else "running", "fine_tuned_model": "ft:mini:1" if done else None}
        return {}


def made(value: Any) -> Any:
    assert not isinstance(value, Declined), value
    return value


def ledger_at(path: Path) -> Ledger:
    """A ledger with a project, releases A and B, nine in ten on A; made once, then copied."""
    (path / "ledger.db").write_bytes(_first())
    return Ledger(f"sqlite:///{path}/ledger.db", seal=b"seal")


@lru_cache
def _first() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        _built(Path(folder)).close()
        return (Path(folder) / "ledger.db").read_bytes()


def _built(path: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{path}/ledger.db", seal=b"seal")
    ledger.upgrade()
    projects.ensure(ledger, "p", at=NOW)
    for name in ("A", "B"):
        made(releases.make(ledger, "p", Release(name, model="gpt-4o-mini", system=f"You are {name}."), AUTHOR))
    wanted = Policy("default", 0, reshaped((), {"A": 0.9, "B": 0.1}), pinned={"u1": "B"})
    made(steering.put(ledger, "p", wanted, 0, AUTHOR))
    lessons = [{"input": f"q{n}", "output": f"a{n}", "good": True} for n in range(12)]
    made(datasets.make(ledger, "p", "lessons", lessons, AUTHOR, lineage={}))
    return ledger


def effects_of(ledger: Ledger, *, outside: Outside | None = None, hours: int = 0) -> Effects:
    """`hours`: after the beginning."""
    there, at = outside or Outside(), NOW + timedelta(hours=hours)
    return Effects(
        ledger, Author("operator", at, at), publish=lambda: None, reading=Items(), tuning=there,
        webhooks={"train": there},
    )  # fmt: skip


def action_of(remedy: str, **changes: Any) -> Action:
    from homeostat.act.remedies import REMEDIES

    answer = REMEDIES[remedy].answer or "update-knowledge"
    return Action(
        0, "p", remedy, answer, EXAMPLES[remedy], changes.pop("expects", EXPECTS), "proposed", "", "because", **changes
    )  # fmt: skip


def world(ledger: Ledger) -> dict[str, Any]:
    """What serves and what stops: what an undo must put back."""
    kept = policies.get(ledger, "p", "default")
    assert kept is not None
    policy = kept.policy
    return {
        "shares": policy.shares, "pinned": dict(policy.pinned), "shadow": policy.shadow,
        "guards": [guard.name for guard in guards.listed(ledger, "p") if guard.state == "on"],
    }  # fmt: skip
