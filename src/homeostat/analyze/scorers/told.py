"""The quantities of a text as what they tell: money, a span, a date, an hour, so many of a thing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from homeostat.analyze.text.quantities import Quantity, quantities
from homeostat.analyze.text.words import STOP, stem, words

_AGO: Final = frozenset(["before", "beforehand", "ahead", "earlier", "ago", "old", "later", "advance"])
_HEAT: Final = frozenset(["degree", "degre", "celsiu", "celsius", "fahrenheit"])
DAY: Final = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|april|june|july|august|september|october|november|december)\b|(?<=[a-z0-9,.] )(?:March|May)\b|^\W*(?:March|May)\b|"
    r"\b(?:noon|midnight|midday|dawn|dusk|sunrise|sunset|tonight|tomorrow|yesterday|weekends?|weekdays?|spring|summer|autumn|winter|easter|christmas|soon|now|immediately|o'clock|mornings?|evenings?|afternoons?)\b|"
    r"\b\d{1,2}(?:st|nd|rd|th)\b|\b(?:last|next|this|the (?:first|second|third|end|beginning|start)) (?:of )?(?:the )?(?:\w+ )?(?:week|month|year|day|minute|quarter|season|semester|term)\b|'\d\d\b|\b\d{1,2}\.\d{1,2}\.|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}/\d{1,2}\b",
    re.IGNORECASE,
)
_MONEY: Final = frozenset(["dollar", "euro", "pound", "krone", "franc"])


@dataclass(frozen=True, slots=True)
class Told:
    """A quantity of a text as what it tells: money, a span, a year …, and the stem of the word that it counts."""

    kind: str
    value: float
    counts: str
    start: int


@lru_cache(maxsize=2048)
def told(text: str) -> tuple[Told, ...]:
    """The quantities of a text, each as what it tells."""
    found: list[Told] = []
    after: list[str] = []
    known = words(text)
    at = 0
    for one in quantities(text):
        if one.soft:
            continue
        while at < len(known) and known[at].start <= one.start:
            at += 1
        own = one.text.lower().split()
        ahead = at
        while ahead < len(known) and ahead < at + 4 and known[ahead].low in own:
            ahead += 1
        behind = known[ahead] if ahead < len(known) else None
        gap = text[one.start : behind.start] if behind else "."
        closed = behind is None or bool(re.search(r"[;:!?)|\n/]|[.,](?!\d)", gap))
        found.append(_told(one, text, "" if closed or behind is None else behind.low, behind.stem if behind else ""))
        after.append("" if behind is None else behind.low)
    for place in reversed(range(len(found) - 1)):
        # `16 to 18 degrees`: the first is what the second is.
        if (
            found[place].kind == "bare"
            and after[place] in ("to", "and", "or", "by", "x")
            and found[place + 1].start - found[place].start < 16
        ):
            found[place] = replace(found[place], kind=found[place + 1].kind, counts=found[place + 1].counts)
    return tuple(found)


def _told(one: Quantity, text: str, low: str, behind: str) -> Told:
    kind, counts = one.kind, ""
    before = text[max(0, one.start - 24) : one.start]
    if kind in _MONEY:
        kind = "money"
    elif kind == "time":
        kind = "ago" if low in _AGO or (low == "in" and "advance" in text[one.start : one.start + 40]) else "span"
        # `2 an hour` tells no hours; `an hour` and `two and a half hours` do.
        if re.match(r"(?!half|quarter)[^\W_]\S* an? (?!half)", text[one.start : one.start + 12]):
            kind = "rate"
    elif kind == "percent":
        kind = "share"
    elif kind == "clock":
        kind = "hour"
    elif kind == "length" and re.match(
        r"[\d.,]+ ?(?:km|kilomet\w+|miles|m)(?: ?/ ?h|/s| an hour| per hour)", text[one.start : one.start + 30]
    ):
        kind = "speed"
    elif kind in ("celsius", "fahrenheit"):
        kind = "heat"
    elif kind == "number":
        if low and (stem(low) in _HEAT):
            kind = "heat"
        elif low in ("mph", "knots", "kmh"):
            kind = "speed"
        elif one.value == int(one.value) and 1000 <= one.value <= 2100 and re.match(r"\d{4}\b", text[one.start :][:5]):
            kind = "year"
        elif DAY.match(low) and not low.endswith("s"):
            kind = "date"
        elif not low or low in STOP or low in ("each", "extra", "plus", "altogether"):
            kind = "bare"
            if re.search(
                r"\w-$|\b(?:line|bus|room|platform|gate|level|page|step|no|number|section|clause|flat|top|the|first)\W+$",
                before,
                re.I,
            ):
                kind = "named"
        else:
            kind, counts = "count", behind
    return Told(kind, one.value, counts, one.start)
