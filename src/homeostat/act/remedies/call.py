"""A pipeline of the user's is called: a webhook, or a GitHub workflow, at an address that the operator named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.records.action import Action
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad


@dataclass(frozen=True, slots=True)
class CallPipeline:
    """POST to the hook `name` of the settings, with what the action is about.

    >>> CallPipeline("retrain", {"ref": "main"}).body({"action": 7})
    {'ref': 'main', 'action': 7}
    """

    answer: ClassVar[str] = "retrain"
    steps: ClassVar[tuple[str, ...]] = ("call",)
    inside: ClassVar[frozenset[str]] = frozenset()

    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def body(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent. What it is about is ours to say."""
        return {**self.inputs, **about}

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """What would be sent where."""
        if self.name not in effects.webhooks:
            return self._unknown(effects)
        return {"hook": self.name, "body": self.body(_about(action))}

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Call it; the key tells a call that was repeated after a crash."""
        hook = effects.webhooks.get(self.name)
        if hook is None:
            return self._unknown(effects)
        headers = {"content-type": "application/json", "idempotency-key": f"homeostat-action-{action.id}"}
        hook.call("POST", "", json.dumps(self.body(_about(action))).encode(), headers)
        return Told(result={"called": self.name})

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """What a pipeline did cannot be taken back from here; one that gave no answer is not called again."""
        if "called" not in action.result:
            return Told()
        return Declined("conflict", "A pipeline that was called is not undone from here.")

    def _unknown(self, effects: Effects) -> Declined:
        known = ", ".join(effects.webhooks) or "none"
        return bad(f"There is no hook {self.name[:80]!r}.", f"The operator names them in [action_hooks]: {known}.")


def _about(action: Action) -> dict[str, Any]:
    return {"project": action.project, "action": action.id, "incident": action.incident, "why": action.why}
