"""What a short answer says by its form (a moment, a place, a person, an order …), and whether a question of a kind can want that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from homeostat.analyze.text.quantities import quantities
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, content, words

#: A longer answer has room for more than one form.
SHORT: Final = 12
_YES: Final = re.compile(
    r"^\W*(?:yes|no|nope|yeah|sure|certainly|of course|absolutely|definitely|unfortunately|sadly|probably|maybe|perhaps|a (?:little|bit)|quite|very|somewhat|completely|hardly|never|always|sometimes|usually|rarely|mostly|partly|gladly|"
    r"not|only|it depends|depends|i think so|i'm afraid|better not|better|nowhere|as long as|if|unless|feel free|go ahead|any ?time|(?:it|that|they|we|you|he|she|there) (?:is|are|does|do|did|has|have|can|may|will|was|were|should|must|need)\b)"
    r"|^\W*(?:(?:a (?:bit|little|lot)|much|far|slightly) )?(?:more|less|\w{2,12}er)\b(?=[,.;:]| (?:than|by|if|when)\b)|\b(?:not|n't|cannot|no|never|only|afraid|allowed|possible|included|except|fine|instead)\b|^\W*(?:up to|from .{1,20} on|for .{1,20} (?:euros?|dollars?|extra)|after|until|unless|at least|at most|with)\b",
    re.IGNORECASE,
)
# Said to who asked whether, or for a favour.
_POLAR: Final = re.compile(
    r"^\W*(?:yes|no|nope|yeah|sure|certainly|of course|absolutely|definitely|gladly|with pleasure|ja|nein|sí|oui|non|(?:we|it|they|i|he|she|you) (?:do|does|did|is|are|can|will)(?: not|n't)?\s*(?:[.,;!:]|$))(?! one\b| need\b| matter\b)",
    re.IGNORECASE,
)
_MOMENT: Final = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|april|june|july|august|september|october|november|december)\b|\b(?:in|of|since|until|by|early|late|mid|end of|\d) (?:march|may)\b|"
    r"\b(?:noon|midnight|midday|dawn|dusk|sunrise|sunset|mornings?|afternoons?|evenings?|tonight|today|tomorrow|yesterday|weekends?|weekdays?|spring|summer|autumn|winter|easter|christmas|soon|now|immediately|o'clock|early|late|later)\b|"
    r"\b(?:at|before|after|until|from|by|around|till|since|past) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2})\b(?! \w*(?:euros?|dollars?|percent|people|pages?))|\b(?:1[0-9]|20)\d\d\b|\b\d{1,2}(?:st|nd|rd|th)\b|"
    r"\b(?:last|next|this|every|each|the (?:first|second|third|end|beginning|start)) (?:of )?(?:the )?(?:\w+ )?(?:week|month|year|day|minute|hour|quarter|season|time|semester|term|moment)\b|\b(?:last|final|first|next) \w+ of the (?:game|year|day|show|month|week)\b",
    re.IGNORECASE,
)
# What happens, told to say when: `once it has dried`.
_ONCE: Final = re.compile(
    r"^\W*(?:when|once|after|before|as soon as|until|whenever|while|during|if|at the (?:end|beginning|start)|right after|shortly)\b",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(
    r"\b(?:overnight|forever|all day|daily|weekly|monthly|yearly|annually|hourly|once|twice|(?:every|each) \w+|a while|as long as|moments?|times a)\b",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(
    r"(?:^|[,;] |\b(?:it's|is|are|go|up|down|just) )\W{0,3}(?:in|at|on|near|behind|beside|next to|opposite|under|above|below|between|outside|inside|to|across|around|by|from|through|via) (?!time\b|general\b|fact\b|that case\b|all\b|least\b|most\b)|"
    r"\b(?:here|there|upstairs|downstairs|online|nowhere|everywhere|anywhere|abroad|left|right|floor|street|road|corner|entrance|desk|page)\b",
    re.IGNORECASE,
)
_DOES: Final = re.compile(
    r"^\W*(?:just |simply |please |first,? |then |you can |you should |try to |don't |do not |never |better )*",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|can|could|will|would|should|must|it|they|we|he|she|i|you|there|isn't|aren't|it's|they're|we're|you're|there's)\b",
    re.IGNORECASE,
)
#: What explains the words for people, and for hardly anything else.
PEOPLE: Final = frozenset(["person", "someon", "employe", "leader", "worker", "writer", "poet", "novelist", "physicist", "composer", "politician", "player", "member", "official", "father", "mother", "woman", "custodian"])  # fmt: skip
_SOMEBODY: Final = re.compile(
    r"\b(?:we|i|you|both|nobody|everyone|everybody|anyone|anybody|mr|mrs|ms|dr|team|office|department|company|staff|police|council|authority|agency|bank|landlord|owner)\b",
    re.IGNORECASE,
)
_FREE: Final = re.compile(r"\b(?:free|nothing|gratis|complimentary|no (?:charge|fee|extra))\b", re.IGNORECASE)
_COUNTED: Final = re.compile(
    r"\b(?:none|several|few|many|dozens?|hundreds?|thousands?|half|both|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|a couple|all of them|single)\b|\d",
    re.IGNORECASE,
)
_NO_THING: Final = frozenset(["order", "clause", "moment", "side", "place", "once", "measure", "money", "span"])
_MONEY: Final = ("dollar", "euro", "pound", "krone", "franc")
# Which forms answer a kind of question; what has others only answers another one.
_WANTED: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(forms.split())
    for kind, forms in (
        ("when", "moment once span"), ("span", "span moment once measure number"), ("price", "money number free"), ("count", "number measure money free"),
        ("who", "person name"), ("where", "place name"), ("why", "clause thing once"), ("howto", "order place clause"), ("yesno", "side clause free"),
        ("choice", "thing name person number side clause"), ("meaning", "thing clause name once"), ("thing", "thing once name number measure money person order clause free"),
    )
}  # fmt: skip
_TIMED: Final = re.compile(
    r"\b(?:times?|dates?|days?|months?|years?|hours?|season|deadline|week|period|when|policy|warranty|guarantee|notice)\b",
    re.IGNORECASE,
)
_PLACED: Final = re.compile(
    r"\b(?:place|city|country|address|location|floor|room|street|capital|side|exit|gate|platform)\b", re.IGNORECASE
)
_LASTS: Final = re.compile(r"\b(?:far|old|long|seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b", re.IGNORECASE)
_WHAT: Final = re.compile(r"\b(?:what|what's|which)\b", re.IGNORECASE)


@lru_cache(maxsize=1024)
def forms(text: str) -> frozenset[str]:
    """Everything that a short answer is by its form.

    >>> sorted(forms("At nine.")), sorted(forms("Press and hold it."))
    (['moment'], ['order'])
    """
    told = words(text)
    found: set[str] = set()
    kinds = {one.kind for one in quantities(text)}
    timed = bool(_MOMENT.search(text)) or "clock" in kinds
    marks = (
        ("side", bool(_YES.search(text))), ("moment", timed), ("once", bool(_ONCE.match(text))), ("span", bool(_SPAN.search(text)) or "time" in kinds),
        ("money", bool(kinds.intersection(_MONEY))), ("measure", bool(kinds - {"number", "clock", "time", *_MONEY})),
        ("number", "number" in kinds or (not kinds and bool(_COUNTED.search(text)))), ("free", bool(_FREE.search(text))), ("order", orders(text)),
        ("place", bool(_PLACE.search(text)) and not (timed and len(told) <= 6)), ("clause", bool(_CLAUSE.search(text))),
    )  # fmt: skip
    found |= {name for name, there in marks if there}
    found |= _named(text)
    if not found & _NO_THING and any("n" in entry(word.stem).speech for word in content(told)):
        found.add("thing")
    return frozenset(found)


def orders(text: str) -> bool:
    """Begins with a verb that somebody is told to do, and with what to do it to."""
    told = words(text[_DOES.match(text).end() :])  # type: ignore[union-attr]  # It matches everything.
    if not told or told[0].low in STOP:
        return False
    speech = entry(told[0].stem).speech
    if told[0].low != told[0].stem and not told[0].low.endswith("e"):
        return False
    second = told[1].low if len(told) > 1 else ""
    follows = second in STOP and second not in ("and", "of", "or", "from", "is", "are")
    return speech.startswith("v") or ("v" in speech and (follows or second == "and"))


def _named(text: str) -> set[str]:
    """Names, and people by what they do."""
    found = set()
    for at, word in enumerate(words(text)):
        known = entry(word.stem)
        if known.explained & PEOPLE and known.speech.startswith("n"):
            found.add("person")
        if (
            word.big
            and word.low not in STOP
            and not _MOMENT.search(word.low)
            and (at or not known.speech or (len(words(text)) <= 3 and known.speech == "n"))
        ):
            found.add("name")
    return found | ({"person"} if _SOMEBODY.search(text) else set())


def suits(kind: str, asked: str, text: str) -> bool | None:
    """Whether the form of a short answer is one that a question of this kind can want; None when nothing tells."""
    # What stands as code is an order, whatever its words are.
    if len(words(text)) > SHORT or "`" in text:
        return None
    if kind not in ("yesno", "choice", "make", "open") and _POLAR.match(text):
        return False
    there = forms(text)
    if kind == "open" and _WHAT.search(asked):
        kind = "thing"
    wanted = _WANTED.get(kind)
    if wanted is None or not there:
        return None
    if kind in ("thing", "choice", "who", "yesno"):
        wanted |= {"moment", "span", "once"} if _TIMED.search(asked) else frozenset()
        wanted |= {"place"} if _PLACED.search(asked) else frozenset()
    if kind == "count" and _LASTS.search(asked):
        wanted |= {"span"}
    return not there.isdisjoint(wanted)
