"""Part by part: which piece of an answer serves which part of a question, and what talks around all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from homeostat.analyze.scorers.form import orders
from homeostat.analyze.scorers.question import Question, answers, read
from homeostat.analyze.scorers.wanted import aim, meets
from homeostat.analyze.text.lexicon import nearest
from homeostat.analyze.text.quantities import quantities
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.thesaurus import closest, entry
from homeostat.analyze.text.words import STOP, Word, content, words

_ASKS: Final = re.compile(
    r"^\W*(?:(?:and|or|but|so|also|if so|if not|until|from|since|at|to|in|for|on|with|by) )*(?:how|what|when|where|who|whom|whose|why|which|is|are|do|does|did|can|could|may|should|will|would|has|have|was|were|am|must|whether|if|tell|give|name|list|explain|describe|write|draft|show|compare|say|make|mention|suggest|translate|convert|summari[sz]e|rank|any|recommend|help)\b",
    re.IGNORECASE,
)
_POLAR: Final = re.compile(
    r"^\W*(?:but |and |so |also,? |plus,? )?(?:yes|no|nope|sure|certainly|of course|sadly|unfortunately|i'm afraid|not|never|absolutely|definitely|gladly|happily|probably|maybe|it depends|depends|ja|nein|oui|sí"
    r"|(?:you|we|they|it|he|she|i|that|there|this|these|those|both) (?:is|are|can|may|do|does|did|will|should|must|have|has|need|would|could|was|were)(?: not|n't|)(?:\W*$|,))",
    re.IGNORECASE,
)
_CAUSE: Final = re.compile(
    r"\b(?:because|since|due to|owing to|thanks to|so that|that's why|reason|caus\w+|as (?:it|they|the|he|she|we|you|there)|makes?|means|lead\w*|result\w*|to (?:keep|avoid|make|prevent|protect|get|move)|in order|so|comes? (?:from|of)|from the|it's (?:the|a)|too|otherwise|wanted|meant|hence|therefore|fades?|wanes?|most likely|probably|likely)\b",
    re.IGNORECASE,
)
# Says much of nothing: what any text about anything could say.
_VAGUE: Final = re.compile(
    r"\b(?:important|many (?:people|factors|aspects|ways|companies|things|sides|reasons|opinions|different)|various|a variety|different (?:things|ways|opinions|views|aspects|factors|needs)|several (?:factors|ways|aspects|things)|a (?:lot of|number of|great many) (?:people|companies|things|factors|aspects|customers|users|us)|wide range|"
    r"complex (?:topic|subject|matter|question|issue)|(?:is|are) a (?:topic|subject|matter)|(?:good|great|interesting|common|big|difficult|tricky) (?:question|point)|question (?:that )?(?:a lot|many|we|people|comes)|people (?:wonder|ask|get|often)|aspects|factors|in (?:general|the end|many ways)|generally speaking|over the (?:years|centuries)|always worth|(?:is|are) key|these days|nowadays|"
    r"taken (?:very )?seriously|as with (?:many|most)|widely|all sorts|it's thought|plays? (?:a|an) \w* ?role|comes? down to|whole books|matters? (?:a lot|to)|worth (?:considering|thinking|looking into|knowing)|to consider|(?:opinions|views|tastes) (?:differ|vary)|(?:everybody|everyone|anyone) (?:feels|has|is|should|knows)|"
    r"fascinating|exciting|has (?:a )?(?:long|rich) history|long tradition|depends on (?:many|a lot|various|several)|a lot (?:to|has been) \w+|much (?:has been|is) (?:said|written)|can be (?:quite|very|rather)|improved all the time)\b",
    re.IGNORECASE,
)
_NO_PARTS: Final = frozenset((
    "tell", "know", "please", "really", "still", "also", "exactly", "actually", "explain", "give", "say", "name", "list", "describe", "show", "mention", "write",
    "need", "get", "want", "like", "thing", "things", "way", "happen", "happens", "help", "use", "long", "much", "many", "often", "time", "mean", "each", "one", "work", "does", "find", "include",
))  # fmt: skip
_ROW: Final = re.compile(
    r":\s*([^:?.!]+(?:,|\band\b)[^:?.!]+)|\b((?:[A-Z][\w'-]+(?: [A-Z][\w'-]+)?, )+(?:and )?[A-Z][\w'-]+(?: [A-Z][\w'-]+)?(?: and [A-Z][\w'-]+(?: [A-Z][\w'-]+)?)?)"
)
_COMMA: Final = re.compile(r",\s*(?:and |or )?| and | or ")
_CONVERTS: Final = re.compile(
    r"\bconvert\b|\bto metric\b|\b(?:in|to|into) (?:cm|kg|km|miles|metres|meters|grams|euros?|dollars?|pounds?|celsius|fahrenheit|litres?|inches|feet|lbs?|usd|eur|gbp|ml|oz|ounces)\b",
    re.IGNORECASE,
)
_GIVEN: Final = re.compile(
    r"\b(?:translat|rewrit|correct|proofread|rephras|mak|turn)\w*\b[^\"“:]{0,60}[:\"“]\s*\"?(.+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED: Final = re.compile(r"[\"“](.+)[\"”]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a question: what kind of thing it wants, and the words that only it has."""

    question: Question
    thing: str
    own: tuple[Word, ...]
    bare: bool
    """It asks nothing by itself: of `in a banana, an apple and an orange` the apple."""


def apart(asked: Sequence[str]) -> list[Part]:
    """The parts, each with the words that tell it from the others."""
    read_ = [read(part) for part in asked if part]
    stems = [{word.stem for word in one.matter} for one in read_]
    found: list[Part] = []
    for at, one in enumerate(read_):
        others = {stem for place, held in enumerate(stems) if place != at for stem in held}
        own = tuple(word for word in one.matter if word.stem not in others and word.low not in _NO_PARTS)
        bare = at > 0 and not _ASKS.match(one.text)
        thing = aim(one.text) or (found[-1].thing if bare and found[-1].thing != "who" else "")
        found.append(Part(one, thing, own, bare))
    return found


def _asking(asked: Sequence[str]) -> Sequence[str]:
    """Parts from the first on that asks: `my card was refused, what now?` tells before it asks."""
    first = next((at for at, part in enumerate(asked) if _ASKS.match(part)), len(asked))
    return asked[first:]


def served(asked: Sequence[str], question: str, text: str) -> Mapping[str, float]:
    """How well the part is served that is served worst, by one piece of the answer and by the whole."""
    parts = apart(_asking(asked))
    pieces = [piece for sentence in sentences(text)[:40] for piece in clauses(sentence)]
    if len(parts) < 2 or not pieces:
        return {}
    whole = read(question)
    known = [frozenset(word.stem for word in content(words(piece))) for piece in pieces]
    everything = frozenset[str]().union(*known)
    by_words = [_own(part, everything) for part in parts]
    by_form = [max(_form(part, whole, piece) for piece in pieces) for part in parts]
    # One yes answers one question; two questions for a person want two.
    polar = [at for at, part in enumerate(parts) if part.question.kind == "yesno"]
    for at in polar[sum(bool(_POLAR.match(piece)) for piece in pieces) :]:
        by_form[at] = 0.0
    table = [
        [_own(part, stems) + 0.6 * _form(part, whole, piece) for piece, stems in zip(pieces, known, strict=True)]
        for part in parts
    ]
    best = [max(range(len(parts)), key=lambda part: table[part][at]) for at in range(len(pieces))]
    long = min(1.0, len(words(text)) / (10 * len(parts)))
    unsaid = [max(0.0, 1 - words_) * (form < 0.5) for words_, form in zip(by_words, by_form, strict=True)]
    return {
        "unserved": sum(part not in best for part in range(len(parts))) / len(parts) * long,
        "far_part": max(0.0, 1 - min(by_words)) * long,
        "last_unsaid": unsaid[-1] * long,
        "polar_open": max((max(0.0, 1 - by_words[at]) * (by_form[at] < 0.5) for at in polar), default=0.0),
    }


def items(question: str) -> list[str]:
    """What a question lists to have each of it spoken of: behind a colon, or names in a row."""
    found: list[str] = []
    for row in _ROW.finditer(question):
        found = [item for item in _COMMA.split(row[1] or row[2]) if item.strip()]
        if len(found) > 1 and all(len(item.split()) <= 4 and not _ASKS.match(item) for item in found):
            return found
    return []


def left(question: str, text: str) -> float:
    """Which part of the things that were listed is not named, where others are."""
    listed = items(question)
    stems = frozenset(word.stem for word in content(words(text)))
    near = [max((_near(word.stem, stems) for word in content(words(item))), default=1.0) for item in listed]
    return sum(one < 0.5 for one in near) / len(near) if near and max(near) >= 0.8 else 0.0


def unconverted(question: str, text: str) -> float:
    """How many of the quantities that were to be converted have none for them."""
    if not _CONVERTS.search(question):
        return 0.0
    asked = [one for one in quantities(question) if not one.soft]
    old = {one.value for one in asked}
    new = [one for one in quantities(text) if not one.soft and one.value not in old]
    return float(len(asked) > 1 and len(new) < len(asked))


def untold(question: str, text: str) -> float:
    """How many sentences fewer than the text that was to be translated or mended has."""
    given = _GIVEN.search(question)
    if given is None:
        return 0.0
    wanted, there = len(sentences(given[1])), len(sentences(text))
    said = _QUOTED.search(text)
    there = len(sentences(said[1])) if said and len(said[1]) > 0.3 * len(given[1]) else there
    return float(wanted > 1 and there < wanted)


def _own(part: Part, stems: frozenset[str]) -> float:
    """How near a piece comes to the words that only this part has; half where it has none."""
    if not part.own:
        return 0.5
    near = [_near(word.stem, stems) for word in part.own]
    return (max(near) + sum(near) / len(near)) / 2


def _near(stem: str, told: frozenset[str]) -> float:
    near = nearest(stem, told)
    return near if near >= 0.7 else max(near, min(0.7, 2 * closest(stem, told)))


def _form(part: Part, whole: Question, piece: str) -> float:
    """Whether a piece is of the kind that a part wants: 1 surely, 0.5 when nothing tells."""
    if part.thing:
        held = meets(part.thing, whole.text, piece, part.question.text)
        return 0.5 if held is None else float(held)
    kind = part.question.kind
    if part.bare or kind in ("open", "make", "meaning", "contrast"):
        return 0.0
    if kind == "yesno":
        return float(bool(_POLAR.match(piece)))
    if kind == "why":
        return float(bool(_CAUSE.search(piece)))
    if kind == "howto":
        return float(orders(piece) or bool(answers("howto", whole, piece)))
    return float(bool(answers(kind, whole, piece)))


def vague(text: str) -> float:
    """How many sentences say what could be said of anything, and hold nothing that could be checked or done."""
    there = sentences(text)
    return sum(bool(_VAGUE.search(one)) and not _specific(one) for one in there) / max(1, len(there))


def unspecific(text: str) -> float:
    """How few sentences name a number, a name, or something to do."""
    there = sentences(text)
    return 1 - sum(map(_specific, there)) / max(1, len(there))


def _specific(sentence: str) -> bool:
    told = words(sentence)
    return (
        bool(quantities(sentence))
        or any(word.big and not entry(word.stem).speech and word.low not in STOP for word in told[1:])
        or any(orders(piece) for piece in clauses(sentence))
        or "`" in sentence
        or '"' in sentence
    )
