"""Does the answer say what the reference answer says, whatever words it uses?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.scorers.entailment import check
from homeostat.analyze.scorers.question import covered
from homeostat.analyze.scorers.weights import model
from homeostat.analyze.text.lexicon import nearest, opposite
from homeostat.analyze.text.quantities import quantities, same
from homeostat.analyze.text.words import NEGATORS, Word, bounded, content, plain, words


@dataclass(frozen=True, slots=True)
class Correctness:
    """What the reference holds beyond the question must be in the answer, and nothing in the answer may deny it.

    >>> Correctness().score(Case("In 1945.", input="When did the war end?", reference="In 1944.")).label
    'bad'
    """

    name: ClassVar[str] = "correctness"
    dimension: ClassVar[str] = "correctness"
    rung: ClassVar[Rung] = "model"
    threshold: float = 0.5

    def score(self, case: Case) -> Scored | Unscored:
        """How probable it is that the answer agrees with the reference."""
        if not case.reference.strip():
            return Unscored("no reference to compare with")
        if not words(bounded(plain(case.output))):
            return judged(0.0, "the answer is empty")
        found = features(case)
        value = model(self.name).value(found)
        return judged(value, _reason(found, value))


def _polar(text: str) -> int:
    """1 for yes, -1 for no, 0 for neither, by how a text begins or what it denies."""
    told = [word.low for word in words(text)[:14]]
    if not told:
        return 0
    if told[0] in ("yes", "ja", "sí", "oui", "sure", "certainly"):
        return 1
    if told[0] in ("no", "nein", "non", "nope", "unfortunately"):
        return -1
    return -1 if any(word in NEGATORS or word in ("closed", "impossible", "forbidden") for word in told) else 0


def features(case: Case) -> Mapping[str, float]:
    """What the model looks at."""
    output, reference, question = bounded(plain(case.output)), bounded(plain(case.reference)), plain(case.input[:2000])
    forward = check(output, [reference], question).features
    asked = content(words(question))
    whole, told = content(words(reference)), content(words(output))
    questioned, said = {word.stem for word in asked}, {word.stem for word in told}
    key: list[Word] = [word for word in whole if word.stem not in questioned] or whole
    tight = [word for word in key if word.stem not in said]
    wanted, given = quantities(reference), quantities(output)
    old = quantities(question)
    missing = [one for one in wanted if not any(same(one, other, 0.02) for other in given)]
    extra = [one for one in given if not any(same(one, other, 0.02) for other in (*wanted, *old))]
    held = covered([word for word in key if not word.low[0].isdigit()], told)
    sides = (_polar(reference), _polar(output))
    known = frozenset(word.stem for word in (*whole, *asked))
    strange = [word for word in told if not word.low[0].isdigit() and nearest(word.stem, known) < 0.7]
    sameness = output.strip(" .").casefold() == reference.strip(" .").casefold()
    return {
        "key_held": held if any(not word.low[0].isdigit() for word in key) else 0.6,
        "key_exact": 1 - len(tight) / max(1, len(key)),
        "name_lost": float(any(word.big for word in tight) and held < 0.99),
        "number_missing": min(2.0, float(len(missing))),
        "number_other": float(bool(missing and extra)),
        "number_held": float(bool(wanted) and not missing),
        "polar_clash": float(
            sides[0] * sides[1] < 0 or (sides[0] == -1 and sides[1] == 0 and len(words(reference)) < 4)
        ),
        "polar_same": float(sides[0] == sides[1] != 0),
        "no_dropped": float(sides[0] == -1 and sides[1] == 0),
        "no_added": float(sides[0] >= 0 and sides[1] == -1),
        "antonym": float(any(opposite(one, other) for other in {word.stem for word in whole} - said for one in said)),
        "replaced": float(bool(tight) and bool(strange) and held < 0.75),
        "name_other": float(any((word.big and word.start > 0) or (word.big and len(told) <= 3) for word in strange)),
        "strange": len(strange) / max(1, len(told)),
        "turned": forward.get("order_swapped", 0.0),
        "flip": forward.get("negation_flip_close", 0.0),
        "identical": float(sameness),
    }


def _reason(found: Mapping[str, float], value: float) -> str:
    if value >= 0.5:
        return "agrees with the reference"
    told = {
        "number_other": "another number than the reference", "number_missing": "the reference's number is missing", "polar_clash": "says yes where the reference says no, or the reverse",
        "antonym": "says the opposite of the reference", "turned": "the same words in another order", "flip": "denies what the reference says", "no_dropped": "the reference denies it",
        "no_added": "denies what the reference says", "name_lost": "the reference's name is missing",
    }  # fmt: skip
    why = [told[name] for name, _ in model("correctness").pulls(found) if name in told]
    return "; ".join(why[:2]) or "the reference's answer is not in it"


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "key_held": 2, "key_exact": 0.7, "name_lost": -1, "number_missing": -1.5, "number_other": -1.5, "number_held": 1.5, "polar_clash": -2, "polar_same": 0.7,
    "no_dropped": -0.7, "no_added": -1, "antonym": -2, "replaced": -0.7, "name_other": -1, "strange": -0.5, "turned": -1.5, "flip": -1.5, "identical": 2,
}  # fmt: skip
