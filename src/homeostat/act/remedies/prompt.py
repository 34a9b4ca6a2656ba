"""Another prompt: made a version, a release with it, and a canary of that release; nothing more without a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from homeostat.act.remedies import routes
from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.records.action import Action
from homeostat.records.policy import Policy
from homeostat.records.release import Release
from homeostat.registry import differences, prompts, releases
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad


@dataclass(frozen=True, slots=True)
class ChangePrompt:
    """`template` (and few-shot `examples`) in the place of what `leaving` says, for `share` of the route.

    >>> ChangePrompt(leaving="A", template="Answer from the documentation.").name
    'A-prompt-01454f'
    """

    answer: ClassVar[str] = "update-prompt"
    steps: ClassVar[tuple[str, ...]] = ("prompt", "release", "policy")
    inside: ClassVar[frozenset[str]] = frozenset(("prompt", "release", "policy"))

    route: str = "default"
    leaving: str = ""
    template: str = ""
    examples: tuple[Mapping[str, str], ...] = ()
    share: float = 0.1
    draft: str = ""
    """Who wrote it, and from what."""
    dataset: str = ""
    """Whose questions it is tried on, beside the failing ones; empty: those of the dataset that changed last."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("share is more than 0, at most 1")
        object.__setattr__(self, "examples", tuple(dict(example) for example in self.examples))

    @property
    def name(self) -> str:
        """What the release with the new prompt is called."""
        told = Release("", system=self.template, examples=self.examples)
        return f"{self.leaving[:80]}-prompt-{told.digest[:6]}"

    def changed(self, old: Release) -> Release:
        """The release with the new text, as it would answer."""
        return replace(old, name=self.name, system=self.template, examples=self.examples or old.examples)

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """What changes in the text, and the shares."""
        old = self._old(effects, action)
        if isinstance(old, Declined):
            return old
        change = routes.planned(effects, action.project, self.route, self._shares)
        if isinstance(change, Declined):
            return change
        now, shares = change
        return {
            "release": self.name, "changes": differences.of_templates(old.system, self.template),
            "examples": len(self.examples), "draft": self.draft, **routes.change(now, shares),
        }  # fmt: skip

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """A version of the prompt, a release with it, a canary."""
        old = self._old(effects, action)
        if isinstance(old, Declined):
            return old
        change = routes.planned(effects, action.project, self.route, self._shares)
        if isinstance(change, Declined):
            return change
        _, shares = change
        if step == "prompt":
            if not old.prompt_name:
                return Told()
            made = prompts.make(
                effects.ledger, action.project, old.prompt_name, self.template, effects.author,
                note=f"action {action.id}",
            )  # fmt: skip
            return made if isinstance(made, Declined) else Told(result={"prompt_version": made[0].version})
        if step == "release":
            version = int(action.result.get("prompt_version", 0))
            wanted = replace(
                old, name=self.name, prompt_version=version, system="" if version else self.template,
                examples=self.examples or old.examples, implicit=False,
            )  # fmt: skip
            told = releases.make(effects.ledger, action.project, wanted, effects.author, note=f"action {action.id}")
            return told if isinstance(told, Declined) else Told(result={"release": self.name})
        return routes.put(effects, action, self.route, shares)

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """The shares as they were; prompt and release stay, unused."""
        return routes.put_back(effects, action, self.route)

    def _old(self, effects: Effects, action: Action) -> Release | Declined:
        if not self.template.strip():
            return bad("There is no text yet: give template, then approve.")
        found = releases.find(effects.ledger, action.project, self.leaving)
        return found if isinstance(found, Declined) else found.release

    def _shares(self, now: Policy) -> dict[str, float] | Declined:
        return routes.moved(now, self.leaving, self.name, self.share)
