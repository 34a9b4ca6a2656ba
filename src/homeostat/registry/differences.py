"""What is different between two versions: field by field, texts line by line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from homeostat.records import release as releases_of
from homeostat.records.release import Release
from homeostat.records.template import variables

_MOST_LINES: Final = 2_000


def of_releases(old: Release, new: Release) -> list[dict[str, Any]]:
    """Changed fields as `{"field", "from", "to"}`; the system prompt has its lines too."""
    before, after = _flat(releases_of.as_json(old)), _flat(releases_of.as_json(new))
    found: list[dict[str, Any]] = []
    for field in sorted({*before, *after} - {"name", "implicit"}):
        if before.get(field) != after.get(field):
            change = {"field": field, "from": before.get(field), "to": after.get(field)}
            if field == "system":
                change["lines"] = lines(old.system, new.system)
            found.append(change)
    return found


def of_templates(old: str, new: str) -> dict[str, Any]:
    """The lines that changed, and the variables that came and went."""
    had, has = variables(old), variables(new)
    return {
        "lines": lines(old, new),
        "added": [name for name in has if name not in had],
        "removed": [name for name in had if name not in has],
    }


def lines(old: str, new: str) -> list[str]:
    """A unified diff without its heads. Very long texts are told as a whole: comparing them would take too long."""
    before, after = old.splitlines(), new.splitlines()
    if len(before) + len(after) > _MOST_LINES:
        return [] if old == new else [f"-({len(before)} lines)", f"+({len(after)} lines)"]
    return list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]


def _flat(said: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in said.items() if name != "parameters"}
    return flat | {f"parameters.{name}": value for name, value in said["parameters"].items()}
