"""Whom a text means by he, she and they: the person spoken of changes, or was never named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from homeostat.analyze.scorers.form import PEOPLE as _EXPLAINED
from homeostat.analyze.scorers.links import PERSONS
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, Word

#: Who may be meant by he or she; other people go by their names.
_PEOPLE: Final = frozenset((
    "woman", "mother", "sister", "wife", "girl", "daughter", "mrs", "ms", "queen", "aunt", "lady", "grandmother", "niece",
    "man", "father", "brother", "husband", "boy", "son", "mr", "king", "uncle", "gentleman", "grandfather", "nephew",
))  # fmt: skip
#: Others who may be.
_OTHERS: Final = frozenset((
    "chair", "boss", "child", "kid", "baby", "deputy", "cousin", "friend", "neighbour", "neighbor", "colleague", "cat", "dog", "parent",
    "patient", "clerk", "judge", "mum", "mom", "dad", "guest", "landlord", "client", "person", "widow", "coach", "cook", "chef", "nurse", "pilot",
))  # fmt: skip
_DOERS: Final = ("er", "or", "ist", "ian", "ess", "eer", "ant", "ent")
_SUBJECTS: Final = {"he": "he", "she": "she", "they": "they"}
_OBJECTS: Final = {"him": "he", "her": "she", "them": "they"}
#: Between somebody and another of the same kind in one clause stand at most so many words.
_REACH: Final = 3


def persons(read: Sequence[Sequence[Word]], question: Sequence[Word]) -> dict[str, float]:
    """What a reader cannot tell: who is meant."""
    low = [word.low for sentence in read for word in sentence]
    kinds = [
        bool(PERSONS[0] & set(low)),
        bool(PERSONS[1] & set(low)),
        "they" in low or "them" in low,
        bool({"i", "me"} & set(low)),
        bool({"we", "us"} & set(low)),
    ]
    named = {
        word.low
        for sentence in read
        for word in sentence
        if word.low in _PEOPLE or (word.big and not entry(word.stem).speech)
    }
    return {
        "he_and_she": float(kinds[0] and kinds[1] and len(named - STOP) < 2),
        "many_persons": float(sum(kinds) >= 3),
        "nobody": _nobody(read, question),
        "same_person": min(3.0, float(sum(map(_same, read)))),
    }


def _nobody(read: Sequence[Sequence[Word]], question: Sequence[Word]) -> float:
    """He or she, and neither question nor answer names anybody before."""
    if not question or any(_somebody(word) for word in question):
        return 0.0
    for sentence in read:
        for word in sentence:
            if word.low in PERSONS[0] | PERSONS[1]:
                return 1.0
            if _somebody(word):
                return 0.0
    return 0.0


def _somebody(word: Word) -> bool:
    """A person, or a name."""
    if word.low in STOP:
        return False
    known = entry(word.stem)
    doer = word.low.rstrip("s").endswith(_DOERS) and known.speech.startswith("n")
    named = word.big and (word.start > 0 or not known.speech)
    return word.stem in _PEOPLE or word.stem in _OTHERS or doer or named or bool(known.explained & _EXPLAINED)


def _same(sentence: Sequence[Word]) -> int:
    """How often one does something to another of whom the same word is said: `he told him that she gave it to her`."""
    count = 0
    for at, word in enumerate(sentence):
        kind = _SUBJECTS.get(word.low)
        if kind is None:
            continue
        for place in range(at + 2, min(len(sentence), at + 2 + _REACH)):
            other = sentence[place]
            if other.low in _SUBJECTS:
                break
            behind = sentence[place + 1 : place + 2]
            # `Her` before a thing says whose it is.
            owned = other.low == "her" and any(
                one.low not in STOP and entry(one.stem).speech[:1] in ("n", "a", "") for one in behind
            )
            if _OBJECTS.get(other.low) == kind and not owned:
                count += 1
                break
    return count
