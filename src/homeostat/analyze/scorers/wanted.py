"""Which kind of thing a question wants, more finely than how it begins (money, a span, a dose, an hour …), and whether a text holds one.

A number of another kind is no answer: a year tells no price, and 8 kg tell no hours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from homeostat.analyze.scorers.form import orders
from homeostat.analyze.scorers.named import names_place, names_somebody
from homeostat.analyze.scorers.told import DAY, Told, told
from homeostat.analyze.text.lexicon import alike
from homeostat.analyze.text.quantities import quantities
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.words import content, stem, words

_ASKS_MONEY: Final = (
    r"(?:prices?|costs?|fees?|fares?|rent|salary|wages?|deposit|excess|premium|fine|postage|surcharge|interest|tax|tip)"
)
# The first that fits decides.
_AIMS: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("share", r"\b(?:what|which|how (?:big|large) an?) (?:percentage|share|proportion|per ?cent)\b|\bwhat(?:'s| is) the (?:\w+ )?(?:interest rate|vat|tax rate|discount)\b"),
        ("dose", r"\b(?:what(?:'s| is)?(?: the)?(?: \w+){0,2}|how (?:much|high|big)|which|the|and|,) (?:dos(?:e|age)s?)\b"),
        ("span", r"\bhow (?:long|much time|soon|quickly)\b|\b(?:baking|cooking|waiting|delivery|travel|processing) time\b|\bhow many (?:seconds|minutes|hours|days|nights|weeks|months|years)\b(?!')"),
        ("often", r"\bhow often\b|\bhow frequently\b"),
        ("heat", r"\bhow (?:hot|cold|warm)\b|\btemperatures?\b|\b(?:boiling|melting|freezing) point\b"),
        ("speed", r"\bhow fast\b|\bspeed limit\b|\btop speed\b"),
        ("mass", r"\bhow heavy\b|\bhow much (?:do|does|did|may|can) .{1,40}\bweigh\b|\bwhat .{1,30}\bweigh\b"),
        ("length", r"\bhow (?:far|tall|high|deep|wide|steep|thick)\b|\b(?:maximum|minimum|what(?:'s| is) the) (?:height|length|width|depth|distance)\b"),
        ("age", r"\bhow old\b|\b(?:what|minimum) age\b"),
        ("phone", r"\b(?:phone|telephone|mobile|hotline) number\b"),
        ("amount", r"\bhow much (?!(?:is|are|was|were|will|would|do|does|did|can|should|must|may|to|it|they|that|this|longer|more|money|rent|tax|interest|commission|tip|deposit|duty|postage|further)\b)\w+"
                   r"|\bhow much (?:\w+ ){0,4}?(?:need|drink|eat|feed|give|mix|contain|hold)\b"),
        ("money", rf"\bhow much\b(?! (?:longer|more time|further))|\b(?:what(?:'s| is| are| was| were| will be)|know|tell me|give me|name|about|and|,) (?:the |your |my |its |an? )?(?:\w+ ){{0,2}}?{_ASKS_MONEY}\b"
                  rf"|\bwhat (?:do|does|did|would|will|can) .{{1,50}}\b(?:costs?|pay|charge|come to)\b|\bwhat (?:it|they|that|this|a \w+(?: \w+)?) (?:costs?|charges?)\b|\bwhat costs\b|\bhow expensive\b|\b(?:was|wie viel) kostet\b|^\W*(?:the |your |its )?(?:running |total |extra )?{_ASKS_MONEY}\W*$"),
        ("count", r"\bhow many\b"),
        ("sum", r"\bwhat(?:'s| is) \W?\d|\b(?:the|what) amount\b"),
        ("hour", r"\b(?:at |by |until )?what time\b|\b(?:opening|business|office) (?:hours|times)\b"),
        ("year", r"\b(?:what|which) year\b"),
        ("when", r"(?:^\W*(?:(?:and|or|so|but|until|since|from|by|if so) )*|[,;:.?!]\s*(?:(?:and|or|so|if so) )*|\b(?:know|tell me|say|see|and|until|till|since|by) )when\b|\b(?:what|which) (?:date|day|month)\b|\bdeadline\b|\b(?:due|closing|start|end|moving|delivery) date\b"),
        ("where", r"(?:^\W*(?:(?:and|or|so|but|from) )*|[,;:.?!]\s*(?:(?:and|or|so|from) )*|\b(?:know|tell me|say|and|from) )where(?:'s)?\b(?! (?:possible|it says))"),
        ("who", r"(?:^\W*(?:(?:and|or|so|but|by|for|to|with) )*|[,;:.?!]\s*(?:(?:and|or|so|by|for|to|with) )*|\b(?:know|tell me|say|and|by|to) )who(?:m)?\b"),
    )
)  # fmt: skip
_PAST: Final = re.compile(r"\b(?:was|were|did|had|has|have|been|won|wrote|made|built|\w{3,}ed)\b", re.IGNORECASE)
#: A part of so few words says too little by itself: `…, when, …`.
_BARE: Final = 2
# Who says so tells at least why there is none.
_DEFERS: Final = re.compile(
    r"\b(?:depends?|depending|var(?:y|ies)|i (?:can't|cannot|don't|do not|couldn't)|we (?:can't|cannot|don't|do not|couldn't)|not known|unknown|nobody knows|no one knows|isn't (?:fixed|known|set)|no fixed|let me (?:check|look)|"
    r"(?:could|can|would) you (?:tell|send|give|say)|which (?:one|of)|do you mean|as soon as|whenever|any time)\b"
    # Who asks back for what the answer hangs on, or says that there is no such thing.
    r"|\?\W*$|\?\s|^\W*no (?:\w+ )?(?:will|can|does|is|has|was|did|ever)\b|\bno such\b|\bthere (?:is|are|was|were|'s) no(?:ne)?\b",
    re.IGNORECASE,
)
_DOSED: Final = re.compile(
    r"\b(?:tablets?|capsules?|pills?|drops?|caps?|(?:tea|table)?spoons?(?:ful)?|puffs?|sachets?|scoops?|units?|ampoules?)\b",
    re.IGNORECASE,
)
_REPEATS: Final = re.compile(
    r"\b(?:every|each) (?:\w+ ){0,2}?(?:seconds?|minutes?|hours?|quarter|days?|nights?|mornings?|evenings?|weeks?|weekends?|fortnight|months?|quarters?|seasons?|years?|spring|summer|autumn|fall|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)day|time)\b"
    r"|\b(?:daily|weekly|monthly|yearly|hourly|annually|quarterly|once|twice|never|always|seldom|rarely|times)\b",
    re.IGNORECASE,
)
_LASTS: Final = re.compile(
    r"\b(?:overnight|forever|permanently|indefinitely|a while|all (?:day|night|year)|as long as|until|at once|immediately|straight away|right away|lifelong|for life|(?:a few|several|a couple of) (?:minutes|hours|days|weeks|months|years)|by (?:tomorrow|noon|\w+day))\b",
    re.IGNORECASE,
)
_ONCE: Final = re.compile(
    r"(?:^\W*|[,;:.] |\b(?:only|just|not|right|best|rather|shortly) )(?:when|once|after|as soon as|until|whenever|while|as|before|if|during)\b",
    re.IGNORECASE,
)
_WHENEVER: Final = re.compile(r"\b(?:when|once|as soon as|after|before|whenever)\b", re.IGNORECASE)
_HOURS_OF_DAY: Final = re.compile(
    r"\b(?:noon|midnight|midday|dawn|dusk|sunrise|sunset|o'clock|round the clock|24/7|all day|closed)\b", re.IGNORECASE
)
_FREE: Final = re.compile(
    r"\b(?:free|nothing|gratis|kostenlos|complimentary|included|no (?:charge|fee|extra|cost)|without (?:charge|extra))\b",
    re.IGNORECASE,
)
_SPENT: Final = re.compile(
    r"\b(?:for|pays?|costs?|prices?d?|charges?d?|at|fees?|worth|about|around|come to|comes to|between|from|up to|under|over|is|are|it's|they're|another|extra|plus|rest|bear)\W+(?:only |just |about |around |some |the first )?$",
    re.IGNORECASE,
)
_AT: Final = re.compile(
    r"\b(?:at|from|until|till|by|past|to|after|before|around|about|between|and|since)\W+$", re.IGNORECASE
)
_SHARES: Final = re.compile(
    r"\b(?:half|a third|two[- ]thirds|a quarter|three[- ]quarters|one in|out of|all of|none)\b", re.IGNORECASE
)
_UNCOUNTED: Final = re.compile(
    r"\b(?:none|several|few|dozens?|hundreds?|thousands?|half|a couple|all of (?:them|it)|single|just (?:the )?one|as many)\b",
    re.IGNORECASE,
)
# In so few words a number can hardly be anything but the one that was asked for.
_SHORT: Final = 14
# What stands farther away says nothing of a number.
_NEAR: Final = 60
_SMALL: Final = frozenset(["number", "mass", "volume", "length", "percent", "energy", "bytes", "times"])


@lru_cache(maxsize=2048)
def aim(question: str) -> str:
    """The kind of thing that a question, or a part of one, wants; empty when it cannot be told so finely.

    >>> aim("How long is the flight to Oslo?"), aim("How much flour do I need?"), aim("Is it true?")
    ('span', 'amount', '')
    """
    return next((name for name, pattern in _AIMS if pattern.search(question)), "")


@lru_cache(maxsize=4096)
def meets(wanted: str, question: str, text: str, part: str = "") -> bool | None:
    """Whether a text holds a thing of the kind that is wanted (by a part of the question); None when nothing tells.

    >>> meets("money", "How much is it?", "It was built in 1911."), meets("money", "How much is it?", "About 120.")
    (False, True)
    """
    if not wanted:
        return None
    if wanted == "who":
        found = names_somebody(question, text, part or question)
    elif wanted == "where":
        found = names_place(question, text)
    else:
        old = {one.value for one in told(question)}
        new = [one for one in told(text) if one.value not in old]
        found = (
            _TESTS[wanted](part if len(part.split()) > _BARE else question, text, new)
            if wanted in _TESTS
            else _unit(wanted, text, new)
        )
    return found or (None if _DEFERS.search(text) else False)


def _unit(wanted: str, text: str, new: list[Told]) -> bool:
    """A quantity with the unit, or a number that could have it."""
    kinds = {one.kind for one in new}
    if wanted == "length":
        kinds |= {"length"} if "span" in kinds else set()
    raw = {one.kind for one in quantities(text)}
    if wanted in ("length", "mass") and _ONE_UNIT.search(text):
        return True
    return bool(wanted in kinds or wanted in raw or (kinds & {"bare", "count"} and len(words(text)) <= _SHORT))


_ONE_UNIT: Final = re.compile(
    r"\b(?:an?|half an?|one) (?:foot|inch|metre|meter|mile|yard|hand|step|arm's length|stone's throw|kilo\w*|gram|pound|ton|tonne)\b|\b(?:right|next|close|opposite)\b",
    re.IGNORECASE,
)


def _before(text: str, one: Told) -> str:
    """What stands right before a quantity."""
    return text[max(0, one.start - _NEAR) : one.start]


def _money(question: str, text: str, new: list[Told]) -> bool:
    if any(one.kind == "money" for one in new) or _FREE.search(text):
        return True
    if any(one.kind == "span" for one in new) and re.search(r"\b(?:rent|salary|wages?|pay)\b", text, re.I):
        return True
    if re.search(r"\d ?(?:%|percent) of\b", text):
        return True
    if any(one.kind == "share" for one in new) and re.search(
        r"\b(?:tax|interest|tip|commission|fee|rate|deposit|discount)", question, re.I
    ):
        return True
    for one in new:
        # `between six and eight` is hardly a price, unless nothing else is said.
        told_so = (
            bool(re.match(r"\d|[\w-]+ (?:per|each|an?)\b", text[one.start : one.start + 30]))
            or len(words(text)) <= _SHORT
        )
        if (one.kind in ("bare", "rate") and told_so) or (
            one.kind == "count" and one.counts in ("day", "night", "month", "person")
        ):
            return True
        if one.kind == "count" and _SPENT.search(_before(text, one)):
            return True
        if (
            one.value != int(one.value)
            and re.match(r"\d+[.,]\d\d\b", text[one.start :][:12])
            and one.kind not in ("mass", "length", "volume", "heat")
        ):
            return True
    return False


def _span(question: str, text: str, new: list[Told]) -> bool:
    if any(
        one.kind in ("span", "hour")
        or (one.kind == "length" and re.search(r"\bhow long (?:is|are|was|were|may|can|should)\b", question, re.I))
        for one in new
    ):
        return True
    return (
        bool(_LASTS.search(text))
        or any(one.soft and one.kind == "time" for one in quantities(text))
        or (len(words(text)) <= 4 and any(one.kind in ("bare", "date") for one in new))
    )


def _often(question: str, text: str, new: list[Told]) -> bool:
    return (
        bool(_REPEATS.search(text))
        or any(one.soft and one.kind == "time" for one in quantities(text))
        or any(one.kind in ("span", "rate") for one in new)
    )


def _hour(question: str, text: str, new: list[Told]) -> bool:
    return (
        any(
            one.kind == "hour"
            or (one.kind in ("bare", "named", "date") and (_AT.search(_before(text, one)) or len(words(text)) <= 8))
            for one in new
        )
        or bool(_HOURS_OF_DAY.search(text) and not _HOURS_OF_DAY.search(question))
        or bool(re.search(r"\d{1,2} ?(?:-|–) ?\d{1,2}\b|\b(?:half|quarter|\w+ty|ten|five) (?:past|to) \w+", text))
    )


def _when(question: str, text: str, new: list[Told]) -> bool:
    past = bool(_PAST.search(question))
    if any(
        one.kind in ("date", "ago") or (one.kind == "year" and past) or (one.kind == "hour" and not past) for one in new
    ):
        return True
    low = question.lower()
    if any(match[0].lower() not in low for match in DAY.finditer(text)):
        return True
    if any(
        one.kind == "span"
        and re.search(r"\b(?:in|at|after|within|every|another)\W+(?:\w+ )?$", _before(text, one), re.I)
        for one in new
    ):
        return True
    if not past and _WHENEVER.search(text):
        return True
    return (
        bool(_ONCE.search(text))
        or any(
            one.kind == "bare" and one.value <= 31 and (_AT.search(_before(text, one)) or len(words(text)) <= 8)
            for one in new
        )
        or bool(re.search(r"\bages?\b|\bcentury\b", text))
    )


def _year(question: str, text: str, new: list[Told]) -> bool:
    return any(one.kind in ("year", "date", "ago", "span") for one in new) or bool(
        re.search(r"'\d\d\b|\bcentury\b", text)
    )


def _count(question: str, text: str, new: list[Told]) -> bool:
    match = re.search(r"\bhow many\W+(?:\w+\W+)?(\w+)", question, re.I)
    asked = {stem(word.low) for word in content(words(match[0]))[:3]} if match else set()
    for one in new:
        if one.kind in ("bare", "named") and (len(words(text)) <= _SHORT or _stands_out(text, one.start)):
            return True
        if one.kind == "count" and (
            any(alike(one.counts, word) >= 0.7 for word in asked) or len(words(text)) <= _SHORT
        ):
            return True
        if one.kind == "share" and len(words(text)) <= _SHORT:
            return True
    if any(re.search(rf"\d[\d.,]*\W+(?:\w+\W+){{0,2}}{re.escape(word[:5])}", text, re.I) for word in asked):
        return True
    return bool(_UNCOUNTED.search(text))


def _stands_out(text: str, start: int) -> bool:
    """A number that begins a clause, or tells how many of them."""
    before = re.split(r"[.!?;:,\n]", text[max(0, start - _NEAR) : start])[-1]
    return len(before.split()) <= 2 or bool(re.match(r"\S+(?: \w+)? of\b", text[start : start + 40]))


def _dose(question: str, text: str, new: list[Told]) -> bool:
    return any(one.kind in ("mass", "volume") or one.counts in ("mg", "ml") for one in new) or (
        bool(_DOSED.search(text)) and (bool(new) or bool(re.search(r"\b(?:an?|half an?|once|twice)\b", text)))
    )


def _amount(question: str, text: str, new: list[Told]) -> bool:
    return any(one.kind in _SMALL or one.kind in ("bare", "count", "money", "share") for one in new) or bool(
        re.search(
            r"\b(?:an?|half an?|one) (?:\w+ )?(?:kilo|litre|liter|cup|spoon\w*|pinch|glass|handful|bag|pack|gram|pint|bottle|tin)s?\b|\b(?:none|enough|as much as|plenty)\b",
            text,
            re.I,
        )
    )


def _sum(question: str, text: str, new: list[Told]) -> bool:
    return bool(new)


def _age(question: str, text: str, new: list[Told]) -> bool:
    return any(one.kind in ("span", "bare", "year", "ago", "rate") for one in new)


def _phone(question: str, text: str, new: list[Told]) -> bool:
    return bool(re.search(r"(?:\d[ /-]?){5}", text))


def _share(question: str, text: str, new: list[Told]) -> bool:
    return (
        any(one.kind == "share" for one in new) or bool(_SHARES.search(text)) or any(one.kind == "bare" for one in new)
    )


_TESTS: Final[Mapping[str, Callable[[str, str, list[Told]], bool]]] = {
    "money": _money, "span": _span, "often": _often, "hour": _hour, "when": _when, "year": _year, "count": _count, "dose": _dose, "amount": _amount, "age": _age, "sum": _sum, "phone": _phone, "share": _share,
}  # fmt: skip
_THEN: Final = re.compile(r", (?:then |and (?:then )?)?| and (?:then )?", re.IGNORECASE)


def aims(question: str) -> str:
    """The one kind of thing that a whole question wants; empty when it wants several, or none."""
    read = sentences(question)
    asking = [one for one in read if one.endswith("?")] or read
    found = {aim(one) for one in asking[:6]}
    return found.pop() if len(found) == 1 else ""


@lru_cache(maxsize=512)
def ordered(text: str) -> float:
    """The share of a text's sentences that tell somebody to do something."""
    read = sentences(text)
    return sum(map(_orders, read)) / max(1, len(read))


def _orders(sentence: str) -> bool:
    pieces = (piece for clause in clauses(sentence) for piece in _THEN.split(clause))
    return any(" " in piece.strip() and orders(piece) for piece in pieces)
