"""A claim that copies a snippet but for a word: what was put in its place, what changed places, what limit, label or cause was turned."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from homeostat.analyze.scorers.entailment.reading import PAIRS, Read, Sources, digit, labels, limit
from homeostat.analyze.text.lexicon import marks, nearest
from homeostat.analyze.text.quantities import Quantity, same
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, Word

_WEAK: Final = marks("weak")
_NOTHING: Final = {"replaced": 0.0, "exchanged": 0.0}
_JOINS: Final = frozenset(["and", "or", "und", "oder", "y", "o", "et", "ou"])
_ALTHOUGH: Final = frozenset(
    ["although", "though", "despite", "notwithstanding", "obwohl", "trotz", "aunque", "malgré"]
)
_BECAUSE: Final = frozenset(["because", "due", "owing", "thanks", "weil", "wegen", "porque", "parce"])


def edits(claim: Read, best: Read, held: Sources) -> tuple[dict[str, float], list[str]]:
    """What was changed in a copy; all 0 in a free retelling."""
    found, changes = _slots(claim, best)
    remarks = [*changes]
    changed = next((one for one in claim.numbers if not one.soft and _turned_limit(one, claim, best)), None)
    label = _other_label(claim, held)
    mine, theirs = {word.low for word in claim.words}, {word.low for word in best.words}
    cause = bool(mine & _BECAUSE and theirs & _ALTHOUGH and not mine & _ALTHOUGH) or bool(
        mine & _ALTHOUGH and theirs & _BECAUSE and not theirs & _ALTHOUGH
    )
    if changed:
        remarks.append(f"another limit than the snippet's for {changed.text}")
    if label:
        remarks.append(f"“{label}” is not in the documents")
    return {
        **found,
        "limit_changed": float(changed is not None),
        "label_changed": float(bool(label)),
        "cause_turned": float(cause),
    }, remarks


@lru_cache(maxsize=PAIRS)
def _slots(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    if not claim.words or sum(word.stem in best.stems for word in claim.matter) < 0.5 * len(claim.matter):
        return dict(_NOTHING), []
    mine, theirs = [word.stem for word in claim.words], [word.stem for word in best.words]
    codes = SequenceMatcher(None, theirs, mine, autojunk=False).get_opcodes()
    copied = sum(d - c for code, _, _, c, d in codes if code == "equal") / len(mine)
    close = min(1.0, max(0.0, (copied - 0.4) / 0.4))
    put = [
        (best.words[a:b], claim.words[c:d])
        for code, a, b, c, d in codes
        if code == "replace" and max(b - a, d - c) <= 4 and abs((b - a) - (d - c)) <= 1
    ]
    wrong = [(old, new) for old, new in put if _another(old, new)]
    swapped = _exchanged(claim, best)
    remarks = [f"says “{_told(new)}” where the snippet says “{_told(old)}”" for old, new in wrong[:2] if close > 0.5]
    remarks += [f"“{swapped[0]}” and “{swapped[1]}” have changed places"] if swapped else []
    return {"replaced": min(2.0, float(len(wrong))) * close, "exchanged": float(bool(swapped)) * close}, remarks


def _told(some: Sequence[Word]) -> str:
    return " ".join(word.low for word in some)


def _another(old: Sequence[Word], new: Sequence[Word]) -> bool:
    """Matter in place of matter, and it means something else. Numbers have their own check."""
    before = [word for word in old if _names(word)]
    fresh = [word for word in new if _names(word)]
    stems = frozenset(word.stem for word in old)
    return 0 < len(fresh) == len(before) and all(nearest(word.stem, stems) < 0.7 for word in fresh)


def _names(word: Word) -> bool:
    """Things and their properties; another verb is mostly only another way to say it."""
    if word.low in STOP or word.low in _WEAK or digit(word):
        return False
    speech = entry(word.stem).speech
    return not speech or speech[0] in "na"


def _exchanged(claim: Read, best: Read) -> tuple[str, str] | None:
    """The words that both share stand in the same order but for two that have changed places."""
    mine, theirs = _shared(claim, best), _shared(best, claim)
    if len(mine) < 3 or sorted(mine) != sorted(theirs):
        return None
    apart = [at for at, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other]
    if len(apart) != 2 or ("by" in _lows(claim)) != ("by" in _lows(best)):
        return None
    one, other = apart
    return None if other == one + 1 and _JOINS & _lows(claim) & _lows(best) else (mine[one], mine[other])


def _lows(read: Read) -> set[str]:
    return {word.low for word in read.words}


def _shared(one: Read, other: Read) -> list[str]:
    """The stems of matter that stand once in each."""
    own = [word.stem for word in one.matter]
    theirs = [word.stem for word in other.matter]
    return [stem for stem in own if own.count(stem) == 1 and theirs.count(stem) == 1]


def _turned_limit(one: Quantity, claim: Read, best: Read) -> bool:
    """At least in place of at most; a limit in place of a range."""
    mine = limit(one, claim)
    theirs = {limit(other, best) for other in best.numbers if not other.soft and same(one, other)}
    return bool(mine and theirs and "" not in theirs and mine not in theirs)


def _other_label(claim: Read, held: Sources) -> str:
    """Pier D, where the documents know pier C only."""
    for noun, label in labels(claim.text):
        known = {there for name, there in held.labels if name == noun}
        if known and label not in known:
            return f"{noun} {label}"
    return ""
