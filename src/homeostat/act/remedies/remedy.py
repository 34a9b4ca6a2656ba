"""What a remedy is: a frozen record of its parameters that can say what it would do, do it step by step, and undo it.

Each step is written down before it is taken. A step of `inside` changes the ledger alone, in the transaction that also
moves the action; any other must be idempotent, because after a crash it is taken again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

from pydantic import TypeAdapter, ValidationError

from homeostat.act.remedies.effects import Effects
from homeostat.records.action import Action
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad, bad_text


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a step."""

    before: Mapping[str, Any] = field(default_factory=dict)
    """What undo needs."""
    result: Mapping[str, Any] = field(default_factory=dict)
    publish: bool = False
    """Edges must hear of it."""
    wait: bool = False
    """It is not over: look again later."""


class Remedy(Protocol):
    """One kind of action."""

    answer: ClassVar[str]
    """One of `records.action.ANSWERS`."""
    steps: ClassVar[tuple[str, ...]]
    inside: ClassVar[frozenset[str]]

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """What would change; changes nothing."""

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Take one step."""

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """As it was before, as far as steps were taken. May be asked twice. Only what is on its way calls outside;
        of what is done it changes the ledger alone."""


def read(plugin: type[Any], parameters: Mapping[str, Any]) -> Any:
    """A remedy from its parameters, checked by the types of its fields; `Declined` says what does not fit."""
    known = [each.name for each in fields(plugin)]
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        return bad(f"{unknown[0][:80]!r} is no parameter of this remedy.", f"Known: {', '.join(known)}.")
    if bad_text(dict(parameters)):
        return bad("Texts are whole characters, without NUL.")
    try:
        return TypeAdapter(plugin).validate_python(dict(parameters))
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return bad(f"The parameters do not fit: {place} {first['msg'][:200]}".replace("  ", " "))
