"""Data made better: exchanges collected into a dataset, patterns kept out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.analyze.text.guarding import BadGuard, Matcher
from homeostat.records.action import Action
from homeostat.records.guard import Guard
from homeostat.registry import datasets
from homeostat.registry.datasets import Shaping
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad


@dataclass(frozen=True, slots=True)
class Curate:
    """Exchanges that pass the filters go into the next version of a dataset, but for those that a pattern excludes.

    >>> Curate("failing", exclude_words=("spam",)).kept([{"input": "Spam!"}, {"input": "a question"}])
    [{'input': 'a question'}]
    """

    answer: ClassVar[str] = "curate"
    steps: ClassVar[tuple[str, ...]] = ("dataset",)
    inside: ClassVar[frozenset[str]] = frozenset(("dataset",))

    dataset: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    """As `/api/v1/exchanges` takes them: `{"release": "B", "score.groundedness.lt": "0.5"}`."""
    good: bool | None = None
    """What is known about them all."""
    exclude_words: tuple[str, ...] = ()
    exclude_pattern: str = ""
    exclude_users: tuple[str, ...] = ()
    deduplicate: bool = True
    redact: bool = True
    balance: bool = False
    add: bool = True
    limit: int = 2_000

    def kept(self, items: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Without what is excluded. Raises `BadGuard`."""
        if not (self.exclude_words or self.exclude_pattern or self.exclude_users):
            return items
        users = frozenset(self.exclude_users)
        texts = None
        if self.exclude_words or self.exclude_pattern:
            texts = Matcher(Guard("exclude", words=tuple(self.exclude_words), pattern=self.exclude_pattern))
        return [
            item
            for item in items
            if item.get("user") not in users
            and not (texts and texts.stops(f"{item.get('input')}\n{item.get('output')}"))
        ]

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """How many would go in, how many are excluded, and some of either."""
        found = self._found(effects, action)
        if isinstance(found, Declined):
            return found
        every, kept = found
        left = [item for item in every if item not in kept]
        into = datasets.shaped(kept, self._shaping())
        return {
            "dataset": self.dataset, "found": len(every), "excluded": len(left), "into": len(into),
            "examples": [_short(item) for item in into[:5]], "excluded_examples": [_short(item) for item in left[:5]],
        }  # fmt: skip

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Make the version."""
        found = self._found(effects, action)
        if isinstance(found, Declined):
            return found
        every, kept = found
        items = [{**item, "good": self.good} if self.good is not None else item for item in kept]
        lineage = {
            "action": action.id, "incident": action.incident, "filters": dict(self.filters),
            "found": len(every), "excluded": len(every) - len(kept), "good": self.good,
            "exclude": {"words": list(self.exclude_words), "pattern": self.exclude_pattern,
                        "users": len(self.exclude_users)},
        }  # fmt: skip
        made = datasets.make(
            effects.ledger, action.project, self.dataset, items, effects.author, lineage=lineage, add=self.add,
            shaping=self._shaping(),
        )  # fmt: skip
        if isinstance(made, Declined):
            return made
        version, _ = made
        return Told(result={"dataset": self.dataset, "version": version.version, "items": version.items})

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """The version stays what it is and is the newest no more. What was there before the action stays."""
        version = int(action.result.get("version", 0))
        found = datasets.find(effects.ledger, action.project, self.dataset, version) if version else None
        if found is None or isinstance(found, Declined) or found.lineage.get("action") != action.id:
            return Told()
        later = datasets.withdraw(effects.ledger, action.project, self.dataset, version, effects.author)
        return Told(result={"withdrawn": version} | ({"still_in": later} if later else {}))

    def _shaping(self) -> Shaping:
        return Shaping(deduplicate=self.deduplicate, redact=self.redact, balance=self.balance)

    def _found(
        self, effects: Effects, action: Action
    ) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]] | Declined:
        if effects.reading is None:
            return bad("Exchanges cannot be read here.")
        try:
            every = effects.reading.found(action.project, {**self.filters, "limit": self.limit})
            return every, self.kept(every)
        except BadGuard as problem:
            return bad(str(problem))
        except ValueError as problem:
            return bad(f"The filters do not fit: {str(problem)[:300]}")


def _short(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "exchange": item.get("exchange"), "input": str(item.get("input") or "")[:200],
        "output": str(item.get("output") or "")[:200],
    }  # fmt: skip
