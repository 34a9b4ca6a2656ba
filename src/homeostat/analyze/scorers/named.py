"""Whether a text names somebody, or a place, that the question did not name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from homeostat.analyze.scorers.form import PEOPLE
from homeostat.analyze.scorers.told import DAY
from homeostat.analyze.text.quantities import quantities
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, Word, stem, words

#: Behind these a capital begins the name of a place or of a time.
_BEFORE_PLACE: Final = frozenset(["in", "at", "from", "to", "near", "on", "into", "through", "around", "since", "of", "between", "across", "for", "until"])  # fmt: skip
_SOMEBODY: Final = re.compile(
    r"\b(?:both|nobody|everyone|everybody|anyone|anybody|mr|mrs|ms|dr|team|office|department|company|staff|police|council|authority|agency|bank|landlord|owner|desk|reception|hotline|service|porter|caretaker|management|teacher|manager|board|us|me)\b|^(?:\W*\w+){0,2}\W*(?:i|we|you)\b(?:\W*\w+){0,3}\W*$",
    re.IGNORECASE,
)
_WE: Final = re.compile(r"(?:^|[.;:!?]) *(?:we|i|you)(?:'ll| will| do| can)? (\w+)", re.IGNORECASE)
_ANYBODY: Final = frozenset(["person", "someon"])
_AGENT: Final = re.compile(r"(?:er|or|ist|ian|ant|ent|man|men|woman|women|ee|ess|people)s?$")


def names_somebody(question: str, text: str, part: str) -> bool:
    """A name that is no place's and no month's, a person by what they do, or an office."""
    known = {word.stem for word in words(question)}
    seen = words(text)
    for at, word in enumerate(seen):
        if word.stem in known or word.low in STOP:
            continue
        about = entry(word.stem)
        before = seen[at - 1].low if at else ""
        sort = about.explained & PEOPLE if about.speech.startswith("n") else frozenset()
        if before in ("most", "many", "some", "other", "all"):
            continue
        if (
            sort
            and (sort - _ANYBODY or _AGENT.search(word.low) or (word.low.endswith("s") and about.speech == "n"))
            and not quantities(before)
        ):
            return True
        begins = at == 0 or bool(re.search(r"[.!?:;\n|*\"-]\s*$", text[max(0, word.start - 4) : word.start]))
        if (
            word.big
            and before not in _BEFORE_PLACE
            and not (at > 1 and seen[at - 2].low in _BEFORE_PLACE and not seen[at - 1].big)
            and not DAY.match(word.low)
            and not _qualifies(text, seen, at)
            and (
                not begins
                or not about.speech
                or (len(seen) <= 3 and not quantities(text))
                or (at + 1 < len(seen) and seen[at + 1].big)
            )
        ):
            return True
    # `We pay the postage`, to who asked who pays it.
    own = {word.stem for word in words(part)}
    if any(match[1].lower() not in STOP and stem(match[1].lower()) in own for match in _WE.finditer(text)):
        return True
    return any(stem(match[0].lower()) not in known for match in _SOMEBODY.finditer(text))


_AT_PLACE: Final = re.compile(
    r"\b(?:in|at|on|near|opposite|behind|beside|next to|between|above|below|under|outside|inside|to|from|via|across|along|through|into|past|around|down|up|of)\s+"
    r"(?P<its>the |your |our |its |his |her |their |a |an |any |each |every |this |that |all |both |most |some )?(?P<what>[^\W\d_][\w'-]*)(?P<more> [^\W\d_][\w'-]*)?",
    re.IGNORECASE,
)
_THERE: Final = re.compile(
    r"\b(?:here|there's|upstairs|downstairs|online|nowhere|everywhere|anywhere|abroad|left|right|floor|street|road|corner|entrance|desk|counter|office|shop|station|website|app|reception|building|garage|car park|on (?:its|their|his|her|the|my|our) way|in transit|minutes? (?:on foot|walk|away|from)|(?:north|south|east|west) of)\b|\S@\w|\bwww\.|https?:",
    re.IGNORECASE,
)
_NO_PLACE: Final = frozenset((
    "world", "time", "times", "morning", "evening", "afternoon", "night", "day", "days", "week", "month", "year", "years", "way", "case", "fact", "future", "past", "end",
    "beginning", "minute", "minutes", "hour", "hours", "moment", "average", "total", "general", "foot", "request", "weekdays", "weekends",
))  # fmt: skip


def names_place(question: str, text: str) -> bool:
    """Somewhere that the question did not name: a name or a thing behind a word of place."""
    known = {word.stem for word in words(question)}
    if any(stem(match[0].lower()) not in known for match in _THERE.finditer(text)):
        return True
    if len(words(text)) <= 4 and not quantities(text) and not DAY.search(text):
        return any(word.big and word.low not in STOP and word.stem not in known for word in words(text))
    # `Ada Krol, 1987, Gdansk`: a row of names.
    row = [piece.split() for piece in re.split(r"[,;:.]\s*", text) if piece.strip()]
    if sum(len(piece) <= 3 and piece[0][0].isupper() and stem(piece[0].lower()) not in known for piece in row) >= 2:
        return True
    for match in _AT_PLACE.finditer(text):
        what = match["what"]
        low = what.lower()
        if stem(low) in known or low in _NO_PLACE or low in STOP or DAY.match(what) or quantities(what):
            continue
        if what[0].isupper() or (
            match["its"] and match[0][:2].lower() not in ("of", "to") and "n" in entry(stem(low)).speech
        ):
            return True
        behind = (match["more"] or "").strip()
        if match["its"] and behind and stem(behind.lower()) not in known and behind[0].isupper():
            return True
    return False


def _qualifies(text: str, seen: Sequence[Word], at: int) -> bool:
    """Says only what another word is like: `a Swiss firm`."""
    if at + 1 >= len(seen) or "a" not in entry(seen[at].stem).speech:
        return False
    behind = seen[at + 1]
    return not behind.big and behind.low not in STOP and text[seen[at].start : behind.start].endswith(" ")
