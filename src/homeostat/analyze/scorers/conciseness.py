"""Does the answer say what it says without padding, repetition and ceremony?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import ClassVar, Final

from homeostat.analyze.scorers.case import Case, Rung, Scored
from homeostat.analyze.scorers.question import parts, read
from homeostat.analyze.scorers.weights import learned
from homeostat.analyze.text.lexicon import lines, nearest
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.words import STOP, bounded, content, plain, words

_DETAIL: Final = re.compile(
    r"\b(?:detail\w*|thorough\w*|in depth|some depth|explain|describe|step by step|steps|compare|list|essay|comprehensive|elaborate|pros and cons|write|all (?:the|of)|guide|how does|how do|why|differences?|summar\w+|crash\w*|plan|recipe|packing)\b",
    re.IGNORECASE,
)
_ALLOWED: Final = {
    "price": 18,
    "count": 18,
    "when": 18,
    "who": 18,
    "where": 22,
    "yesno": 26,
    "span": 20,
    "choice": 40,
    "make": 45,
    "open": 40,
    "why": 45,
    "howto": 60,
}


@lru_cache(maxsize=1)
def _filler() -> re.Pattern[str]:
    told = "|".join(re.escape(phrase) for phrase in sorted(lines("filler"), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{told})(?!\w)")


@dataclass(frozen=True, slots=True)
class Conciseness:
    """Filler, repetition and information for each word, against the length that such a question needs.

    >>> Conciseness().score(Case("Paris.", input="What is the capital of France?")).label
    'good'
    """

    name: ClassVar[str] = "conciseness"
    dimension: ClassVar[str] = "conciseness"
    rung: ClassVar[Rung] = "model"
    threshold: float = 0.5

    def score(self, case: Case) -> Scored:
        """How probable it is that nothing could be left out."""
        return learned(self.name, case, features, _reason)


def filler(text: str) -> list[str]:
    """The phrases of a text that say nothing."""
    return [match[0] for match in _filler().finditer(text.lower())]


def repetition(text: str) -> float:
    """How much the two most similar sentences share."""
    stems = [frozenset(word.stem for word in content(words(sentence))) for sentence in sentences(text)[:30]]
    stems = [one for one in stems if len(one) >= 2]
    return max((len(a & b) / min(len(a), len(b)) for a, b in combinations(stems, 2)), default=0.0)


def features(case: Case) -> Mapping[str, float]:
    """What the model looks at."""
    text = bounded(plain(case.output))
    asked = read(plain(case.input))
    all_words = words(text)
    told = content(all_words)
    total = len(all_words)
    allowed = _ALLOWED.get(asked.kind, 40) * max(1, len(parts(asked.text)) ** 0.7)
    if _DETAIL.search(asked.text):
        allowed = max(allowed, 60) * 1.6
    stems = [word.stem for word in told]
    wanted = frozenset(word.stem for word in asked.matter)
    fresh = {stem for stem in stems if nearest(stem, wanted) < 0.7}
    phrases = filler(text)
    echo = sum(stem in wanted for stem in stems)
    return {
        "filler": min(4.0, len(phrases) / max(1.0, total / 20)) if total > 8 else 0.0,
        "filler_any": float(len(phrases) > 0),
        "filler_many": min(3.0, float(max(0, len(phrases) - 1))),
        "excess": max(0.0, math.log(max(total, 1) / allowed)) if case.input.strip() else 0.0,
        "over_simple": float(
            asked.kind in ("price", "count", "when", "who", "where", "yesno", "span") and total > 1.7 * allowed
        ),
        "long": min(1.5, total / 100),
        "brief": float(total <= 12),
        "repeats": repetition(text),
        "same_words": 1 - len(set(stems)) / len(stems) if len(stems) >= 8 else 0.0,
        "thin": 1 - len(fresh) / max(1, total),
        "density": len(set(stems)) / max(1, total),
        "stop_share": sum(word.low in STOP for word in all_words) / max(1, total),
        "echo": echo / max(1, len(stems)),
        "echo_often": min(3.0, echo / max(1, len(asked.matter))) if asked.matter else 0.0,
        "sentence_length": min(2.0, total / max(1, len(sentences(text))) / 20),
        "exclaims": min(2.0, float(text.count("!"))),
        "specific": min(
            1.0, sum(word.low[0].isdigit() or (word.big and word.start > 0) for word in told) / max(1, total) * 6
        ),
    }


def _reason(case: Case, found: Mapping[str, float], value: float) -> str:
    if value >= 0.5:
        return "little that could be left out"
    told = []
    if phrases := filler(plain(case.output)[:4000]):
        told.append("filler: " + ", ".join(f"“{phrase}”" for phrase in phrases[:3]))
    if found["repeats"] > 0.6 or found["same_words"] > 0.35:
        told.append("says the same again")
    if found["excess"] > 0.3:
        told.append("longer than the question needs")
    return "; ".join(told) or "many words for what it says"


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "filler": -0.7, "filler_any": -0.5, "filler_many": -0.5, "excess": -1, "over_simple": -0.7, "brief": 0.5, "repeats": -0.8, "same_words": -2,
    "thin": -1, "density": 2, "stop_share": -2, "echo": -0.5, "echo_often": -0.3, "exclaims": -0.3, "specific": 0.5,
}  # fmt: skip
