"""Where a text breaks: another language, a sentence about something else, a reason that is none, a thing used before it is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Final

from homeostat.analyze.scorers.form import orders
from homeostat.analyze.scorers.orderly import ENGLISH as _ENGLISH
from homeostat.analyze.text.function_words import NEGATORS
from homeostat.analyze.text.lexicon import nearest, opposite
from homeostat.analyze.text.thesaurus import closest, entry
from homeostat.analyze.text.words import STOP, Word, content, stem, words

#: Little words that no English sentence holds two of.
_OTHERS: Final = frozenset((
    "der", "die", "das", "und", "ist", "nicht", "ein", "eine", "einen", "einem", "einer", "mit", "den", "dem", "des", "auch", "sich", "auf", "für", "von", "zu", "zum", "zur", "im", "wenn", "wir", "sie", "ich", "sollte", "kann", "werden", "wird", "oder", "aber", "bei", "nach", "vor", "trotzdem", "noch", "nur",
    "el", "la", "los", "las", "una", "uno", "un", "con", "del", "y", "por", "para", "que", "se", "su", "es", "está", "pero", "más", "como", "cuando", "muy", "hay",
    "le", "les", "une", "est", "du", "et", "vous", "nous", "dans", "pour", "sur", "pas", "avec", "qui", "il", "elle", "au", "aux", "ce", "cette", "ou", "sont", "peut", "plus",
    "il", "lo", "gli", "di", "che", "è", "non", "per", "della", "dei", "nel", "si", "sono", "ancora", "volta", "anche", "questo",
    "het", "een", "van", "en", "niet", "dat", "je", "ook", "zijn", "naar", "voor", "op", "maar", "dus", "eens", "kan", "of", "o", "os", "as", "uma", "não", "em", "da", "dos", "com",
    "och", "att", "det", "som", "på", "är", "av", "inte", "ett", "jest", "nie", "na", "się", "że", "jak", "dla",
)) - frozenset(["of", "as", "on", "per", "an", "in", "plus", "die", "y", "o", "van", "en", "la", "non", "un", "on", "op", "dos", "com", "da"])  # fmt: skip
#: Of so many words in a row so many are no English: a sentence, or half of one, is in another language.
_RUN, _STRANGE = 6, 5
#: Letters of other alphabets begin here.
_OTHER_LETTERS: Final = 0x370
_COMMON: Final = _ENGLISH | frozenset((
    "a", "an", "as", "so", "in", "on", "into", "onto", "than", "these", "those", "them", "his", "her", "him", "its", "us", "me", "who", "whom", "which", "what", "when", "where", "why", "how", "do", "does", "did", "had", "would", "could", "should", "may", "might",
    "must", "shall", "then", "there", "here", "because", "since", "until", "unless", "while", "though", "although", "whether", "without", "against", "toward", "towards", "among", "anything", "something", "everything", "everyone", "everybody", "someone", "anyone", "yourself", "itself", "themselves", "himself", "herself", "and", "or", "nor",
    "more", "most", "no", "yes", "ok", "okay", "wifi", "app", "apps", "online", "email", "website", "pdf", "url", "api", "upon", "per", "via", "about", "all", "any", "both", "each", "out", "up", "off", "over", "ever", "else", "one", "two", "too", "also", "just", "only", "get", "gets", "got", "let", "make", "go", "whose", "if", "let", "during", "like", "unlike", "near",
))  # fmt: skip
_QUOTES: Final = re.compile(r"[\"“”«»„`]\w|(?<!\w)['‘]\w")
_TRANSLATES: Final = re.compile(
    r"\b(?:translat\w*|german|french|spanish|italian|dutch|polish|swedish|portuguese|latin|language|how do you say|what does .{1,40} mean|bilingual|in \w+ish)\b",
    re.IGNORECASE,
)
_BECAUSE: Final = re.compile(
    r",?\s(?:because|since|so(?! (?:long|far|much|many|that|as|\d))|therefore|which (?:is why|makes?|means)|for the same reason (?:that|as)|as a result|hence|and thus|seeing that|that's why)\s|(?:^|[.;] )(?:because|since|as) (?P<first>[^,]{8,90}),\s",
    re.IGNORECASE,
)
_AHEAD: Final = re.compile(r"\bstep (\d+)\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"^\s{0,3}(\d{1,2})[.)]\s+(.*)$", re.MULTILINE)
_BACKWARDS: Final = re.compile(
    r"\b(?:having (?:\w+ed|been|made|put|left|gone|got|done|taken|cut|sent)|for the first time|will have (?:\w+ed|been|gone|left|made|done)\b|before (?:it|they|you|we|he|she) (?:was|were|had|has|have)|earlier|once you've (?:finished|left|closed)|you'll \w+ in step|later on|after you've closed|who(?:'d| had) (?:already|earlier))\b",
    re.IGNORECASE,
)
_STEPS: Final = re.compile(
    r"\b(?:then|next|finally|first|afterwards|after that|now|last|once|begin|start)\b|^\s*\d[.)]",
    re.IGNORECASE | re.MULTILINE,
)
_SO: Final = re.compile(
    r"\b(?:so|therefore|thus|hence|that's (?:the reason )?why|that (?:explains|means)|it follows|this means|consequently|which means|in other words|as a result|for (?:this|these|that|those|the same) reasons?|accordingly|which is (?:the reason )?why)\b",
    re.IGNORECASE,
)
_SINCE: Final = re.compile(r"(?:since|as|because|given that) [^,]{8,120}, ", re.IGNORECASE)
_MORE_LESS: Final = frozenset(["more", "less"])
#: Other cases than the one before.
_OTHER_CASE: Final = frozenset(["also", "too", "other", "others", "another", "after", "above", "over", "below", "under", "within", "more", "less", "fewer", "again"])  # fmt: skip
_PERHAPS: Final = frozenset(["may", "might", "can", "could", "perhaps", "maybe", "usually", "often", "sometimes"])
#: `It costs you nothing`: what is done is not denied.
_OF_OBJECTS: Final = frozenset(["nothing"])
_HELD: Final = frozenset(
    [
        "if",
        "unless",
        "until",
        "when",
        "otherwise",
        "except",
        "but",
        "though",
        "although",
        "instead",
        "or",
        "while",
        "whereas",
        "however",
        "only",
        "than",
        "yet",
        "still",
        "even",
        "just",
        "once",
        "before",
        "without",
    ]
)
_GIVEN: Final = frozenset((
    "it", "its", "they", "them", "their", "he", "him", "his", "she", "her", "this", "that", "these", "those", "there", "here", "you", "your", "we", "our", "us", "i", "my", "me",
    "both", "each", "another", "other", "others", "also", "too", "same", "such", "one", "ones", "all", "most", "some", "none", "either", "neither", "again", "instead", "everything", "anything", "nothing",
))  # fmt: skip
_DENIES: Final = frozenset(["not", "never", "cannot"])
_CASES: Final = frozenset(
    ["if", "unless", "until", "when", "otherwise", "because", "before", "without", "only", "just", "yet"]
)
_REASON: Final = re.compile(r"\b(?:because|since|so|therefore|which is why|as)\b", re.IGNORECASE)
_TO_YOU: Final = frozenset(["you", "your", "yours", "i", "we", "our", "my", "me", "us"])


def breaks(
    parts: Sequence[str],
    read: Sequence[Sequence[Word]],
    question: str,
    whole: str,
    own: Sequence[str],
    mine: Sequence[Sequence[Word]],
) -> dict[str, float]:
    """What tells that a sentence does not belong, or does not follow; `own` and `mine`: without what others are quoted with."""
    asked = content(words(question))
    return {
        "switched": _switched(parts, read, question),
        "no_reason": _no_reason(parts, read, asked),
        "refers_ahead": _refers_ahead(whole),
        "backwards": _backwards(parts, whole),
        "taken_back": _taken_back(mine, asked),
        "half_denied": _half_denied(own, mine),
        "handed_on": _handed_on(mine, asked),
        "denied_flatly": _denied_flatly(mine),
        "so_against": _so_against(own, mine),
    }


def _switched(parts: Sequence[str], read: Sequence[Sequence[Word]], question: str) -> float:
    """Sentences in another language than the others, which nobody asked for."""
    if _TRANSLATES.search(question) or len(read) < 2:
        return 0.0
    tongues = {_tongue(part, one) for part, one in zip(parts, read, strict=True)}
    tongues |= {"other" for part, one in zip(parts, read, strict=True) if not _QUOTES.search(part) and _unknown(one)}
    return float(len(tongues - {""}) > 1)


def _unknown(sentence: Sequence[Word]) -> bool:
    """A run of words of which English knows hardly any; names begin with a capital."""
    strange = [
        not word.low[0].isdigit()
        and not (word.big and word.low.isascii() and word.start)
        and word.low not in _COMMON
        and not entry(word.stem).speech
        for word in sentence
    ]
    run = strange[:_RUN]
    if sum(len(word.low) > 2 for word in sentence) >= _RUN and sum(run) >= _STRANGE:
        return True
    return any(sum(strange[at : at + _RUN]) >= _STRANGE for at in range(1, len(strange) - _RUN + 1)) or any(
        ord(word.low[0]) >= _OTHER_LETTERS and word.low.isalpha() for word in sentence
    )


def _tongue(part: str, sentence: Sequence[Word]) -> str:
    """English, another language, or nothing that could be told."""
    known = sum(word.low in _ENGLISH for word in sentence)
    others = sum(word.low in _OTHERS for word in sentence)
    if _QUOTES.search(part) or max(known, others) < max(2, 0.15 * len(sentence)):
        return ""
    return "en" if known > others else "other" if others > known else ""


def _no_reason(parts: Sequence[str], read: Sequence[Sequence[Word]], asked: Sequence[Word]) -> float:
    """A clause that is given as reason or as outcome, and has to do with nothing else that is said."""
    count = 0
    for at, part in enumerate(parts):
        for match in _BECAUSE.finditer(part):
            halves = (
                (match["first"], part[match.end() :])
                if match["first"]
                else (part[: match.start()], part[match.end() :])
            )
            one, two = (content(words(half)) for half in halves)
            rest = [*asked, *(word for other in read[:at] for word in content(other))]
            count += any(
                len(mine) >= 2 and not _pointed(half) and not _met(mine, [*rest, *other])
                for half, mine, other in ((halves[0], one, two), (halves[1], two, one))
            )
    return float(min(2.0, count))


def _pointed(half: str) -> bool:
    """A clause speaks of what was given."""
    told = words(half)
    return told[0].low in ("the", "your", "some", "of") or any(word.low in _GIVEN for word in told) or orders(half)


def _met(matter: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether a word comes near one of the others."""
    known = frozenset(word.stem for word in others)
    return any(nearest(word.stem, known) >= 0.7 or 2 * closest(word.stem, known) >= 0.6 for word in matter)


def _refers_ahead(text: str) -> float:
    """A step rests on one that comes later."""
    for match in _NUMBER.finditer(text):
        if any(int(other) > int(match[1]) for other in _AHEAD.findall(match[2])):
            return 1.0
    return 0.0


def _backwards(parts: Sequence[str], whole: str) -> float:
    """Steps that speak of what came before them as if it were past or still to come."""
    return float(min(3, sum(len(_BACKWARDS.findall(part)) for part in parts))) if _STEPS.search(whole) else 0.0


def _taken_back(read: Sequence[Sequence[Word]], asked: Sequence[Word]) -> float:
    """What is denied or forbidden in one sentence is said or done in another, and no case is made of it."""
    known = {word.stem for word in asked}
    lows = [{word.low for word in one} for one in read]
    most = 0
    for at, one in enumerate(read):
        denied = {
            after.stem
            for place, word in enumerate(one)
            if word.low in _DENIES and not {near.low for near in one[max(0, place - 6) : place + 5]} & _CASES
            for after in one[place + 1 : place + 4]
            if after.low not in STOP
        }
        for place, other in enumerate(read):
            if place != at and denied and not lows[place] & (NEGATORS | _HELD):
                most = max(most, len(denied & {word.stem for word in content(other)} - known))
    return float(min(2, most))


def _half_denied(parts: Sequence[str], read: Sequence[Sequence[Word]]) -> float:
    """A reason and what follows from it speak of the same thing, and one of them denies it."""
    count = 0
    for part, one in zip(parts, read, strict=True):
        if (match := _REASON.search(part)) is None:
            continue
        before = [word for word in one if word.start < match.start()]
        after = [word for word in one if word.start >= match.end()]
        shared = {word.stem for word in content(before)} & {word.stem for word in content(after)}
        no = [bool(NEGATORS & {word.low for word in side}) for side in (before, after)]
        count += bool(shared) and no[0] != no[1]
    return float(min(2, count))


def _handed_on(read: Sequence[Sequence[Word]], asked: Sequence[Word]) -> float:
    """How often a sentence begins with a word that the one before ended with, where others would say it: such texts
    go in circles, or from one thing to the next."""
    known = {word.stem for word in asked}
    count = 0
    for one, other in pairwise(read):
        before, after = content(one), content(other)
        count += (
            len(before) > 2
            and bool(after)
            and after[0].stem in {word.stem for word in before[-3:]} - known
            and not _TO_YOU & {word.low for word in other}
        )
    return float(min(2, count))


def _so_against(parts: Sequence[str], read: Sequence[Sequence[Word]]) -> float:
    """A conclusion that says the opposite of what it was drawn from: `goes stale fastest, so it stays fresh longest`."""
    found = 0.0
    for at, part in enumerate(parts):
        match = _SO.search(part) or _SINCE.match(part)
        if match is None:
            continue
        after = [word for word in read[at] if word.start >= match.end()]
        before = [word for one in read[max(0, at - 3) : at] for word in one]
        before += [word for word in read[at] if word.start < match.end()]
        if {word.low for word in after} & _HELD:
            continue
        mine, theirs = _degrees(after), _degrees(before)
        faced = any(_face(x, y) for x in mine if x not in theirs for y in theirs if y not in mine)
        shared = len(mine & theirs)
        no = [bool({word.low for word in side} & NEGATORS) for side in (before[-14:], after)]
        found = max(found, float(faced and not no[1]) + 0.5 * (shared >= 2 and no[0] != no[1]))
    return min(1.0, found)


def _face(one: str, other: str) -> bool:
    return {one, other} == _MORE_LESS or opposite(one, other)


def _degrees(told: Sequence[Word]) -> set[str]:
    """The matter of some words, with `longest` and `longer` as `long`."""
    return {_plain_degree(word) for word in told if word.low not in STOP or word.low in _MORE_LESS}


def _plain_degree(word: Word) -> str:
    for tail in ("est", "er"):
        if word.low.endswith(tail) and len(word.low) > len(tail) + 2:
            root = word.low[: -len(tail)]
            doubled = root[:-1] if root[-1] == root[-2] else ""
            for one in (root, f"{root}e", doubled, f"{root[:-1]}y" if root[-1] == "i" else ""):
                if one and "a" in entry(stem(one)).speech:
                    return stem(one)
    return word.stem


def _denied_flatly(read: Sequence[Sequence[Word]]) -> float:
    """Two sentences are of the same matter, without any condition or contrast, and only one of them denies it."""
    sides = []
    for one in read[:12]:
        lows = {word.low for word in one}
        if not lows & (_HELD | _OTHER_CASE):
            flat = bool(lows & NEGATORS - _OF_OBJECTS) and not lows & _PERHAPS
            stems = {word.stem for word in content(one) if not word.low[0].isdigit()}
            sides.append((bool(lows & NEGATORS), flat, stems))
    for (denies, flat, mine), (other_denies, other_flat, theirs) in combinations(sides, 2):
        shared = len(mine & theirs)
        if denies != other_denies and (flat or other_flat) and shared >= max(2, 0.4 * min(len(mine), len(theirs))):
            return 1.0
    return 0.0
