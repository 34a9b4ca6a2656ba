"""A guard: what the gateway refuses or replaces, in questions or in answers. It goes out with the routing document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

#: What stands in the place of what was stopped, when the guard says nothing of its own.
TEXT: Final = "This answer was withheld."


@dataclass(frozen=True, slots=True)
class Guard:
    """One of words, pattern or detector must match; `users`: only questions of these people are looked at."""

    name: str
    words: tuple[str, ...] = ()
    """Any of them, whatever its case, as whole words."""
    pattern: str = ""
    """A regular expression of RE2: linear in the length of the text, whatever it says."""
    detector: str = ""
    """`private`: e-mail addresses, phones, cards, accounts and keys, as redaction finds them."""
    where: Literal["answer", "question"] = "answer"
    do: Literal["refuse", "replace"] = "refuse"
    """Refuse with an error that applications can tell; or answer with `text`."""
    text: str = ""
    users: tuple[str, ...] = ()


def as_json(guard: Guard) -> dict[str, Any]:
    """The one shape of a guard, in the API, in the ledger and in the routing document."""
    said = asdict(guard)
    return said | {"words": list(guard.words), "users": list(guard.users)}


def from_json(said: Mapping[str, Any]) -> Guard:
    """Read `as_json` back; fields of a later version are left alone."""
    own = {name: said[name] for name in Guard.__slots__ if name in said}
    lists = {name: tuple(str(each) for each in own.get(name, ())) for name in ("words", "users")}
    return Guard(**(own | lists))
