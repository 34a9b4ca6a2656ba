"""Long values are cut, and what was cut is told: its length and its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.observe.exact.shapes import clean, dump

TRUNCATED_KEY: Final = "homeostat.truncated"


@dataclass(slots=True)
class Limits:
    """Cuts the texts of one row and remembers what it cut."""

    attribute: int
    text: int
    flags: set[str]
    cut: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, name: str, text: str, limit: int | None = None) -> str:
        """The text, at most `limit` characters of it (an attribute's limit unless told)."""
        limit = self.attribute if limit is None else limit
        if len(text) <= limit:
            return text
        self.cut[name] = {"length": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        self.flags.add("truncated")
        return text[:limit]

    def within(self, name: str, value: Any) -> Any:
        """The same value with its long strings cut."""
        if isinstance(value, str):
            return self.keep(name, clean(value, self.flags))
        if isinstance(value, dict):
            return {key: self.within(f"{name}.{key}", inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.within(f"{name}.{at}", inner) for at, inner in enumerate(value)]
        if isinstance(value, bytes) and len(value) > self.attribute:
            return self.keep(name, dump(value))
        return value

    def split(self, attributes: dict[str, Any], prefix: str = "") -> tuple[dict[str, str], dict[str, str]]:
        """Attributes as two maps: strings as they are, everything else as JSON text.

        JSON that is too long is no JSON once it is cut: it goes to the strings.
        """
        strings: dict[str, str] = {}
        others: dict[str, str] = {}
        for key, value in attributes.items():
            if isinstance(value, str):
                strings[key] = self.keep(prefix + key, value)
                continue
            whole = dump(value, self.flags)
            kept = self.keep(prefix + key, whole)
            if kept is whole:
                others[key] = whole
            else:
                strings[key] = kept
        return strings, others

    def told(self, others: dict[str, str]) -> None:
        """Write down what was cut."""
        if self.cut:
            others[TRUNCATED_KEY] = dump(self.cut)
