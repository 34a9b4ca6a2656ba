"""Words of a text: lower case, contractions undone, endings cut. Every pattern here takes linear time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from homeostat.analyze.text.function_words import NEGATORS, STOP

__all__ = ["NEGATORS", "READ", "STOP", "Word", "bounded", "content", "plain", "squeeze", "stem", "words"]

# A scorer that compares every sentence with every other reads at most this much of a text: its beginning and its end.
READ: Final = 12_000
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\-][^\W\d_]+)*|\d+(?:[.,:]\d+)*|[%$€£°]")
_SHORT: Final = {"won't": "will not", "can't": "can not", "cannot": "can not", "shan't": "shall not", "ain't": "is not"}
_TAILS: Final = {"'re": "are", "'ve": "have", "'ll": "will", "'m": "am", "'d": "would", "'s": ""}
_SPACES: Final = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as compared (`low`), without its ending (`stem`), and where it stood (`start`; `big`: began with a capital)."""

    low: str
    stem: str
    start: int
    big: bool


def plain(text: str) -> str:
    """One form for characters that look alike; curly quotes straight, invisible characters gone."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'").replace("\u2018", "'").replace("\u2011", "-")
    return "".join(ch for ch in text if unicodedata.category(ch) not in ("Cf", "Cs"))


def bounded(text: str, limit: int = READ) -> str:
    """The beginning and the end of a long text."""
    return text if len(text) <= limit else text[: limit // 2] + "\n" + text[-limit // 2 :]


@lru_cache(maxsize=1024)
def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order."""
    found = []
    for match in _WORD.finditer(text):
        raw = match[0]
        for part in _apart(raw.lower()):
            found.append(Word(part, stem(part), match.start(), raw[0].isupper()))
    return tuple(found)


def _apart(low: str) -> list[str]:
    """`isn't` is `is not`; `it's` is `it`."""
    if "'" not in low and low not in _SHORT:
        return [low]
    if low in _SHORT:
        return _SHORT[low].split()
    if low.endswith("n't"):
        return [low[:-3], "not"]
    for tail, full in _TAILS.items():
        if low.endswith(tail) and len(low) > len(tail):
            return [low[: -len(tail)], full] if full else [low[: -len(tail)]]
    return [low]


@lru_cache(maxsize=20_000)
def stem(low: str) -> str:
    """A word without its ending: enough to see that `refunded` and `refunds` are one."""
    if len(low) <= 3 or low[0].isdigit():
        return low
    word = low
    if len(word) >= 5 and word.endswith(("ies", "ied")):
        return word[:-3] + "y"
    for tail, put in (("'s", ""), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x")):
        if word.endswith(tail) and len(word) > len(tail) + 2:
            return word[: -len(tail)] + put
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for tail in ("ing", "edly", "ed", "ly", "ment", "ness"):
        if (
            word.endswith(tail)
            and len(word) - len(tail) >= 3
            and any(vowel in word[: -len(tail)] for vowel in "aeiouy")
        ):
            word = word[: -len(tail)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def content(found: Iterable[Word]) -> list[Word]:
    """The words that carry the matter."""
    return [word for word in found if word.low not in STOP and (len(word.low) > 1 or word.low[0].isdigit())]


def squeeze(text: str) -> str:
    """Runs of blanks as one."""
    return _SPACES.sub(" ", text).strip()
