"""Whether a text comes to its end, or stops in the middle."""

from __future__ import annotations

import re
from typing import Final

from homeostat.analyze.text.lexicon import marks
from homeostat.analyze.text.words import words

# No answer ends with these words.
_OPEN: Final = marks("open")
_BULLET: Final = re.compile(r"\s*(?:\d{1,2}[.)]|[-*•])\s")
# A line that needs no closing mark: an item of a list, code, a row of fields.
_BARE_END: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)]|[A-Z]\w+:)|[/{}=()\[\]`]|https?:")
# `Best, Leo` at the end of a letter that stands in one line.
_SIGNED: Final = re.compile(r"[.!?]\s+[A-Z]\w+(?: \w+){0,2}, [A-Z]\w+$")
_VERSE: Final = 9


def cut_off(text: str) -> float:
    """How sure it is that a text stops before its end: 1 in the middle of a phrase, 0.5 without a closing mark."""
    text = text.rstrip()
    told = words(text[-300:])
    last = told[-1].low if told else ""
    if (
        text.count("```") % 2
        or text.endswith((",", ":", ";", "-", "(", "=", "{"))
        or re.search(r"\bdef \w+\([^)]*\):$|return$", text)
    ):
        return 1.0
    if last in _OPEN and not text.endswith(("?", "!", '"', "”", ".", ")", "`")):
        return 1.0
    lines = text.splitlines()
    if lines and re.fullmatch(r"(?:\d{1,2}[.)]|[-*•])", lines[-1].strip()):
        return 1.0
    # The items before are whole sentences, and the last is none.
    items = [line.strip() for line in lines if _BULLET.match(line)]
    if (
        len(items) > 1
        and lines[-1].strip() == items[-1]
        and text[-1].isalnum()
        and all(one.endswith(".") for one in items[:-1])
    ):
        return 1.0
    # Verse, and rows of short lines, need no closing mark.
    short = [line for line in lines if line.strip()]
    if len(short) > 2 and all(len(words(line)) <= _VERSE for line in short) and last not in _OPEN:
        return 0.0
    # A letter ends with a name.
    if len(lines) > 1 and len(words(lines[-1])) <= 5 and lines[-1].strip()[:1].isupper() and last not in _OPEN:
        return 0.0
    if (
        re.search(r"[.!?]\s", text)
        and re.search(r"[^\W\d]$|,$", text)
        and not _BARE_END.search(text[text.rfind("\n") + 1 :])
    ):
        return 1.0
    if re.search(r"[.!?…\"”’')\]}`]$|[^\w\s]$", text) or (len(told) <= 6 and last not in _OPEN):
        return 0.0
    if re.search(r"^(?:\s*[-*•]|    |\t|\d)|[/{}=()\[\]]|\d$", lines[-1]) or _SIGNED.search(text):
        return 0.0
    return 0.5
