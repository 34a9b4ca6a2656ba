"""Whether a text is what a guard stops. Linear in the text, so that it can stand in the way of a production call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.records import redaction
from homeostat.records.guard import Guard

_LONGEST_PATTERN: Final = 1_000
_MOST_WORDS: Final = 200
#: Of a longer text only so many characters are looked at, from its start and from its end.
_MOST_CHARS: Final = 200_000
_DETECTORS: Final = ("private",)
#: What words are made of, and the letters beside which a word may stand without a space: those of scripts that write
#: none between words, or put their endings to any word.
_LETTERS: Final = r"\pL\pM\pN_"
_CLOSE: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_BEFORE: Final = rf"(?:^|[^{_LETTERS}]|[{_CLOSE}])"
_BEHIND: Final = rf"(?:[^{_LETTERS}]|[{_CLOSE}]|$)"


class BadGuard(ValueError):
    """It cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A guard that is ready.

    >>> Matcher(Guard("g", words=("card number",))).stops("Your Card Number is")
    True
    >>> Matcher(Guard("g", words=("ller",))).stops("Müller")
    False
    >>> Matcher(Guard("g", pattern="ORD-[0-9]+")).stops("ORD-x")
    False
    """

    guard: Guard
    _patterns: tuple[Any, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_patterns", _compiled(self.guard))

    def stops(self, text: str, *, user: str = "") -> bool:
        """Does it?"""
        if self.guard.users and user not in self.guard.users:
            return False
        if not (self._patterns or self.guard.detector):
            return bool(self.guard.users)
        looked = text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS // 2] + "\n" + text[-_MOST_CHARS // 2 :]
        if any(pattern.search(looked) for pattern in self._patterns):
            return True
        return self.guard.detector == "private" and bool(redaction.found(looked))


def _compiled(guard: Guard) -> tuple[Any, ...]:
    if not (guard.words or guard.pattern or guard.detector or guard.users):
        raise BadGuard("A guard needs words, a pattern, a detector or users.")
    if guard.where not in ("answer", "question") or guard.do not in ("refuse", "replace"):
        raise BadGuard("where is answer or question, do is refuse or replace.")
    if guard.detector and guard.detector not in _DETECTORS:
        raise BadGuard(f"There is no detector {guard.detector[:80]!r}. Known: {', '.join(_DETECTORS)}.")
    if len(guard.pattern) > _LONGEST_PATTERN or len(guard.words) > _MOST_WORDS:
        raise BadGuard(f"A pattern has at most {_LONGEST_PATTERN} characters, a guard at most {_MOST_WORDS} words.")
    if any(not word.strip() for word in guard.words):
        raise BadGuard("A word is not empty.")
    import re2  # costs memory, and the edge starts without any guard

    options = re2.Options()
    options.never_capture, options.log_errors, options.max_mem = True, False, 8 << 20
    found = [guard.pattern] if guard.pattern else []
    if guard.words:
        found.append("(?i)" + _whole(guard.words))
    try:
        return tuple(re2.compile(each, options) for each in found)
    except re2.error as problem:
        why = problem.args[0] if problem.args else ""
        told = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise BadGuard(f"The pattern is none: {told[:200]}.") from None


def _whole(words: tuple[str, ...]) -> str:
    """Any of these as a whole word, in any script. A side of a word that is no letter may touch anything."""
    import re2

    edge = re2.compile(f"[{_LETTERS}]")
    close = re2.compile(f"[{_CLOSE}]")
    sides: dict[tuple[str, str], list[str]] = {}
    for word in words:
        first, last = (bool(edge.match(each) and not close.match(each)) for each in (word[0], word[-1]))
        sides.setdefault((_BEFORE if first else "", _BEHIND if last else ""), []).append(re2.escape(word))
    return "|".join(f"{before}(?:{'|'.join(some)}){behind}" for (before, behind), some in sides.items())
