"""Does the answer answer this question, and not another one about the same things?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from homeostat.analyze.metrics.language import language, surely_english
from homeostat.analyze.scorers.beside import beside
from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.scorers.forest import forest
from homeostat.analyze.scorers.form import suits
from homeostat.analyze.scorers.question import Question, answers, covered, read
from homeostat.analyze.scorers.wanted import aims, meets, ordered
from homeostat.analyze.scorers.weights import model
from homeostat.analyze.text.lexicon import fields, nearest
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.thesaurus import entry, nearness
from homeostat.analyze.text.words import STOP, Word, bounded, content, plain, words

_TALK: Final = re.compile(
    r"\bthank you for\b|\bgreat question\b|\bwe hope\b|\bi(?:'d| would) be happy\b|\bhow (?:may|can) i help\b|\bplease feel free\b|\bspeaking of\b|\bi love\b|\bhave a (?:nice|great)\b|\bour team\b|\bwelcome to\b",
    re.IGNORECASE,
)
# The text tells what something is, or that it is liked, when nobody asked for that.
_ABOUT: Final = re.compile(
    r"\b(?:is|are|was|were) (?:an? |one of |the )?(?:popular|known|famous|large|great|important|available|common|used|considered|made|produced|invented|created|developed|founded|published|sold|stored|located|called|"
    r"type|kind|form|unit|country|device|dish|language|animal|organisation|company|process|method|way|book|place|food|plant|software|tool|both)\w*\b|\bmany (?:people|\w+s)\b|\bhas (?:a |an )?(?:\w+ )?(?:history|many|\d+)\b",
    re.IGNORECASE,
)
# A lexicon's beginning: `A report is a document that …`.
_DEFINES: Final = re.compile(
    r"\W*(?:(?:an?|the) )?(?:[\w'-]+ ){1,3}(?:is|are) (?:(?:an?|the|one of the) )?(?:[\w'-]+ ){1,3}(?:that|which|who|of|between|for|from|used|where|in|by|with|to)\b",
    re.IGNORECASE,
)
# How answers of one kind begin, and answers of others never do.
_SAYS_YES: Final = re.compile(
    r"\W*(?:yes|no|yeah|nope|yep|ja|nein|sí|oui|non)\b(?! one| need| matter)|[^.!?,]{0,25}, (?:yes|no)\b", re.IGNORECASE
)
_SAYS_WHY: Final = re.compile(r"\W*(?:because|since|due to|weil|porque|parce)\b", re.IGNORECASE)
_ORDERS: Final = re.compile(
    r"\W*(?:first,? |then |just |simply |please )?(?:open|go to|choose|press|click|tap|use|take|mix|add|run|type|select|hold|put|cut|cover|cool|blot|try|set|turn|keep|avoid|bring|fill|scan|enter|install|drag|heat|boil|bake|whisk|stir|knead|place|remove|pull|push|connect|restart|apply|buy|wear|pack|update|delete|create|read|eat|drink|wait|loosen|rinse|wash|pour|peel|plug|switch|move|change|write)\b",
    re.IGNORECASE,
)
_REFERS: Final = re.compile(
    r"\W*(?:it|it's|she|he|they|they're|that|that's|this|there|yes|no|not|done|only|around|about|roughly|typically|usually|mostly|because|by|at|in|on|if|sure|sorry|unfortunately|you|we|you'd|better|try|use|next|between|er|sie|es|ja|nein|oft|elle|il|sí|son)\b",
    re.IGNORECASE,
)
_CHANGES: Final = re.compile(
    r"\bmake (?:this|it|that|the) [\w ]{0,30}?(?:\w+(?:er|ly)\b|more|less|sound)|\b(?:reword|rephrase|rewrite|shorten|summari[sz]e|translate|correct|proofread|simplify|convert|polite(?:ly|r)?|improve|edit|turn (?:this|it) into)\b",
    re.IGNORECASE,
)
_POINTS: Final = re.compile(r"\W*(?:it|they|he|she|that|this|there|we|you)\b", re.IGNORECASE)
_CONTRASTS: Final = frozenset(["difference", "differences", "different", "differ", "compare", "versus", "vs"])
_PROGRAM: Final = re.compile(r"```|^\s*(?:def|class|function|SELECT|const|let|public|fn|func) ", re.MULTILINE)
_FAR: Final = 0.16
#: How much the trees say beside the line.
_TREES: Final = 0.4
_NO_THING: Final = ("yesno", "choice", "why", "contrast", "meaning", "make")
# Wants a word, and no deed.
_SAYS_HOW: Final = re.compile(
    r"\bhow (?:do|can|should|would|did|does) (?:\w+ )?(?:say|spell|pronounce|call|know|translate|go|work|feel)\b",
    re.IGNORECASE,
)
_WHAT_TO_DO: Final = re.compile(
    r"\bwhat (?:can|should|could|must|do|shall) (?:i|we|one) do\b|\bhow to\b", re.IGNORECASE
)
#: Stand for the thing that was spoken of.
_STANDS: Final = frozenset(["it", "its", "they", "their", "both", "most", "many"])
_WHY_SO: Final = re.compile(
    r"\b(?:because|since|due to|owing to|thanks to|so that|that's why|reason|if|unless|except|but|not|n't|no|only|yes|already|still)\b|n't\b",
    re.IGNORECASE,
)
_WRONG: Final = re.compile(
    r"\bwhat(?:'s| is| was| went| might be)? (?:wrong|the (?:matter|problem|trouble))\b|\bwhat happened\b",
    re.IGNORECASE,
)
_CAUSE: Final = re.compile(
    r"\b(?:because|since|due to|so that|as a result|owing to|thanks to|reason|means that|therefore|in order to|to (?:keep|avoid|make|prevent|protect)|caus\w+|makes?|lead\w*|comes? from|from the|results?|most likely|probably|likely|maybe|perhaps|might|"
    r"too|not enough|lack\w*|missing|without|worn|broken|blocked|stuck|faulty?|blame|suspect|points to|that's|that is|it's (?:an?|the)|hence|so|if|when|while|after|which|covers?|doesn't|don't|didn't|isn't|hasn't|wasn't|never|no longer|expired|full|empty|weil|porque|parce|wegen)\b",
    re.IGNORECASE,
)
_MEASURES: Final = re.compile(
    r"\b(?:than|while|whereas|unlike|both|neither|either|but|latter|former|respectively|the (?:first|second|other|one)|opposite|instead|same|difference|differs?|not|cannot|\w+er one)\b|n't\b",
    re.IGNORECASE,
)
_ASKS_ABOUT: Final = re.compile(
    r"\b(?:what (?:is|are|does|was)|what's|explain|tell me|describe|define|who (?:is|was))\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Relevance:
    """The kind of answer that the question wants (a price, a person, a reason, steps …), its focus, and its topic.

    >>> Relevance().score(Case("At nine in the morning.", input="When does the shop open?")).label
    'good'
    """

    name: ClassVar[str] = "relevance"
    dimension: ClassVar[str] = "relevance"
    rung: ClassVar[Rung] = "model"
    threshold: float = 0.5

    def score(self, case: Case) -> Scored | Unscored:
        """How probable it is that the answer answers the question."""
        if not case.input.strip():
            return Unscored("no question to compare with")
        if not words(bounded(plain(case.output))):
            return judged(0.0, "the answer is empty")
        found = features(case)
        value = _weighed(found)
        if found["other_language"]:
            value *= 0.3
        return judged(value, _reason(found, read(plain(case.input)).kind, value))


def _weighed(found: Mapping[str, float]) -> float:
    """What a line says, and a little of what trees say: they know which signs matter only together."""
    line = min(0.9999, max(0.0001, model("relevance").value(found)))
    share = min(0.98, max(0.02, forest("relevance").share(found)))
    odds = (1 - _TREES) * math.log(line / (1 - line)) + 2 * _TREES * math.log(share / (1 - share))
    return 1 / (1 + math.exp(-odds))


def features(case: Case) -> Mapping[str, float]:
    """What the model looks at."""
    asked, text = read(plain(case.input)), bounded(plain(case.output))
    told = content(words(text))
    first = content(words(sentences(text)[0])) if sentences(text) else told
    fits = answers(asked.kind, asked, text)
    suited = suits(asked.kind, asked.text, text)
    if (fits is False or suited is False) and not _english(asked.text, text):
        # In other languages a form that is not known is no wrong one.
        fits, suited = fits or None, suited or None
    thing = aims(asked.text) if asked.kind not in _NO_THING else ""
    held = meets(thing, asked.text, text)
    if held is not None:
        fits = held
    if held is False and not _english(asked.text, text):
        held = fits = None
    focus = asked.matter[:1]
    wanted = frozenset(word.stem for word in asked.matter)
    new = [word for word in told if nearest(word.stem, wanted) < 0.7]
    topic = {name for word in asked.matter for name in fields(word.stem)}
    theirs = [fields(word.stem) for word in new if fields(word.stem)]
    echo = [word for word in told if word.stem in wanted]
    # Who asks for a text to be changed wants its words back.
    copies = bool(_CHANGES.search(case.input[:200])) and len(asked.matter) >= 5
    # So does who answers in a full sentence: what was asked, and the thing that was wanted.
    shared = covered([word for word in asked.matter if asked.kind != "contrast" or word.low not in _CONTRASTS], told)
    full = (
        copies
        # Yes or no, and then the question said again: nothing answers more plainly.
        or (asked.kind == "yesno" and bool(_SAYS_YES.match(text) or (_POINTS.match(text) and shared >= 0.5)))
        # A program that was asked for has the names that were asked for.
        or (asked.kind == "make" and bool(_PROGRAM.search(text)))
        or (fits is True and asked.kind not in ("howto", "yesno", "meaning", "choice"))
        or (shared >= 0.75 and len(new) >= 2)
    )
    points = bool(_POINTS.match(text))
    near = nearness([one.stem for one in asked.matter], [word.stem for word in told])
    lengthy = min(1.0, max(0.0, (len(told) - 3) / 6))
    # So many words can hardly answer without coming near the question; in few, to repeat it is to evade it.
    long_enough = min(1.0, max(0.0, (len(told) - 9) / 6))
    there = sentences(text)
    described = sum(_describes(one, wanted) for one in there) / max(1, len(there))
    acts = (asked.kind == "howto" and not _SAYS_HOW.search(asked.text)) or bool(_WHAT_TO_DO.search(asked.text))
    deeds = acts and (ordered(text) > 0 or any(_does(one, wanted) for one in there))
    causal = asked.kind == "why" or bool(_WRONG.search(asked.text))
    tells = (
        not acts
        and held is not True
        and (asked.kind not in ("meaning", "open", "make", "contrast") or bool(_WRONG.search(asked.text)))
    )
    # A long answer that comes near nothing of the question holds what was asked for by chance.
    here = 1.0 - long_enough * (near < _FAR)
    formal = asked.kind in ("why", "howto", "yesno", "who", "where", "meaning", "choice")
    return {
        "kind_right": (fits is True and suited is not False) * here,
        "form_right": float(suited is True),
        "form_wrong": float(suited is False),
        "kind_wrong": float(fits is False and not formal),
        "kind_formless": float(fits is False and formal),
        # A short answer may be right without a word in common; a long one that comes near nothing speaks of something else.
        "near": (near - 0.35) * lengthy if asked.matter else 0.0,
        "far": float(near < _FAR) * lengthy if asked.matter else 0.0,
        "near_long": (near - 0.35) * long_enough if asked.matter else 0.0,
        "copies": float(copies),
        "other_language": float(not copies and _other_language(plain(case.input[-600:]), text)),
        "full": float(full and shared >= 0.5),
        "kind_wrong_strict": float(fits is False and asked.kind in ("price", "count", "span", "when")),
        "topic_shared": shared,
        "focus": covered(focus, told) if focus else 0.5,
        "echo": len(echo) / max(1, len(told)) * (not full) * (1 - long_enough),
        "begins_with_topic": float(
            bool(first)
            and any(first[0].stem == one.stem for one in asked.matter)
            and not (
                full
                or (points and asked.kind == "yesno")
                or _ASKS_ABOUT.search(asked.text)
                or asked.kind in ("contrast", "choice")
            )
        )
        * (1 - long_enough),
        "new": min(1.0, len(new) / 6),
        "nothing_new": float(not new and not fits),
        "field_shared": sum(bool(names & topic) for names in theirs) / len(theirs) if theirs and topic else 0.3,
        "field_foreign": float(bool(theirs) and bool(topic) and not any(names & topic for names in theirs)),
        "brief": float(len(words(text)) <= 6 and suited is not False),
        "long": min(1.0, len(words(text)) / 60),
        "talk": float(bool(_TALK.search(text))),
        "about": float(bool(_ABOUT.search(text)) and not _ASKS_ABOUT.search(asked.text)),
        "foreign": float(_foreign(asked.kind, text)),
        "defines": float(
            not points and bool(_DEFINES.match(text)) and asked.kind != "meaning" and not _ASKS_ABOUT.search(asked.text)
        ),
        "unlinked": float(covered(asked.matter, told) < 0.1 and fits is not True and len(words(text)) > 12),
        "refers_back": float(bool(_REFERS.match(text)) and suited is not False),
        "option_named": _option_named(asked, told),
        "unlinked_any": float(covered(asked.matter, told) < 0.1),
        "direct": float(
            suited is not False
            and bool(
                re.match(
                    r"\W*(?:yes|no|because|at|in|to|by|about|between|per|try|use|it|that|they|there|you|for|most|open|ja|nein|sí|oui|son|à|a las)\b",
                    text,
                    re.IGNORECASE,
                )
            )
        ),
        "no_cause": float(causal and not _CAUSE.search(text)),
        "thing_held": (held is True) * here,
        "thing_missing": float(held is False),
        "no_bid": float(acts and not deeds and fits is not None and len(told) > 5),
        "no_contrast": float(asked.kind == "contrast" and not _contrasts(asked, text)),
        "described": described * tells * long_enough,
        "described_short": described * tells * (1 - long_enough),
        "our": float(bool(re.match(r"\W*(?:our|we) ", text, re.IGNORECASE))),
        **beside(plain(case.input), asked, text, thing, causal=causal),
    }


def _describes(sentence: str, wanted: frozenset[str]) -> bool:
    """Tells how the thing of the question is: it stands first, and nobody is told what to do."""
    told = words(sentence)
    first = next((word for word in told if word.low not in STOP or word.low in _STANDS), None)
    return first is not None and (first.stem in wanted or first.low in _STANDS) and not _WHY_SO.search(sentence)


def _does(sentence: str, wanted: frozenset[str]) -> bool:
    """Begins with the very deed of the question: `Store it …`."""
    told = words(sentence)
    return bool(told) and told[0].stem in wanted and "v" in entry(told[0].stem).speech and told[0].low == told[0].stem


def _contrasts(asked: Question, text: str) -> bool:
    """Both things are named, or one is measured by the other."""
    told = frozenset(word.low for word in content(words(text)))
    stems = frozenset(word.stem for word in content(words(text)))
    sides = [word for word in asked.matter if word.low not in _CONTRASTS]
    twins = len({word.stem for word in sides}) < len(sides)
    named = sum(word.low in told if twins else nearest(word.stem, stems) >= 0.8 for word in sides)
    return named >= 2 or bool(_MEASURES.search(text))


def _english(question: str, text: str) -> bool:
    """Not surely in another language."""
    if any(surely_english([word.low for word in words(one)]) for one in (question, text)):
        return True
    code, sure = language(f"{question} {text[:600]}")
    return code == "en" or sure < 0.8


def _foreign(kind: str, text: str) -> bool:
    """The answer is plainly one to a question of another kind."""
    if kind in ("open", "make", "choice"):
        return False
    told = words(text)
    short = len(told) <= 6 and any(map(str.isdigit, text))
    return (
        (kind != "yesno" and bool(_SAYS_YES.match(text)))
        or (kind not in ("why", "yesno") and bool(_SAYS_WHY.match(text)))
        or (kind in ("who", "when", "count", "price", "span", "meaning", "where") and bool(_ORDERS.match(text)))
        or (kind in ("why", "howto", "who", "where", "meaning", "contrast") and short)
    )


def _other_language(question: str, text: str) -> bool:
    """The answer is surely in another language than the question."""
    if min(len(words(question)), len(words(text))) < 5:
        return False
    if all(surely_english([word.low for word in words(one)]) for one in (question, text)):
        return False
    (asked, sure), (told, too) = language(question), language(text[:600])
    return asked != told and min(sure, too) > 0.8


def _option_named(asked: Question, told: list[Word]) -> float:
    """`X or Y?` and the answer names one of the two."""
    low = [word.low for word in words(asked.text)]
    if "or" not in low:
        return 0.0
    at = low.index("or")
    near = {word.stem for word in words(asked.text)[max(0, at - 2) : at + 4] if word in asked.matter}
    return float(any(word.stem in near for word in told[:6]))


def _reason(found: Mapping[str, float], kind: str, value: float) -> str:
    if value >= 0.5:
        return "an answer of the kind that was asked for" if found["kind_right"] else "speaks of what was asked"
    if found["other_language"]:
        return "in another language than the question"
    if found["kind_wrong"] or found["form_wrong"] or found["thing_missing"]:
        return f"the question wants an answer of the kind “{kind}”, and there is none"
    if found["unlinked"] or found["far"] or found["field_foreign"]:
        return "speaks of something else"
    return "speaks of the topic without answering"


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "kind_right": 1.2, "form_right": 0.5, "form_wrong": -2.5, "kind_wrong": -0.8, "kind_formless": -0.5, "near": 2, "far": -1.2, "near_long": 2, "copies": 0.5, "other_language": -2.5, "full": 0.7, "kind_wrong_strict": -0.8, "topic_shared": 0.8, "focus": 0.6,  "echo": -0.3,
    "begins_with_topic": -0.4, "nothing_new": -1.5, "field_shared": 0.5, "field_foreign": -0.8, "brief": 0.4, "talk": -0.8, "about": -0.7, "defines": -0.7, "foreign": -1,
    "unlinked": -0.8, "refers_back": 0.6, "option_named": 0.8, "unlinked_any": -0.4, "direct": 0.5, "our": -0.3,
    "no_cause": -0.8, "thing_held": 0.7, "thing_missing": -1.2, "no_bid": -0.8, "no_contrast": -1.5, "described": -0.8, "described_short": -0.5,
    "swap": -0.5, "full_missing": -0.7, "verb_missing": -0.5, "substituted": -0.5, "asks_echo": -1.2, "asks_other": -0.6, "asks_back": 0.4, "restates": 0.6, "code_given": 0.6, "given_other": -0.3,
    "predicate_other": -0.7, "market": -0.7, "orders_unasked": -0.7, "no_strict_cause": -0.6, "future_off": -0.6, "past_off": -0.6, "tense_turned": -1, "mends_nothing": -1, "role_swapped": -0.6,
    "wanders": -0.4, "thing_near": 0.3, "unnamed": -0.8,
}  # fmt: skip
