"""What things may be called, and what may be written into them."""

from __future__ import annotations

import re
from typing import Any, Final

from homeostat.registry.declined import Declined

RELEASE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@:-]{0,99}", re.ASCII)
PROMPT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
#: The model of a request may name its route, and models are called `meta-llama/Llama-3.1:free`.
ROUTE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@:/-]{0,79}", re.ASCII)
LABEL: Final = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
PREVIOUS_GOOD: Final = "previous-good"
#: Words that stand in the places of names in the API.
TAKEN: Final = frozenset(("diff", "timeline", "labels"))
_WHAT: Final = {
    RELEASE: "1 to 100 letters, digits, . _ + @ : -, a letter or digit first",
    PROMPT: "1 to 100 letters, digits, . _ -, a letter or digit first",
    ROUTE: "1 to 80 letters, digits, . _ + @ : / -, a letter or digit first",
    LABEL: "1 to 64 small letters, digits and -, a letter first",
}


def bad(message: str, hint: str = "") -> Declined:
    """What was asked makes no sense."""
    return Declined("bad_request", message, hint)


def bad_name(what: str, name: str, pattern: re.Pattern[str]) -> Declined | None:
    """None: it may be called so."""
    if pattern.fullmatch(name) and name not in TAKEN:
        return None
    return bad(f"{name[:100]!r} is no name for a {what}.", f"A {what} has {_WHAT[pattern]}; not {', '.join(TAKEN)}.")


def bad_text(value: Any) -> bool:
    """Somewhere in it is a text that cannot be stored everywhere: half a character, or a NUL."""
    if isinstance(value, str):
        return "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, dict):
        return any(bad_text(part) for pair in value.items() for part in pair)
    return isinstance(value, list | tuple) and any(bad_text(part) for part in value)
