"""Prompts: templates with versions and labels."""

from __future__ import annotations

from typing import Any, Final

from homeostat.registry import differences
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.registry.names import LABEL, PROMPT, bad, bad_name, bad_text
from homeostat.store.ledger import Ledger, labels, prompts
from homeostat.store.ledger.prompts import Prompt

LONGEST: Final = 1_000_000


def make(
    ledger: Ledger, project: str, name: str, template: str, author: Author, *, note: str = ""
) -> tuple[Prompt, bool] | Declined:
    """The next version of a prompt, and whether it is new: the text of the newest one again is that one."""
    if wrong := bad_name("prompt", name, PROMPT):
        return wrong
    if not template or len(template) > LONGEST or bad_text(template) or bad_text(note):
        return bad(f"A template is a text of 1 to {LONGEST} characters, whole ones, without NUL.")
    with ledger.begin():
        newest = prompts.get(ledger, project, name)
        if newest is not None and newest.template == template:
            return newest, False
        made = prompts.add(ledger, project, name, template, at=author.at, author=author.actor, note=note)
        before = None if newest is None else {"version": newest.version}
        after = {"version": made.version, "template": template, "note": note}
        author.wrote(ledger, project, "prompt.create", name, before=before, after=after)
        return made, True


def find(ledger: Ledger, project: str, name: str, version: int | str | None = None) -> Prompt | Declined:
    """A version by its number or label; without either the newest."""
    if isinstance(version, str) and not version.isdecimal():
        target = labels.target_of(ledger, project, "prompt", version, name=name)
        if target is None:
            return Declined(
                "not_found", f"No version of the prompt {name} is labelled {version}.", "homeostat prompt ls"
            )
        version = target
    number = None if version is None else int(version)
    found = prompts.get(ledger, project, name, number) if number is None or number < 2**31 else None
    if found is None:
        which = f"The prompt {name} has no version {number}." if number is not None else f"There is no prompt {name}."
        return Declined("not_found", which, "homeostat prompt ls")
    return found


def label(ledger: Ledger, project: str, name: str, label: str, version: int, author: Author) -> Prompt | Declined:
    """Move a label to a version."""
    if wrong := bad_name("label", label, LABEL):
        return wrong
    with ledger.begin():
        found = find(ledger, project, name, version)
        if isinstance(found, Declined):
            return found
        target = str(found.version)
        if labels.target_of(ledger, project, "prompt", label, name=name) != target:
            before = labels.put(ledger, project, "prompt", label, target, name=name, at=author.at, author=author.actor)
            after = {"label": label, "version": found.version}
            was = None if before is None else {"label": label, "version": int(before)}
            author.wrote(ledger, project, "prompt.label", name, before=was, after=after)
        return found


def diff(ledger: Ledger, project: str, name: str, old: str, new: str) -> dict[str, Any] | Declined:
    """What changed from one version (or label) to another."""
    first, second = find(ledger, project, name, old), find(ledger, project, name, new)
    if isinstance(first, Declined):
        return first
    if isinstance(second, Declined):
        return second
    told = differences.of_templates(first.template, second.template)
    return {"name": name, "from": first.version, "to": second.version, **told}
