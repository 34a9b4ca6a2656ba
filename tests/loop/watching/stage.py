"""A project that is watched: releases, a policy, an incident, and exchanges as good as told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from homeostat.act import incidents
from homeostat.config import Settings
from homeostat.loop.watching.context import Context
from homeostat.records.comparison import Comparison
from homeostat.records.finding import Finding
from homeostat.records.incident import Candidate, Entry, Incident
from homeostat.records.instant import micros
from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from homeostat.registry import releases, steering
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, comparisons, findings, policies, projects
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON, exchange_row, score_row, span_row, store

MINUTE = timedelta(minutes=1)
RELEVANCE = "mean(score.relevance)"


@dataclass
class Stage:
    """One project over the shared engine and a ledger of its own."""

    context: Context
    project: str
    dice: Random = field(default_factory=lambda: Random(1))
    published: list[float] = field(default_factory=list)

    @classmethod
    def at(cls, path: Path, warehouse: Warehouse, project: str, shares: Mapping[str, float], **settings: Any) -> Stage:
        """Releases A, B, C; `shares` since an hour before noon."""
        folder = Folder(path)
        folder.prepare()
        ledger = Ledger(f"sqlite:///{path}/ledger.db", seal=b"seal")
        ledger.upgrade()
        projects.ensure(ledger, project, at=NOON)
        published: list[float] = []
        clock: Any = SimpleNamespace(now=lambda: NOON)
        context = Context(warehouse, ledger, clock, Settings(data=path, **settings), folder,
                          lambda: published.append(1.0))  # fmt: skip
        stage = cls(context, project, published=published)
        author = Author("operator", NOON - timedelta(hours=30), NOON)
        for name in ("A", "B", "C"):
            made = releases.make(ledger, project, Release(name, model="m", system=f"You are {name}."), author)
            assert not isinstance(made, Declined)
        stage.put({"A": 1.0}, NOON - timedelta(hours=30))
        if shares != {"A": 1.0}:
            stage.put(shares, NOON - timedelta(hours=1))
        return stage

    def put(
        self, shares: Mapping[str, float], at: datetime, actor: str = "operator", *, route: str = "default"
    ) -> Policy:
        """A person changes the policy."""
        kept = policies.get(self.context.ledger, self.project, route)
        wanted = Policy(route, 0, reshaped((), shares))
        done = steering.put(
            self.context.ledger, self.project, wanted, kept.policy.version if kept else 0, Author(actor, at, at)
        )
        assert not isinstance(done, Declined), done
        return done

    @property
    def shares(self) -> dict[str, float]:
        kept = policies.get(self.context.ledger, self.project, "default")
        assert kept is not None
        return {name: round(share, 3) for name, share in kept.policy.shares.items()}

    def talk(
        self, start: datetime, minutes: int, quality: Mapping[str, float], *, a_minute: int = 6, users: int = 400,
        shares: Mapping[str, float] | None = None, route: str = "",
    ) -> None:  # fmt: skip
        """Exchanges with a score each; `quality`: by release, which a user keeps. `route`: what they name."""
        kept = policies.get(self.context.ledger, self.project, "default")
        assert kept is not None
        policy = Policy("default", 1, reshaped((), shares)) if shares else kept.policy
        from homeostat.records.policy import assign

        rows, spans, scores = [], [], []
        for n in range(minutes * a_minute):
            at = start + n * MINUTE / a_minute
            user = f"u{self.dice.randrange(users)}"
            release = assign(policy, user=user, request=str(n)).release
            row = exchange_row(self.project, at=at, user_id=user, release=release)
            rows.append(row)
            here = {"at": at, "trace_id": row["trace_id"], "span_id": row["span_id"]}
            if route:
                spans.append(span_row(self.project, attributes={"homeostat.route": route}, **here))
            value = float(self.dice.random() < quality[release])
            scores.append(score_row(self.project, name="relevance", value=value, **here))
        store(self.context.warehouse, exchanges=rows, spans=spans, scores=scores)

    def compare(self, at: datetime, harm: float, **more: Any) -> Comparison:
        """B against A, as the ticker would have it."""
        kept = policies.get(self.context.ledger, self.project, "default")
        assert kept is not None
        told = Comparison(
            self.project, "default", RELEVANCE, "engine", "B", "A", "down", kept.policy.version,
            micros(NOON - timedelta(hours=1)), micros(at), harm, 0.1, (40, 350), (0.60, 0.85), -0.25, -0.40, -0.10,
        )  # fmt: skip
        told = Comparison(**{**{name: getattr(told, name) for name in Comparison.__slots__}, **more})
        comparisons.put(self.context.ledger, [told])
        return told

    def incident(
        self, at: datetime, cause: Any, subject: str = "", *, value: float | None = 0.6, measure: str = RELEVANCE,
        release: str = "", supports: tuple[str, ...] = ("it is so",),
    ) -> Incident:  # fmt: skip
        """A finding, the incident that it opens, and its diagnosis."""
        ledger, moment = self.context.ledger, micros(at)
        found = findings.add(ledger, Finding(
            self.project, "quality", 1, measure, moment, "down", moment, moment - 10**9, moment, value, None, None,
            None if value is None else 0.85, 200, 0.001, "critical", release=release, against="reference",
        ))  # fmt: skip
        [opened] = incidents.take(ledger, self.project, [found], at=moment)
        incidents.diagnosed(ledger, opened, [Candidate(cause, 0.9, supports, (), "", subject)], at=moment)
        kept = kept_incidents.get(ledger, self.project, opened.id)
        assert kept is not None
        if not any(entry.kind == "diagnosis" for entry in kept.timeline):
            kept_incidents.note(ledger, self.project, opened.id, Entry(moment, "diagnosis", str(cause)))
        return kept


def us(at: datetime) -> int:
    return micros(at.astimezone(UTC))
