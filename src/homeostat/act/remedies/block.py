"""A guard on the gateway: answers (or questions) that match are refused or replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal

from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told, read
from homeostat.analyze.text.guarding import BadGuard, Matcher
from homeostat.records import guard as guards_of
from homeostat.records.action import Action
from homeostat.records.guard import Guard
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad
from homeostat.store.ledger import actions, guards

#: So many actions are looked through for what they put there.
_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class Block:
    """`on` the answer or the question, what matches a pattern (or one of the words) is refused or replaced.

    >>> Block("no-cards", words=("card number",)).guard.where
    'answer'
    """

    answer: ClassVar[str] = "block"
    steps: ClassVar[tuple[str, ...]] = ("guard",)
    inside: ClassVar[frozenset[str]] = frozenset(("guard",))

    name: str
    words: tuple[str, ...] = ()
    pattern: str = ""
    detector: str = ""
    where: Literal["answer", "question"] = "answer"
    do_with: Literal["refuse", "replace"] = "refuse"
    text: str = ""
    users: tuple[str, ...] = ()

    @property
    def guard(self) -> Guard:
        """As the gateway obeys it."""
        return guards_of.from_json({**asdict(self), "do": self.do_with})

    def _matcher(self) -> Matcher:
        if not self.name.strip():
            raise BadGuard("A guard needs a name.")
        return Matcher(self.guard)

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """The guard, and how many of the newest answers it would have stopped, some of them shown."""
        guard = self.guard
        try:
            matcher = self._matcher()
        except BadGuard as problem:
            return bad(str(problem))
        told: dict[str, Any] = {"guard": guards_of.as_json(guard)}
        if effects.reading is not None:
            items = effects.reading.found(action.project, {"limit": 2_000})
            side = "output" if guard.where == "answer" else "input"
            hits = [item for item in items if matcher.stops(str(item[side]), user=str(item.get("user") or ""))]
            told |= {"looked_at": len(items), "would_stop": len(hits), "examples": [
                {"exchange": hit["exchange"], "text": str(hit[side])[:200]}
                for hit in hits[:5]
            ]}  # fmt: skip
        return told

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Switch it on."""
        try:
            document = guards_of.as_json(self._matcher().guard)
        except BadGuard as problem:
            return bad(str(problem))
        before = guards.get(effects.ledger, action.project, self.name)
        author = effects.author
        kept = guards.put(
            effects.ledger, action.project, self.name, document, state="on", at=author.at, author=author.actor
        )
        was = None if before is None else {"document": dict(before.document), "state": before.state}
        author.wrote(effects.ledger, action.project, "guard.on", self.name, before=was, after=document)
        return Told({"guard": was}, {"guard": self.name, "guard_version": kept.version}, publish=True)

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """Without what this action put there: what the newest other one put there that stands, or off."""
        now = guards.get(effects.ledger, action.project, self.name)
        if now is None or "guard_version" not in action.result:
            return Told()
        under = self._others(effects, action)
        document, state = (guards_of.as_json(under.guard), "on") if under else (dict(now.document), "off")
        was = {"document": dict(now.document), "state": now.state}
        if was == {"document": document, "state": state}:
            return Told(result={"guard_state": state})
        author = effects.author
        guards.put(effects.ledger, action.project, self.name, document, state=state, at=author.at, author=author.actor)
        author.wrote(effects.ledger, action.project, f"guard.{state}", self.name, before=was, after=document)
        return Told(result={"guard_state": state}, publish=True)

    def _others(self, effects: Effects, action: Action) -> Block | None:
        """What of other actions stands of the same name, the newest."""
        there = [
            other
            for other in actions.listed(
                effects.ledger, action.project, states=("done",), remedy=action.remedy, limit=_MOST
            )
            if other.id != action.id and other.parameters.get("name") == self.name
        ]
        newest = max(there, key=lambda other: int(other.result.get("guard_version", 0)), default=None)
        return None if newest is None else read(Block, newest.parameters)
