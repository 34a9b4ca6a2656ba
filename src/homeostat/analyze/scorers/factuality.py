"""Does the answer agree with what is known: given facts, and the project's own documents, whatever the application retrieved?

An answer may follow documents that are out of date to the letter; `groundedness` cannot see that, this can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.scorers.entailment import check
from homeostat.analyze.scorers.entailment.reading import coverage, read, sources
from homeostat.analyze.scorers.groundedness import beside, claims, reason, together, whole
from homeostat.analyze.scorers.weights import model
from homeostat.analyze.text.words import bounded, plain

#: Under which name of a case's metadata the project's own documents stand.
OWN: Final = "own_documents"
# What the documents hold so little of is about something else: they neither confirm nor deny it.
_SPOKEN_OF: Final = 0.6


@dataclass(frozen=True, slots=True)
class Factuality:
    """The claims that the facts speak of, each against the sentence that fits it best; others are not judged.

    >>> Factuality(facts=("Returns are accepted within 30 days.",)).score(Case("Returns are accepted within 60 days.")).label
    'bad'
    """

    name: ClassVar[str] = "factuality"
    dimension: ClassVar[str] = "correctness"
    rung: ClassVar[Rung] = "model"
    facts: tuple[str, ...] = ()

    def score(self, case: Case) -> Scored | Unscored:
        """As `groundedness` weighs claims, each against the passage that speaks of it."""
        known = _known(self.facts, case)
        if not known:
            return Unscored("neither facts nor documents of the project's own to compare with")
        found = [check(claim, [_about(claim, known)], case.input[:2000]) for claim in claims(case.output)]
        found = [one for one in found if one.features.get("cover_best", 0.0) >= _SPOKEN_OF]
        if not found:
            return Unscored("the facts do not speak of what the answer claims")
        learned = model("groundedness")
        lowest, weakest = min(((learned.value(one.features), one) for one in found), key=lambda pair: pair[0])
        said_of = [_about(one.claim, known) for one in found]
        value = together(beside(found, whole(case.output, said_of, case.input)), lowest)
        return judged(value, reason(weakest, value))


def _about(claim: str, known: Sequence[str]) -> str:
    """The passage that speaks of a claim; a number that another one holds confirms nothing."""
    matter = read(claim).matter
    return max(known, key=lambda text: coverage(matter, sources((text,)).stems))


def _known(facts: Sequence[str], case: Case) -> list[str]:
    own = case.metadata.get(OWN, ())
    told = [*facts, *(own if isinstance(own, list | tuple) else ())]
    return [bounded(plain(text), 30_000) for text in told[:50] if isinstance(text, str) and text.strip()]
