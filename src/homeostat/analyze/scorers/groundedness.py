"""Is every claim of the answer supported by the documents that it was given?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.scorers.entailment import Check, check
from homeostat.analyze.scorers.weights import model
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.words import bounded, content, plain, words

_MOST_CLAIMS: Final = 40
_WEAKEST: Final = 0.75
YES: Final = frozenset(["yes", "sure", "certainly", "ja", "sí", "oui", "yeah"])
NO: Final = frozenset(["no", "nope", "nein", "non"])
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
    """Each claim is compared with the snippet that fits it best: numbers and units, names, negation, scope, order.

    >>> case = Case("It costs $12.", documents=["The ticket costs $21."])
    >>> Groundedness().score(case).label
    'bad'
    """

    name: ClassVar[str] = "groundedness"
    dimension: ClassVar[str] = "groundedness"
    rung: ClassVar[Rung] = "model"
    threshold: float = 0.5

    def score(self, case: Case) -> Scored | Unscored:
        """The weakest claim decides, the next one a little: a lone doubt may be a misreading, two seldom are."""
        if not any(document.strip() for document in case.documents):
            return Unscored("no documents to compare with")
        found = checks(case.output, case.documents, case.input)
        if not found:
            return judged(0.0, "the answer claims nothing")
        learned = model(self.name)
        ranked = sorted(((learned.value(one.features), one) for one in found), key=lambda pair: pair[0])
        value = _together([value for value, _ in ranked[:2]])
        return judged(value, reason(ranked[0][1], value))


def _together(lowest: Sequence[float]) -> float:
    """The two lowest values as one, on the scale of odds, three parts to one."""
    odds = [math.log(max(1e-6, value) / max(1e-6, 1 - value)) for value in lowest]
    line = odds[0] if len(odds) == 1 else _WEAKEST * odds[0] + (1 - _WEAKEST) * odds[1]
    return 1 / (1 + math.exp(-line))


def checks(output: str, documents: Sequence[str], question: str) -> list[Check]:
    """One check for each claim of an answer."""
    documents = [bounded(plain(document), 30_000) for document in documents[:50]]
    found = _contrasted([check(claim, documents, question[:2000]) for claim in claims(output)])
    sided = answered(plain(output), plain(question[-600:]), documents)
    if sided and not found:
        return [Check(output[:300], "", {"cover_best": 0.5, **sided})]
    return [replace(one, features={**one.features, **sided}) for one in found[:1]] + found[1:]


def claims(output: str) -> list[str]:
    """The sentences of an answer that claim something."""
    parts = [part.strip() for sentence in sentences(bounded(plain(output))) for part in sentence.split("; ")]
    return [part for part in parts if _claims(part)][:_MOST_CLAIMS]


def _contrasted(found: list[Check]) -> list[Check]:
    """Who retells freely does so throughout: a claim far from the documents beside others that copy them was put in."""
    cover = [one.features.get("cover_best", 0.0) for one in found]
    told = []
    for at, one in enumerate(found):
        others = [value for place, value in enumerate(cover) if place != at]
        contrast = max(0.0, max(others, default=0.0) - cover[at])
        told.append(replace(one, features={**one.features, "contrast": contrast}))
    return told


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
    "number_lost": -2.5, "number_rival": -1, "number_misbound": -1, "bound_elsewhere": -1.5, "turned": -2.5,
    "antonym_close": -2.5, "antonym_far": -1, "negation_flip_close": -2, "negation_flip_far": -0.5,
    "swapped_word_close": -0.7, "swapped_word_far": -0.2, "strange_name_close": -2, "strange_name_far": -1,
    "widened_close": -1.5, "widened_far": -0.7, "widened_bare": -0.4, "only_added_close": -1, "only_added_far": -0.3, "only_dropped_close": -0.8, "only_dropped_far": -0.2,
    "condition_dropped_close": -0.6, "condition_dropped_far": -0.1, "certain_added_close": -1, "certain_added_far": -0.5,
    "hedge_dropped_close": -0.4, "hedge_dropped_far": -0.1, "partial_dropped_close": -0.4, "partial_dropped_far": -0.1, "order_swapped": -2, "aside": -2, "borrowed": -0.8, "rate_changed": -2,
    "replaced": -1.5, "exchanged": -2, "limit_changed": -1.5, "label_changed": -2, "cause_turned": -1, "contrast": -2, "listed": -1.5, "foreign": -2.5, "denied_there": -1.5,
    "yes_denied": -2, "no_denied": -1.5, "yes_agrees": 0.5, "no_agrees": 0.7,
}  # fmt: skip
