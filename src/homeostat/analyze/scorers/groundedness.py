"""Is every claim of the answer supported by the documents that it was given?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.scorers.entailment import Check, check
from homeostat.analyze.scorers.entailment.copies import verbatim
from homeostat.analyze.scorers.entailment.reading import plainly, read, sources
from homeostat.analyze.scorers.forest import forest, over
from homeostat.analyze.scorers.weights import model
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.words import bounded, content, plain, words

_MOST_CLAIMS: Final = 40
YES: Final = frozenset(["yes", "sure", "certainly", "ja", "sí", "oui", "yeah"])
NO: Final = frozenset(["no", "nope", "nein", "non"])
# What says that the documents say nothing of a matter: right, unless they do.
_SILENT: Final = re.compile(
    r"\b(?:documents?|pages?|texts?|information|instructions|manual|polic(?:y|ies)|article|guide|leaflet|sources?|notes?|"
    r"excerpts?|context|material|sheet|listing|description|minutes|that|it|they|this)\b[\w\s,'’]{0,40}?\b"
    r"(?:do(?:es)?(?: not|n['’]t)(?: \w+ly)?|did(?: not|n['’]t)|never) (?:say|mention|state|specify|tell|indicate|reveal|spell out|address)\b"
    r"|\bsays? nothing (?:about|of|on)\b|\bthere(?: is|['’]s) no (?:information|mention|word|detail)\b|\bno (?:information|mention|details?) (?:is|are) given\b"
    r"|\b(?:is|are)(?: not|n['’]t) (?:mentioned|stated|specified|said)\b|\b(?:is|are) silent (?:on|about)\b",
    re.IGNORECASE,
)
_WHETHER: Final = frozenset("is are was were do does did can could may must should will would has have had am".split())  # noqa: SIM905
_KNOWN: Final = 0.8
# Of an answer that says only that, and of one that says it of what the documents do tell, or reads another row of a table.
_ADMITS, _HIDES = 0.9, 0.2
# Of one that only repeats them, at least.
_COPIED: Final = 0.8
_LINE: Final = 0.6
_WEAKEST: Final = 0.3
# An alarm about a supported answer costs more trust than a miss.
_LEAN: Final = 0.35
# Words that talk about the talk; a sentence made of them claims nothing.
_POLITE: Final = frozenset(
    [
        "hi",
        "hello",
        "thanks",
        "thank",
        "sorry",
        "hope",
        "help",
        "helps",
        "question",
        "ask",
        "let",
        "know",
        "happy",
        "glad",
        "great",
        "welcome",
        "assist",
        "further",
        "anything",
        "else",
        "yes",
        "no",
        "nein",
        "non",
        "ja",
        "sí",
        "oui",
    ]
)


@dataclass(frozen=True, slots=True)
class Groundedness:
    """Each claim is compared with the snippet that fits it best: numbers and units, names, negation, scope, order, and
    what of each clause is told there at all. Trees weigh it together; the claim that looks worst is shown.

    >>> case = Case("It costs $12.", documents=["The ticket costs $21."])
    >>> Groundedness().score(case).label
    'bad'
    """

    name: ClassVar[str] = "groundedness"
    dimension: ClassVar[str] = "groundedness"
    rung: ClassVar[Rung] = "model"
    threshold: float = 0.5

    def score(self, case: Case) -> Scored | Unscored:
        """All claims together; the reason shows the one that looks worst."""
        if not any(document.strip() for document in case.documents):
            return Unscored("no documents to compare with")
        found = checks(case.output, case.documents, case.input)
        if not found:
            return judged(0.0, "the answer claims nothing")
        line = model(self.name)
        ranked = sorted(((line.value(one.features), one) for one in found), key=lambda pair: pair[0])
        value = together(found, ranked[0][0])
        return judged(value, reason(ranked[0][1], value))


def together(found: Sequence[Check], lowest: float) -> float:
    """What the trees say of all claims, what a line over the same features says, and a little of what is said of the weakest
    claim: where few trees grew the lines still know which way each sign points."""
    if any(one.features.get("abstains_wrongly") for one in found):
        return _HIDES
    if all(one.features.get("abstains") for one in found):
        return _ADMITS
    least = _COPIED if any(one.features.get("copied_whole") for one in found) else 0.0
    grown, told = forest("groundedness"), over([one.features for one in found])
    share = min(0.99, max(0.01, grown.share(told)))
    if not least and any(one.features.get("row_changed") for one in found):
        return _HIDES
    lowest = min(0.99, max(0.01, lowest))
    odds = (
        _LEAN
        + math.log(share / (1 - share))
        + _LINE * grown.straight(told)
        + _WEAKEST * math.log(lowest / (1 - lowest))
    )
    return max(least, 1 / (1 + math.exp(-odds)))


def checks(output: str, documents: Sequence[str], question: str) -> list[Check]:
    """One check for each claim of an answer."""
    documents = [bounded(plain(document), 30_000) for document in documents[:50]]
    found = _contrasted([_compared(claim, documents, question[:2000]) for claim in claims(output)])
    sided = answered(plain(output), plain(question[-600:]), documents)
    if sided and not found:
        return [Check(output[:300], "", {"cover_best": 0.5, **sided})]
    copied = {"copied_whole": float(_copied(found, documents))}
    return beside(found, sided | copied | whole(output, documents, question))


def _copied(found: Sequence[Check], documents: Sequence[str]) -> bool:
    """The answer repeats the documents, and adds nothing."""
    held = sources(tuple(map(plainly, documents)))
    return bool(found) and all(verbatim(read(plainly(one.claim)), held) for one in found)


def beside(found: list[Check], more: Mapping[str, float]) -> list[Check]:
    """What is told of the answer as a whole stands with its first claim."""
    return [replace(one, features={**one.features, **more}) for one in found[:1]] + found[1:]


def whole(output: str, documents: Sequence[str], question: str) -> dict[str, float]:
    """What only the whole answer shows: how long both sides are, how much of the documents it repeats, what was asked."""
    told, held = {word.stem for word in content(words(bounded(output)))}, set[str]()
    for document in documents:
        held |= {word.stem for word in content(words(document))}
    asked = words(question[:200])
    return {
        "answer_long": min(1.0, len(told) / 60),
        "held_long": min(1.0, len(held) / 120),
        "held_told": len(told & held) / max(1, len(held)),
        "told_held": len(told & held) / max(1, len(told)),
        "asked_whether": float(bool(asked) and asked[0].low in _WHETHER),
    }


def _compared(claim: str, documents: Sequence[str], question: str) -> Check:
    """A claim that the documents say nothing of something is held against what they say of it."""
    silent = _SILENT.search(claim)
    if silent is None:
        return check(claim, documents, question)
    behind = claim[silent.end() :]
    about = check(behind if content(words(behind)) else claim[: silent.start()], documents)
    known = float(about.features.get("cover_best", 0.0) >= _KNOWN)
    remarks = ("the documents do say something of it",) if known else ()
    return Check(claim, about.snippet if known else "", {"abstains": 1 - known, "abstains_wrongly": known}, remarks)


def claims(output: str) -> list[str]:
    """The sentences of an answer that claim something."""
    parts = [part.strip() for sentence in sentences(bounded(plain(output))) for part in sentence.split("; ")]
    return [part for part in parts if _claims(part)][:_MOST_CLAIMS]


def _contrasted(found: list[Check]) -> list[Check]:
    """Who retells freely does so throughout: a claim far from the documents beside others that copy them was put in."""
    told = [dict(one.features) for one in found]
    for name, of in (("contrast", "cover_best"), ("contrast_known", "clause_known")):
        cover = [one.features.get(of, 0.0) for one in found]
        for at, features in enumerate(told):
            others = [value for place, value in enumerate(cover) if place != at]
            features[name] = max(0.0, max(others, default=0.0) - cover[at])
    return [replace(one, features=features) for one, features in zip(found, told, strict=True)]


def answered(output: str, question: str, documents: Sequence[str]) -> dict[str, float]:
    """A leading yes or no against what the documents say of the question's matter: denied there, or not."""
    told = [word.low for word in words(output[:200])[:2]]
    side = told[0] if told else ""
    if side not in YES | NO or not question.strip():
        return {}
    asked = sentences(question)[-1]
    found = check(asked, documents).features
    if found.get("cover_best", 0.0) < 0.35:
        return {}
    against = any(
        found[name] for name in found if name.startswith(("negation_flip", "antonym_")) and "denied" not in name
    )
    against = against or bool(found.get("number_lost"))
    if side in YES:
        return {"yes_denied": float(against), "yes_agrees": float(not against)}
    return {"no_denied": float(not against), "no_agrees": float(against)}


def claimwise(case: Case) -> list[dict[str, float]]:
    """The features of each claim: what the model is trained on."""
    return [one.features for one in checks(case.output, case.documents, case.input)]


def _claims(sentence: str) -> bool:
    matter = content(words(sentence))
    if sentence.endswith("?"):
        return False
    return any(word.low not in _POLITE for word in matter) or any(word.low not in _POLITE for word in words(sentence))


def reason(weakest: Check, value: float) -> dict[str, object]:
    """Which claim, which snippet, why."""
    why = "; ".join(weakest.remarks) or ("words and numbers agree" if value >= 0.5 else "the snippet does not say this")
    return {"claim": weakest.claim[:300], "snippet": weakest.snippet[:300], "why": why}


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "nothing": -2, "cover_best": 1, "cover_all": 1, "cover_two": 0.5, "cover_exact": 0.5, "clean": 1.5, "clean_exact": 1,
    "number_right": 0.8, "number_derived": -0.2, "negation_same": 0.3, "antonym_denied": 0.3, "strange": -1, "remote": -2, "strange_all": -0.7,
    "number_lost": -2.5, "number_rival": -1, "number_misbound": -1, "month_changed": -2, "bound_elsewhere": -1.5, "turned": -2.5,
    "antonym_close": -2.5, "antonym_far": -1, "negation_flip_close": -2, "negation_flip_far": -0.5,
    "swapped_word_close": -0.7, "swapped_word_far": -0.2, "strange_name_close": -2, "strange_name_far": -1,
    "widened_close": -1.5, "widened_far": -0.7, "widened_bare": -0.4, "only_added_close": -1, "only_added_far": -0.3, "only_dropped_close": -0.8, "only_dropped_far": -0.2,
    "condition_dropped_close": -0.6, "condition_dropped_far": -0.1, "certain_added_close": -1, "certain_added_far": -0.5,
    "hedge_dropped_close": -0.4, "hedge_dropped_far": -0.1, "partial_dropped_close": -0.4, "partial_dropped_far": -0.1, "order_swapped": -2, "aside": -2, "borrowed": -0.8, "rate_changed": -2,
    "replaced": -1.5, "exchanged": -2, "limit_changed": -1.5, "label_changed": -2, "cause_turned": -1, "contrast": -2, "contrast_known": -1, "clause_known": 0.5, "clause_best": 0.5, "clause_strange": -0.3, "clause_things": -0.5, "listed": -1.5, "foreign": -2.5, "denied_there": -1.5,
    "abstains": 1, "abstains_wrongly": -2, "yes_denied": -2, "no_denied": -1.5, "yes_agrees": 0.5, "no_agrees": 0.7,
}  # fmt: skip
