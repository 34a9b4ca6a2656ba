"""Does the answer speak to every part of the question, and does it come to its end?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from homeostat.analyze.scorers.case import Case, Rung, Scored, judged
from homeostat.analyze.scorers.ending import cut_off
from homeostat.analyze.scorers.owed import broken_promise, short_of_count, side_missing
from homeostat.analyze.scorers.question import BY, TWO_SIDES, answers, covered, parts, read
from homeostat.analyze.scorers.served import left, served, unconverted, unspecific, untold, vague
from homeostat.analyze.scorers.wanted import aim, meets, ordered
from homeostat.analyze.scorers.weights import SILENT, model, silent
from homeostat.analyze.text.lexicon import fields, nearest
from homeostat.analyze.text.quantities import quantities
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.thesaurus import closest, entry
from homeostat.analyze.text.words import Word, bounded, content, plain, words

# What is asked so is answered by a number, a price, a date: to name the matter again answers nothing.
_TOLD_BY_FORM: Final = ("price", "count", "span", "when")
# So many words a part, and an answer may be a row of short pieces that name nothing of the question.
_TERSE: Final = 4
# Of a long document nobody expects the whole.
_PASSAGE: Final = 600
_ALL: Final = re.compile(
    r"\b(?:both|all (?:three|four|of|apply)|neither(?! of (?:you|us))|none of|respectively|the (?:first|second)(?= (?:one|is|was|has|does|costs?|will)\b|[,;.:])|the latter|the former|each(?= (?:is|are|has|have|costs?|takes?|needs?|will|can|gets?|one|comes?)\b|[,;.:!]|$)|first two)\b",
    re.IGNORECASE,
)
# What speaks of all parts at once does so early; later it speaks of something else.
_EARLY: Final = 80
# So much of a part's matter is told by a thing of the kind that it wants.
_BY_KIND: Final = 0.4
_TWO: Final = re.compile(r"\b(?:two|both|compare|difference)\b", re.IGNORECASE)
_EXPLAIN: Final = re.compile(r"\bexplain\b", re.IGNORECASE)
_CODE: Final = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_WHICH_ONE: Final = re.compile(
    r"\bwhich (?:one |of \w+ )?(?:is|are|would be|should|do you|suits?)\b.*(?:\bbe(?:tter|st)\b|\b(?:choose|take|pick|buy|get|recommend|suit|prefer)\b)|\bwhat (?:do|would) you recommend\b",
    re.IGNORECASE,
)
_CHOOSES: Final = re.compile(
    r"\b(?:better|best|rather|depends?|go (?:with|for)|take|pick|choose|prefer\w*|either|neither|suits?|worth|recommend\w*|if you|for you|for (?:\w+ ){0,3}?(?:is|the|go)|so|stick|should)\b|^\W*the \w+\W*$",
    re.IGNORECASE,
)
_ASKED_BY: Final = re.compile(
    r"\b(?:how|what|when|where|who\w*|why|which|whether|if|time|date|number|ask|say|tell|name)\b", re.IGNORECASE
)
# Things in a row: `the symptoms, causes and treatment`.
_LIST: Final = re.compile(r",? and |, |,? & ", re.IGNORECASE)
#: So much of a question is read, its beginning and its end: rows of things are looked for from every word on.
_ASKED: Final = 4_000
_ROW: Final = re.compile(
    r"(?:'[\w -]+', )*'[\w -]+',? and '[\w -]+'|(?:(?:the |a |an |my |its )?[\w'-]+, )*(?:the |a |an |my |its )?[\w'-]+,? (?:and|&) (?:the |a |an |my |its )?[\w'-]+(?: [\w'-]+)?",
    re.IGNORECASE,
)
_ASIDE: Final = re.compile(
    r"\b(?:which|that|so that|who) (?:is|are|was|were|will|can|it)\b|\bplease\b|, and (?:the whole|everyone)", re.I
)
# Who asks so wants to be told what to do.
_ACTS: Final = re.compile(
    r"\bhow (?:do|can|should|could|would|must|does) (?:i|we|you|one)\b(?! (?:say|spell|pronounce|call|know|translate)\b)|\bhow to\b|\bwhat (?:can|should|could|must|do|shall) (?:i|we|one) do\b|\bsteps\b",
    re.IGNORECASE,
)
_WHAT_TO_DO: Final = re.compile(
    r"\bwhat (?:can|should|could|must|do|shall) (?:i|we|one) do\b|\bwhat to do\b", re.IGNORECASE
)
_DOES: Final = re.compile(
    r"\b(?:you|we) (?:can|should|must|need to|have to|just|simply|first) \w+|`|>|→|\b(?:by|try|start|before|without) \w+ing\b|\w\(",
    re.IGNORECASE,
)
_POLITE: Final = re.compile(
    r"\b(?:thank you|thanks|great question|good question|interesting question|happy to|glad\w*|delighted|pleased to|pleasure|of course|certainly|congratulations|welcome|we (?:truly |really )?(?:hope|appreciate|value|understand)|"
    r"feel free|hesitate|let (?:me|us) know|comes first|matters? to us|important to us|(?:very|extremely) seriously|all we can|great care|best wishes|we're here|i'm here|right place|your (?:interest|patience|question|message|enquiry|inquiry|request)|sorry|apologi[sz]e|look forward|any (?:other|further) questions)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Completeness:
    """The parts of the question against the answer, what was promised or asked for by number, and whether the text is cut off.

    >>> Completeness().score(Case("You need eggs, flour and", input="What do I need?")).label
    'bad'
    """

    name: ClassVar[str] = "completeness"
    dimension: ClassVar[str] = "completeness"
    rung: ClassVar[Rung] = "model"
    threshold: float = 0.5

    def score(self, case: Case) -> Scored:
        """How probable it is that nothing is missing."""
        if silent(case):
            return judged(0.0, SILENT)
        case = replace(case, input=bounded(case.input, _ASKED))
        found = features(case)
        value, bare = model(self.name).value(found), model(self.name).value({**found, "left_out": 0.0})
        # Who asked one thing may not want the rest of the passage: what was left out of it lowers the value, and no more.
        value = (1 + value) / 2 if bare >= self.threshold else value
        return judged(value, _reason(case, found, value))


def unanswered(question: str, text: str) -> list[str]:
    """The parts of a question that nothing in the text answers."""
    asked = parts(plain(question))
    if len(asked) < 2 or _of_all(question, text):
        return []
    missing = []
    told = content(words(text))
    pieces = [piece for sentence in sentences(text) for piece in clauses(sentence)]
    topics = {name for word in told for name in fields(word.stem)}
    whole = read(question)
    for part in asked:
        one = read(part)
        kind = one.kind if one.kind != "open" else "open"
        held = meets(aim(part), question, text, part)
        if held is None:
            fits = answers(kind, whole, text) if kind not in ("open", "choice", "make") else None
        else:
            fits = held
        near = covered(one.matter, told)
        mine = {name for word in one.matter for name in fields(word.stem)}
        if (fits is False and near < 0.75) or (
            fits is None and near < 0.34 and not (mine & topics) and len(pieces) <= len(asked)
        ):
            missing.append(part)
    return missing


def _of_all(question: str, text: str) -> bool:
    """The answer speaks of all parts at once; of two things that the question has anyway, `both` says nothing."""
    return any(match.start() < _EARLY for match in _ALL.finditer(text)) and not _TWO.search(question)


def _near(stem: str, told: frozenset[str]) -> float:
    """How far something told can stand for a word, or comes near it."""
    near = nearest(stem, told)
    return near if near >= 0.8 else max(near, min(0.8, 2 * closest(stem, told)))


def features(case: Case) -> Mapping[str, float]:
    """What the model looks at."""
    text = bounded(plain(case.output))
    question = plain(case.input)
    asked = parts(question) if question.strip() else ("",)
    missing = unanswered(question, text) if question.strip() else []
    told = content(words(text))
    units = sum(len(re.split(r"[;,]\s", piece)) for sentence in sentences(text) for piece in clauses(sentence))
    units = max(units, sum(bool(piece.strip()) for piece in re.split(r"[;,]\s", text)))
    side = side_missing(question, text)
    facts = len(sentences(text)) + text.count(";") + len(re.findall(r",? (?:and|but|while|whereas) ", text))
    cut = cut_off(text)
    things = [_there(part, question, text) for part in asked if part]
    # What is told by its kind need not be named again.
    cover = [
        max(covered(read(part).matter, told), _BY_KIND * (held is True))
        for part, held in zip(filter(None, asked), things, strict=True)
    ]
    # `B42, on schedule.`: as many short pieces as parts answer one each.
    terse = len(asked) > 1 and len(words(text)) <= _TERSE * len(asked) and units >= len(asked) and _short_pieces(text)
    passed_over = _passed_over(asked, told)
    missing = [] if terse else missing
    there = sentences(text)
    polite = sum(bool(_POLITE.search(one)) for one in there) / max(1, len(there))
    acts = any(_ACTS.search(part) for part in asked)
    deeds = ordered(text) if acts else 1.0
    no_deed = float(not deeds and not _DOES.search(text) and not answers("howto", read(question), text))
    return {
        "cut": float(cut == 1.0),
        "cut_maybe": float(cut == 0.5),
        "missing": len(missing) / max(1, len(asked)),
        "facts_few": float(len(asked) > 1 and facts < len(asked) and not terse),
        "one_sentence_many_parts": float(
            len(asked) > 1 and len(sentences(text)) == 1 and ";" not in text and units < len(asked) + 1 and not terse
        ),
        "count_short": short_of_count(question, text),
        "side_missing": side,
        "passed_over": passed_over,
        "one_sided": float(len(cover) > 1 and max(cover) >= 0.5 and min(cover) < 0.2 and bool(missing)),
        "both": float(_of_all(question, text)),
        "aside": float(len(asked) > 1 and bool(_ASIDE.search(text))),
        "terse": float(terse),
        "wordy_one_sided": float(
            len(asked) > 1
            and len(words(text)) > 8 * len(asked)
            and len(cover) > 1
            and max(cover) >= 0.4
            and min(cover) < 0.25
        ),
        "things_missing": sum(one is False for one in things) / max(1, len(asked)) if len(asked) > 1 else 0.0,
        "thing_missing": float(len(asked) > 1 and any(one is False for one in things)),
        "unnamed": float(
            not terse
            and not _of_all(question, text)
            and _unnamed(question, text, frozenset(word.stem for word in told))
        ),
        "polite": polite,
        "no_deed": no_deed * (len(asked) == 1),
        "few_deeds": (1 - deeds) * (len(asked) == 1 and len(there) > 2),
        "promise": broken_promise(text),
        "left_out": _left_out(case, text),
        "kinds": _kinds_missing(question, asked, text),
        **(served(asked, question, text) if not terse and not _of_all(question, text) else {}),
        "left": left(question, text) * (not _of_all(question, text)),
        "unconverted": unconverted(question, text),
        "untold": untold(question, text),
        "vague": vague(text),
        "vague_alone": vague(text) * (len(asked) == 1),
        "unspecific": unspecific(text) * (len(asked) == 1) * min(1.0, len(words(text)) / 40),
    }


def _passed_over(asked: Sequence[str], told: Sequence[Word]) -> float:
    """Of several things that were named the answer takes up one by its name, and comes near none of the words of another."""
    parts_ = [read(part) for part in asked if part]
    stems = [{word.stem for word in part.matter} for part in parts_]
    known = frozenset(word.stem for word in told)
    near = []
    for at, part in enumerate(parts_):
        own = stems[at].difference(*stems[:at], *stems[at + 1 :])
        if own and part.kind not in _TOLD_BY_FORM:
            near.append(max(_near(stem, known) for stem in own))
    return float(len(near) > 1 and max(near) >= 0.8 and min(near) < 0.3)


def _left_out(case: Case, text: str) -> float:
    """How much of the short passage that question and answer speak of is not in the answer: who is told a half does not
    know of the other.
    """
    stems = frozenset(word.stem for word in content(words(text)))
    spoken = stems | {word.stem for word in content(words(bounded(plain(case.input), 2000)))}
    passages = [plain(document) for document in case.documents[:20] if len(document) <= _PASSAGE]
    if not stems or not passages:
        return 0.0
    most, passage = max((_said_of(passage, spoken), passage) for passage in passages)
    parts = [part for sentence in sentences(passage) for part in clauses(sentence)]
    missing = [1.0 - _held(part, stems) for part in parts]
    return 0.0 if most < 0.1 else sum(missing) / len(missing)


def _said_of(passage: str, spoken: frozenset[str]) -> float:
    """Which part of a passage's words was spoken, to the letter: enough to tell which passage it was about."""
    matter = content(words(passage))
    return sum(word.stem in spoken for word in matter) / len(matter) if matter else 0.0


def _held(passage: str, stems: frozenset[str]) -> float:
    matter = content(words(passage))
    return sum(nearest(word.stem, stems) >= 0.7 for word in matter) / len(matter) if matter else 1.0


def _short_pieces(text: str) -> bool:
    """No piece tells a story of its own."""
    return all(
        len(words(piece)) <= 6 for sentence in sentences(text) for piece in re.split(r"[;,:]\s|\sand\s", sentence)
    )


def _kinds_missing(question: str, asked: tuple[str, ...], text: str) -> float:
    """Parts that want a number or a date, against the numbers and dates that are there."""
    kinds = [read(part).kind for part in asked if part]
    wanted = sum(kind in ("price", "count", "span", "when") for kind in kinds)
    old = {quantity.value for quantity in quantities(question)}
    given = sum(quantity.value not in old for quantity in quantities(text))
    return float(wanted > 1 and given < wanted)


def _there(part: str, question: str, text: str) -> bool | None:
    """Whether the kind of thing that a part wants is told; what to do is told by who tells it."""
    if _WHAT_TO_DO.search(part):
        return bool(ordered(text) or _DOES.search(text) or answers("howto", read(question), text))
    if _EXPLAIN.search(part) and _CODE.search(text) and len(words(_CODE.sub("", text))) < _TERSE:
        return False
    if _WHICH_ONE.search(part):
        return bool(_CHOOSES.search(text))
    return meets(aim(part), question, text, part)


def _unnamed(question: str, text: str, stems: frozenset[str]) -> bool:
    """`The red and the blue cable`: of what was named in one breath the answer takes up some, and leaves others unsaid."""
    rows = [_LIST.split(row) for row in _ROW.findall(question)]
    if TWO_SIDES.search(question) and (criteria := BY.search(question)):
        rows.append(_LIST.split(criteria[1]))
    return any(
        len(near := [_taken(item, question, text, stems) for item in row]) > 1 and max(near) >= 0.8 and min(near) < 0.3
        for row in rows
    )


def _taken(item: str, question: str, text: str, stems: frozenset[str]) -> float:
    """How near an answer comes to a thing that was named; what is asked by its kind, or is to be done, has other signs."""
    if quoted := re.fullmatch(r"(?:\w+ )*['\"]([\w -]+)['\"]", item.strip()):
        return float(quoted[1].lower() in text.lower())
    named = content(words(item))
    held = meets(aim(item.strip(" ?.")), question, text)
    if held is not None:
        return float(held)
    if not named or _ASKED_BY.search(item) or entry(named[0].stem).speech[:1] == "v":
        return 0.5
    return _near(named[0].stem, stems)


def _reason(case: Case, found: Mapping[str, float], value: float) -> str:
    if value >= 0.5:
        return "every part seems to be answered"
    if found["cut"] or found["cut_maybe"]:
        return f"stops before its end: “…{case.output.rstrip()[-40:]}”"
    if found["count_short"] or found["promise"]:
        return "fewer items than asked for or announced"
    missing = unanswered(plain(case.input), bounded(plain(case.output)))
    return "not answered: " + "; ".join(missing[:3])[:200] if missing else "says less than was asked for"


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "cut": -4, "cut_maybe": -2, "missing": -1, "facts_few": -0.8, "one_sentence_many_parts": -0.5,
    "count_short": -2, "side_missing": -3, "one_sided": -0.5, "passed_over": -1, "both": 1.0, "aside": -0.5, "promise": -2, "terse": 0.8, "wordy_one_sided": -0.8, "unnamed": -1, "things_missing": -1.5, "thing_missing": -1.2, "polite": -1.5, "no_deed": -2, "few_deeds": -0.7, "kinds": -1, "left_out": -1.5,
    "unserved": -1, "far_part": -0.7, "last_unsaid": -0.7, "polar_open": -1, "left": -2, "unconverted": -1.5, "untold": -1.5, "vague": -1, "vague_alone": -1.5, "unspecific": -0.7,
}  # fmt: skip
