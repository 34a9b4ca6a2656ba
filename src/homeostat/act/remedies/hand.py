"""What only people can do: mend documents, a judge, an instrumentation. Stated, timed and judged like all the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.records.action import Action
from homeostat.registry.declined import Declined


@dataclass(frozen=True, slots=True)
class ByHand:
    """A person does `what`; approving the action says that it is done.

    >>> ByHand(what="update the page on returns").preview(None, None)["what"]
    'update the page on returns'
    """

    answer: ClassVar[str] = ""
    steps: ClassVar[tuple[str, ...]] = ("word",)
    inside: ClassVar[frozenset[str]] = frozenset(("word",))

    what: str
    subject: str = ""
    evidence: tuple[str, ...] = ()

    def preview(self, effects: Effects | None, action: Action | None) -> Mapping[str, Any] | Declined:
        """What is to be done, by a person."""
        return {"what": self.what, "subject": self.subject, "evidence": list(self.evidence), "by": "a person"}

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """It was done: that is the word of whoever approved."""
        return Told(result={"said_by": effects.author.actor})

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """Only the word is taken back; what was done by hand is undone by hand."""
        return Told(result={"taken_back_by": effects.author.actor})
