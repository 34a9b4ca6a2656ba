"""Signs that a text speaks of the matter of a question and passes by what was asked: another deed or thing in its place, another time,
another person, a question put back, talk that wanders off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from homeostat.analyze.scorers.form import PEOPLE, orders
from homeostat.analyze.scorers.question import Question
from homeostat.analyze.scorers.wanted import meets, ordered
from homeostat.analyze.text.lexicon import nearest
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.thesaurus import closest, entry
from homeostat.analyze.text.words import STOP, Word, content, words

#: So much of a first sentence, and of a question, is read for its form.
_READ: Final = 400
_ASKED: Final = 2_000
#: A number is looked for in so many sentences.
_FIRST: Final = 6
#: Another thing is put in the place of the one that was asked for at the beginning.
_OPENING: Final = 2
#: What is this near a word stands for it; what is that far from all words is another thing.
_THERE: Final = 0.5
# Words that hold no matter of a question of their own.
_GENERAL: Final = frozenset((
    "need", "get", "want", "like", "thing", "way", "happen", "help", "use", "find", "know", "tell", "explain", "give", "say", "name", "please", "really", "still", "exactly", "actually", "mean", "work",
    "take", "much", "many", "long", "often", "time", "people", "come", "look", "think", "feel",
))  # fmt: skip
_HELPS: Final = r"(?:is|are|was|were|do|does|did|can|could|may|might|must|should|will|would|has|have|had)"
# Who only tells what is wrong may be told anything that helps.
_QUESTION: Final = re.compile(
    r"\?\W*$|^\W*(?:\w{1,20}\W{1,3}){0,2}(?:how|what|what's|when|where|who|whom|whose|why|which|explain|describe|compare|tell)\b",
    re.IGNORECASE,
)
_ASKS_WHETHER: Final = re.compile(
    r"\W*(?:(?:and|so|but|ok|also|hi|hey|sorry|please|well)\b[\s,]*)?(?:is|isn't|are|aren't|was|were|do|don't|does|doesn't|did|can|can't|could|may|will|would|should|shall|has|have|am|must)\b",
    re.IGNORECASE,
)
# Yes or no in so many words, or `they do`, with nothing of its own behind it.
_SIDE: Final = re.compile(
    r"\W*(?:(?:i think |i'd say |i'm afraid |in (?:short|general|most cases|principle), |as far as \w{1,20} \w{1,20}, |officially,? |technically,? |legally,? )?"
    r"(?:yes|yep|yeah|no|nope|not|never|none|sure|certainly|of course|absolutely|definitely|probably|unfortunately|sadly|only|(?:it|that) depends|depends|hardly|rarely|sometimes|usually|mostly|always|better|fine|correct|right|wrong|true|false|"
    r"neither|both|either|possibly|perhaps|maybe|ideally|gladly|happily|done|ja|nein|oui|non|sí)\b"
    r"|(?:it|they|he|she|we|you|i|that|this|there|those|these)(?:'s|'re|'d|'ll|'ve| (?:"
    + _HELPS[3:-1]
    + r"|need)(?:n't)?| cannot)(?: not)?\s{0,9}(?:[.,;:!?—-]|\b(?:and|but|if|as|provided|unless|though|since|because|indeed|a myth|not|possible|allowed|fine)\b|$)"
    r"|[^.!?,;]{0,40}(?:n't|\bnot|\bnever|\bno|\bcannot)\b|[^.!?,]{0,25}, (?:yes|no)\b)",
    re.IGNORECASE,
)
_STANDS: Final = re.compile(
    r"\W*(?:it|they|he|she|we|you|i|that|this|those|these|there|it's|they're|because|since|nobody|everyone)\b",
    re.IGNORECASE,
)
_LITTLE: Final = re.compile(
    r"\W*(?:so|if|once|when|after|before|until|at|in|on|by|from|about|around|roughly|between|under|over|up to|only|just|usually|mostly|most|try|use|both|neither|either|none|not|no|yes|depends|sorry|unfortunately|your|my|our|its|their|his|her)\b",
    re.IGNORECASE,
)
_FINITE: Final = re.compile(
    rf"\b(?:{_HELPS}|am|isn't|aren't|don't|doesn't|didn't|won't|can't|cannot|gets?|takes?|makes?|means?|needs?|lets?|gives?|goes|comes?|\w{{3,}}ed)\b|'(?:s|re|ll|ve|d)\b",
    re.IGNORECASE,
)
_CAUSE: Final = re.compile(
    r"\b(?:because|since|due to|owing to|thanks to|caused?|causes|causing|reasons?|result(?:s|ed)?|so that|so|as|means? that|therefore|that's (?:why|what|how)|in order to|to (?:keep|avoid|make|prevent|protect|stop|let|save)|"
    r"blame|comes? from|came from|stems? from|goes back|led|leads?|makes?|made|lets|turns?|trigger\w*|if|without|lack\w*|too|otherwise)\b|^[^.!?]{0,40}[:;,—-]",
    re.IGNORECASE,
)
_COMING: Final = re.compile(r"\b(?:will|going to|gonna|shall|next|tomorrow|upcoming)\b|'ll\b", re.IGNORECASE)
_TOLD_COMING: Final = re.compile(
    r"\b(?:will|won't|going to|shall|expected|expects?|forecast|predicted|projected|by|next|tomorrow|would|could|may|might|should|planned|due|scheduled|soon|not yet)\b|'ll\b",
    re.IGNORECASE,
)
_GONE: Final = re.compile(
    r"\W*(?:(?:\w{1,30}\W{1,9}){0,3}(?:did|was|were|had)\b|who (?:\w{3,30}ed|won|wrote|made|built|came|led|took|gave)\b)",
    re.IGNORECASE,
)
_TOLD_GONE: Final = re.compile(
    r"\b(?:was|were|did|didn't|had|has|have|been|won|wrote|made|built|came|went|took|gave|began|became|got|fell|led|said|found|left|met|kept|lost|paid|put|ran|saw|sent|told|thought|ago|nobody|never|\w{3,}ed)\b|'(?:d|ve)\b|n't\b",
    re.IGNORECASE,
)
_WILL: Final = re.compile(r"\b(?:will|won't|going to)\b|'ll\b", re.IGNORECASE)
_WAS: Final = re.compile(r"\b(?:was|were|did|didn't|had|ago|yet)\b", re.IGNORECASE)
_WHO_DID: Final = re.compile(
    r"\bwho(?:\W{1,3}\w{1,30}){0,2}\W{1,3}(?:\w{3,30}ed|won|wrote|made|built|was|were|did)\b", re.IGNORECASE
)
# What sellers say, and who would rather not answer.
_SELLS: Final = re.compile(
    r"\b(?:did you know|before you go|we(?:'re| are) (?:proud|delighted|thrilled|excited)|love that|so many opinions|listen to your|up to (?:you|each|every)|to work out for|opinions (?:differ|vary)|and much more|"
    r"our (?:new|latest|award)|take a look at our|exclusive|discover|don't miss|great question|good question|thank you for|thanks for|hope to|welcome you|feedback)\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"`|\w\(|[{}]|=>|^(?:SELECT|def|import) ")
_SELF: Final = re.compile(r"\b(?:i|we|you|one|my|our|us|me)\b|\bhow to\b", re.IGNORECASE)
_ADVICE: Final = re.compile(
    r"\b(?:advice|tips?|recommend\w*|suggest\w*|ideas?|should|help|what (?:do|can|could|now)|how)\b", re.IGNORECASE
)
# A beginning that says of what the rest holds: `If prints are streaky, …`, `To insert a date, …`.
_GIVEN: Final = re.compile(
    r"\W*(?:if|when|for|as(?! (?:long|soon|far|well|much)\b)|to(?! (?:an?|the|my|your|be)\b)|before|after) ([^,.;!?]{3,80}), ",
    re.IGNORECASE,
)
# Speaks on of the same thing.
_KEEPS: Final = re.compile(r"\b(?:it|them|its|please)\b", re.IGNORECASE)
_GOES_ON: Final = 0.8
_MENDS: Final = re.compile(
    r"\b(?:correct|proofread|fix|rephrase|reword|rewrite|shorten|improve|polish|simplify|more polite|shorter|formal)\b",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(
    r"[\"“]([^\"“”]{8,600})[\"”]|(?:sentence|text|email|mail|this|paragraph)[^:\n]{0,30}:\s{0,9}(.{8,600})"
)
_SUBJECT: Final = re.compile(
    r"\W*(?:it|they|he|she|we|you|i|that|this|the (?:\w{1,30} ){1,3}?|[\w'-]{1,30} )(?:'s|'re|'d|'ll|'ve| ?\b(?:"
    + _HELPS[3:-1]
    + r"|need to))\b\s{0,9}((?:\w{1,30}\W{1,9}){0,6}\w{1,30})",
    re.IGNORECASE,
)


def beside(question: str, asked: Question, text: str, thing: str, *, causal: bool) -> Mapping[str, float]:
    """How a text may pass by a question; `thing` is what it wants more finely, `causal` that it wants a cause."""
    there = sentences(text)
    if not there:
        return {}
    last = next((part for part in reversed(sentences(asked.text)) if part.endswith("?")), asked.text)
    told, asking = content(words(text)), content(words(last))
    matter = [word for word in asking if word.low not in _GENERAL]
    if len(matter) < 2:
        matter = [word for word in content(words(question[-_READ:])) if word.low not in _GENERAL]
    known = frozenset(word.stem for word in content(words(question[-_ASKED:])))
    stems, first = frozenset(word.stem for word in told), there[0][:_READ]
    begun = words(first)
    beginning = frozenset(word.stem for word in content(begun))
    side, stands = bool(_SIDE.match(text)), bool(_STANDS.match(text))
    code, finite, asks = bool(_CODE.search(text)), bool(_FINITE.search(first)), first.rstrip(" \"'”)").endswith("?")
    piece = not finite and len(begun) <= 12
    # A whole sentence of its own, that leans on the question by its words only.
    whole = finite and not (orders(first) or side or stands or asks or code) and bool(_QUESTION.search(last))
    whether = bool(_ASKS_WHETHER.match(last)) and asked.kind not in ("where", "meaning", "contrast")
    long = min(1.0, max(0.0, (len(told) - 4) / 5))
    missing = {word.stem: 1 - _near(word.stem, stems) for word in matter}
    most = max(missing.values(), default=0.0)
    deeds = [missing[word.stem] for word in matter if _deed(word)]
    shared = sum(stem in known for stem in beginning)
    held = {word.stem: nearest(word.stem, beginning) for word in matter}
    found = {
        # Most of the question comes back, and one word of it nowhere.
        "swap": whole * long * (len(matter) >= 2 and sum(missing.values()) <= 0.55 * len(missing) and most >= 0.8),
        "full_missing": whole * long * most,
        "verb_missing": whole * long * max(deeds, default=0.0),
        "substituted": long
        * (not side and bool(_QUESTION.search(last)) and _substituted(asking, there[:_OPENING], stems, known)),
        "asks_echo": float(asks and shared >= 2 and len(there) > 1),
        "asks_other": float(asks and shared >= 2 and max(held.values(), default=0.0) >= 0.3),
        "asks_back": float(asks and shared < 2 and not _SELLS.search(first)),
        "restates": float(finite and bool(held) and min(held.values()) > 0.5 and len(beginning) > len(matter)),
        "code_given": float(code and asked.kind in ("howto", "make", "open", "yesno")),
        "given_other": _given_other(text, known),
        "predicate_other": float(whether and not side and most >= 0.7 and _says_other(first, known)),
        "market": sum(bool(_SELLS.search(one)) for one in there) / len(there),
        "orders_unasked": 0.0
        if not _QUESTION.search(last) or _wants_orders(asked, last, whether=whether)
        else ordered(text),
        "no_strict_cause": float(causal and not _CAUSE.search(text)),
        "future_off": long * (bool(_COMING.search(last)) and not _TOLD_COMING.search(text)),
        "past_off": 0.0,
        "tense_turned": 0.0,
        "mends_nothing": _mends_nothing(question, stems),
        "role_swapped": _other_role(content(words(asked.text)), told),
        "wanders": 0.0 if code else _wanders(there, known),
        "thing_near": _together(
            matter[-2:], asked.text, there, thing, plain=len(begun) <= 8 and (piece or stands or _little(first))
        ),
        "unnamed": float((asked.kind == "who" or thing == "who") and _nobody(last, asked.text, text)),
    }
    if _GONE.match(last):
        found["past_off"] = long * (not _TOLD_GONE.search(text))
        found["tense_turned"] = float(bool(_WILL.search(first)) and not _WAS.search(text))
    return found


def _little(first: str) -> bool:
    return bool(_LITTLE.match(first))


def _near(stem: str, told: frozenset[str]) -> float:
    """How far something told can stand for a word, or comes near it."""
    near = nearest(stem, told)
    return near if near >= 0.7 else max(near, min(0.7, 1.5 * closest(stem, told)))


def _deed(word: Word) -> bool:
    """A word that is mostly a verb, or stands in the form of one."""
    speech = entry(word.stem).speech
    return speech.startswith("v") or ("v" in speech and word.low != word.stem and word.low.endswith(("ed", "ing")))


def _substituted(asking: Sequence[Word], there: Sequence[str], stems: frozenset[str], known: frozenset[str]) -> bool:
    """`the maximum weight`, to who asked for the maximum speed: beside a word of the question stands another than there."""
    missing = [_near(word.stem, stems) < _THERE for word in asking]
    if not any(missing):
        return False
    rows = [[word.stem for word in content(words(one))] for one in there]
    for at, word in enumerate(asking):
        for step in (-1, 1):
            # The word before, or behind, one that is nowhere.
            if not (0 <= at - step < len(asking) and missing[at - step] and word.stem in stems):
                continue
            for row in rows:
                places = (place - step for place, stem in enumerate(row) if stem == word.stem)
                if any(0 <= place < len(row) and row[place] not in known for place in places):
                    return True
    return False


def _given_other(text: str, known: frozenset[str]) -> float:
    """How much of the case that an answer begins with is not that of the question."""
    given = _GIVEN.match(text)
    told = content(words(given[1])) if given else []
    return sum(_near(word.stem, known) < _THERE for word in told) / len(told) if told else 0.0


def _says_other(first: str, known: frozenset[str]) -> bool:
    """Behind its helping verb the answer says another word than the question."""
    said = _SUBJECT.match(first)
    behind = content(words(said[1])) if said else []
    return bool(behind) and _near(behind[0].stem, known) < _THERE


def _wants_orders(asked: Question, last: str, *, whether: bool) -> bool:
    """To who asks so it may be said what to do; how plants grow is told without orders."""
    return (
        whether
        or asked.kind in ("make", "choice")
        or (asked.kind == "howto" and bool(_SELF.search(last)))
        or bool(_ADVICE.search(asked.text) and asked.kind != "howto")
    )


def _mends_nothing(question: str, stems: frozenset[str]) -> float:
    """A text was to be mended, and hardly a word of it is there."""
    if not _MENDS.search(question[:300]):
        return 0.0
    quoted = _QUOTED.search(question[:_ASKED])
    own = frozenset(word.stem for word in content(words(quoted[1] or quoted[2]))) if quoted else frozenset[str]()
    return float(len(own) > 1 and len(own & stems) < 0.4 * len(own))


def _roles(found: Sequence[Word]) -> frozenset[str]:
    return frozenset(
        word.stem for word in found if (known := entry(word.stem)).speech == "n" and known.explained & PEOPLE
    )


def _other_role(asked: Sequence[Word], told: Sequence[Word]) -> float:
    """What somebody may do was asked, and what somebody else may do is told."""
    theirs = _roles(asked)
    return float(bool(theirs) and bool(mine := _roles(told)) and theirs.isdisjoint(mine))


def _wanders(there: Sequence[str], known: frozenset[str]) -> float:
    """How much farther from the question a text ends than it began."""
    if len(there) < 3:
        return 0.0
    near = [
        max(
            _GOES_ON * bool(_KEEPS.search(one)),
            max((nearest(word.stem, known) for word in content(words(one))), default=0.5),
        )
        for one in there
    ]
    tail = near[len(near) // 2 :]
    return max(0.0, near[0] - sum(tail) / len(tail))


def _together(matter: Sequence[Word], question: str, there: Sequence[str], thing: str, *, plain: bool) -> float:
    """How near the sentence that holds the thing comes to what it was wanted of; a short one need not say it again."""
    best = 0.0
    for at, one in enumerate(there[:_FIRST] if thing else ()):
        if meets(thing, question, one):
            stems = frozenset(word.stem for word in content(words(one)))
            near = min((nearest(word.stem, stems) for word in matter), default=0.5)
            best = max(best, near, 0.7 * (at == 0 and plain))
    return best


def _nobody(last: str, question: str, text: str) -> bool:
    """Who did it was asked, and no name is told."""
    if not _WHO_DID.search(last) or len(found := words(text)) <= 5:
        return False
    known = {word.low for word in words(question)}
    return not any(
        word.big and word.low not in STOP and word.low not in known and not _begins(text, word.start)
        for word in found[1:]
    )


def _begins(text: str, start: int) -> bool:
    """A word that stands first in its sentence."""
    return text[max(0, start - 3) : start].rstrip(" \"'*(-").endswith((".", "!", "?", ":", "\n"))
