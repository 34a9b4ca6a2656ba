"""What an answer owes by the question's words or its own: so many things, both sides, an example."""

from __future__ import annotations

import re
from typing import Final

from homeostat.analyze.text.quantities import quantities
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.words import stem, words

_COUNT: Final = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|[2-9]|10)\b (?:\w+ ){0,2}?(\w+s)\b", re.IGNORECASE
)
_NUMBERS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_ITEM: Final = re.compile(r"(?:^|\s)(?:\d{1,2}[.)]|[-*•])\s+\S")
_COMPARES: Final = re.compile(r"\bcompare\b|\bdifference\b", re.IGNORECASE)
_BETWEEN: Final = re.compile(
    r"\b(?:between|compare) (?:an? |the )?[\"']?([\w-]+)[\"']?.{0,20}? (?:and|with|to) (?:an? |the )?[\"']?([\w-]+)",
    re.IGNORECASE,
)
# So far in, a text has said one side before it turns.
_TURN: Final = 18
_SIDES: Final = (
    (re.compile(r"\bpros and cons\b|\badvantages and disadvantages\b", re.I), re.compile(r"\b(?:cons?|against|bad|but|however|drawbacks?|downsides?|disadvantages?|minus|on the other)\b", re.I), re.compile(r"\b(?:pros?|plus|upsides?|advantages?|quiet|benefits?|on the one|good)\b", re.I)),
    (_COMPARES, re.compile(r"\b(?:while|whereas|but|cannot|not|latter|respectively|both|than|more|less|unlike|on the other|against|versus|vs|lighter|heavier|longer|shorter|cheaper|dearer|faster|slower|bigger|smaller|larger|higher|lower|better|worse|older|newer|stronger|weaker|easier|harder|quieter|louder|;)\b|;", re.I), re.compile(r"", re.I)),
    (re.compile(r"\bexample\b|\bfor instance\b", re.I), re.compile(r"\b(?:example|instance|e\.g\.|say|suppose|imagine|such as|like|with a|take|here|each)\b|\bis \d|[\w)]!|=|:", re.I), re.compile(r"", re.I)),
)  # fmt: skip
_TABLE: Final = re.compile(r"^\s*\|.*\|.*\|", re.MULTILINE)
_RELATIVE: Final = re.compile(r",\s(?:which|who|whose|where)\b[^,;.]*")


def short_of_count(question: str, text: str) -> float:
    """Three tips were asked for, two are there."""
    match = _COUNT.search(question)
    if not match or not re.search(
        r"\b(?:give|list|name|tell|suggest|write|what|which|provide|recommend|top)\b", question, re.I
    ):
        return 0.0
    wanted = _NUMBERS.get(match[1].lower()) or int(match[1])
    text = _RELATIVE.sub("", text)
    given = max(len(_ITEM.findall(text)), len(sentences(text)), len(re.split(r",\s*(?:and\s+)?|\sand\s|;", text)))
    return float(given < wanted)


def side_missing(question: str, text: str) -> float:
    for asked, one, other in _SIDES:
        turn = one.search(text)
        # What turns round in the middle of a text has said the other side before.
        if not asked.search(question) or (turn and (other.search(text) or turn.start() > _TURN)):
            continue
        if asked is not _COMPARES or not (
            _TABLE.search(text) or _measured_twice(text) or _told_of_each(question, text)
        ):
            return 1.0
    return 0.0


def _told_of_each(question: str, text: str) -> bool:
    """Both of the things that are compared begin a clause of their own."""
    if not (sides := _BETWEEN.search(question)):
        return False
    heads = [[word.stem for word in words(piece)[:3]] for one in sentences(text) for piece in clauses(one)]
    return all(any(stem(side.lower()) in head for head in heads) for side in sides.groups())


def _measured_twice(text: str) -> bool:
    """Two quantities of one kind: each thing has its own."""
    kinds = [one.kind for one in quantities(text) if not one.soft]
    return any(kinds.count(kind) > 1 for kind in kinds)


def broken_promise(text: str) -> float:
    """`Here are three steps:` and two follow."""
    match = re.search(r"\b(two|three|four|five|six|seven|[2-9]) (?:\w{3,} ){0,2}?\w{3,}s\b[^.,:]{0,40}:", text, re.I)
    if not match:
        return 0.0
    rest = text[match.end() :]
    wanted = _NUMBERS.get(match[1].lower()) or int(match[1])
    given = max(len(_ITEM.findall(rest)), len(sentences(rest)), len(re.split(r",\s*(?:and\s+)?|\sand\s|;", rest)))
    return float(given < wanted)
