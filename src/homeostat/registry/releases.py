"""Releases: made once, never changed; labels move over them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from homeostat.records import release as releases_of
from homeostat.records.release import Release
from homeostat.registry import differences, prompts, steering
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.registry.names import LABEL, PREVIOUS_GOOD, RELEASE, bad, bad_name, bad_text
from homeostat.store.ledger import Ledger, labels, releases
from homeostat.store.ledger.releases import Kept

MOST_FALLBACKS: Final = 3
_MOST_BYTES: Final = 2_000_000
_ROLES: Final = frozenset(("system", "developer", "user", "assistant"))


def make(
    ledger: Ledger, project: str, release: Release, author: Author, *, prompt_label: str = "", note: str = ""
) -> tuple[Kept, bool] | Declined:
    """Keep a release, and whether it is new. The same again is the same one; another content needs another name.

    Its prompt is looked up by version, by `prompt_label`, or is the newest one, and stands in it from then on.
    """
    if wrong := _bad(release, note):
        return wrong
    with ledger.begin():
        told = _with_prompt(ledger, project, release, prompt_label)
        if isinstance(told, Declined):
            return told
        known = releases.named(ledger, project, [told.name, *told.fallbacks])
        missing = sorted(set(told.fallbacks) - set(known) | ({told.name} & set(told.fallbacks)))
        if missing:
            return Declined("not_found", f"There is no release {missing[0]} to fall back to.", "homeostat release ls")
        there = known.get(told.name)
        if there is not None:
            return (there, False) if there.release.digest == told.digest else _taken(there)
        releases.add(ledger, project, told, at=author.at, author=author.actor, note=note)
        author.wrote(ledger, project, "release.create", told.name, after=releases_of.as_json(told))
        return Kept(told, note, author.at, author.actor), True


def find(ledger: Ledger, project: str, name: str) -> Kept | Declined:
    """A release by its name, or by a label that no release is called."""
    found = releases.get(ledger, project, name)
    if found is None:
        target = labels.target_of(ledger, project, "release", name)
        found = None if target is None else releases.get(ledger, project, target)
    return found or Declined("not_found", f"There is no release {name}.", "homeostat release ls")


def label(
    ledger: Ledger, project: str, name: str, label: str, author: Author, *, route: str = ""
) -> list[str] | Declined:
    """Move a label; `previous-good` is what a rollback of its routes puts back. Tells the routes that it changed."""
    if wrong := bad_name("label", label, LABEL):
        return wrong
    with ledger.begin():
        if releases.get(ledger, project, name) is None:
            return Declined("not_found", f"There is no release {name}.", "homeostat release ls")
        changed: list[str] | Declined = []
        if label == PREVIOUS_GOOD:
            changed = steering.prefer(ledger, project, name, author, route=route)
            if isinstance(changed, Declined):
                return changed
        before = labels.put(ledger, project, "release", label, name, at=author.at, author=author.actor)
        if before != name or changed:
            was = None if before is None else {"label": label, "release": before}
            after = {"label": label, "release": name} | ({"routes": changed} if changed else {})
            author.wrote(ledger, project, "release.label", name, before=was, after=after)
        return changed


def diff(ledger: Ledger, project: str, old: str, new: str) -> dict[str, Any] | Declined:
    """What changed from one release (or label) to another."""
    first, second = find(ledger, project, old), find(ledger, project, new)
    if isinstance(first, Declined):
        return first
    if isinstance(second, Declined):
        return second
    changes = differences.of_releases(first.release, second.release)
    return {"from": first.release.name, "to": second.release.name, "changes": changes}


def _with_prompt(ledger: Ledger, project: str, release: Release, prompt_label: str) -> Release | Declined:
    if not release.prompt_name:
        return release
    found = prompts.find(ledger, project, release.prompt_name, prompt_label or release.prompt_version or None)
    if isinstance(found, Declined):
        return found
    if release.system and release.system != found.template:
        return bad("A release has a prompt or a system text of its own, not both.")
    return replace(release, prompt_version=found.version, system=found.template)


def _bad(release: Release, note: str) -> Declined | None:
    if wrong := bad_name("release", release.name, RELEASE):
        return wrong
    said = releases_of.as_json(release)
    if bad_text(said) or bad_text(note):
        return bad("Texts are whole characters, without NUL.")
    try:
        size = len(json.dumps(said, allow_nan=False))
    except ValueError:
        return bad("Parameters are JSON: numbers are finite.")
    if size > _MOST_BYTES:
        return bad(f"A release has at most {_MOST_BYTES} bytes.")
    if len(release.fallbacks) > MOST_FALLBACKS or len(set(release.fallbacks)) != len(release.fallbacks):
        return bad(f"A release falls back to at most {MOST_FALLBACKS} others, each once.")
    return _bad_examples(release.examples)


def _bad_examples(examples: tuple[Mapping[str, str], ...]) -> Declined | None:
    for example in examples:
        if set(example) != {"role", "content"} or example["role"] not in _ROLES:
            return bad(f"An example is {{role, content}}; role is one of {', '.join(sorted(_ROLES))}.")
    return None


def _taken(there: Kept) -> Declined:
    message = f"The release {there.release.name} exists with other content, and releases never change."
    return Declined("conflict", message, "Give the new one another name.", releases_of.as_json(there.release))
