"""Is a mix another one than before? Of words, languages, documents. Who writes much counts once: users are the units.

A distance is a total variation with what chance gives taken off, so that small samples do not look like shifts.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from homeostat.act.diagnosis.evidence import Shift, Topic

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_COMMON: Final = 200
#: Words of one text come together, so their differences do too: the spread of their sum is so much wider.
_TOGETHER: Final = 2.0
_NEW_SHARE: Final = 0.015
_NEW_USERS: Final = 8
#: A text that nobody wrote before and that is suddenly so many of all questions is no customer's.
_REPEATED, _FLOODS = 5, 0.01
_MEAN_OF_HALF_NORMAL: Final = math.sqrt(2 / math.pi)


@dataclass(frozen=True, slots=True)
class Said:
    """One text: of which side, of whom, and which things are in it."""

    side: int
    unit: str
    things: frozenset[Hashable]


@lru_cache(maxsize=8192)
def words_of(text: str) -> frozenset[Hashable]:
    """The different words of a text, without numbers."""
    return frozenset(_WORD.findall(text.lower()))


def shift(what: str, said: Sequence[Said], label: str, *, name: Callable[[Hashable], str] = str) -> Shift | None:
    """How far what is said since the onset is from what was said before. None: too little to say."""
    sides: tuple[dict[Hashable, float], ...] = (defaultdict(float), defaultdict(float))
    totals = [0.0, 0.0]
    weights = _weights(said)
    for each in said:
        weight = weights[each.side, each.unit]
        totals[each.side] += weight
        for thing in each.things:
            sides[each.side][thing] += weight
    users = [len({each.unit for each in said if each.side == side}) for side in (0, 1)]
    if min(users) < 20:
        return None
    either = {thing: sides[0][thing] + sides[1][thing] for thing in {*sides[0], *sides[1]}}
    common = sorted(either, key=lambda thing: (-either[thing], str(thing)))[:_COMMON]
    excess, spread, moved = 0.0, 0.0, list[tuple[float, Hashable, float, float]]()
    for thing in common:
        before, after = sides[0][thing] / totals[0], sides[1][thing] / totals[1]
        pooled = (sides[0][thing] + sides[1][thing]) / sum(totals)
        error = math.sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / users[0] + 1 / users[1]))
        excess += (abs(after - before) - _MEAN_OF_HALF_NORMAL * error) / 2
        spread += error**2 * (1 - _MEAN_OF_HALF_NORMAL**2) / 4
        moved.append(((after - before) / error, thing, before, after))
    size = max(1.0, sum(sides[0][thing] for thing in common) / totals[0])
    strongest = sorted(moved, key=lambda each: -abs(each[0]))[:3]
    told = ", ".join(f"{name(thing)} {before:.1%} → {after:.1%}" for _, thing, before, after in strongest)
    z = excess / (_TOGETHER * math.sqrt(spread)) if spread else 0.0
    return Shift(what, max(0.0, excess / size), z, f"{label}: {told}")


def new_words(said: Sequence[Said]) -> dict[str, float]:
    """Words that nobody wrote before the onset and several people do since; the share of the texts that have them."""
    known = {thing for each in said if each.side == 0 for thing in each.things}
    users: dict[Hashable, set[str]] = {}
    texts, after = Counter[Hashable](), 0
    for each in said:
        if each.side == 1:
            after += 1
            for thing in each.things - known:
                users.setdefault(thing, set()).add(each.unit)
                texts[thing] += 1
    before = sum(each.side == 0 for each in said)
    if not after or before < 200:
        return {}
    fresh = {
        str(thing): n / after
        for thing, n in texts.most_common(20)
        if n / after >= _NEW_SHARE and len(users[thing]) >= _NEW_USERS
    }
    # A word that was merely rare would have been unseen before by chance.
    return {word: share for word, share in fresh.items() if (1 - share) ** before < 1e-6}


def flood(texts: Sequence[tuple[int, str]]) -> tuple[float, str]:
    """(share of the texts since the onset that are word for word repeated and were unknown before, the commonest)."""
    before = {_folded(text) for side, text in texts if side == 0}
    after = Counter(_folded(text) for side, text in texts if side == 1)
    often = max(_REPEATED, _FLOODS * after.total())
    again = Counter({text: n for text, n in after.items() if text and text not in before and n >= often})
    if not again or not before:
        return 0.0, ""
    return again.total() / after.total(), again.most_common(1)[0][0]


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def topic(said: Sequence[Said], loss: Mapping[int, float]) -> Topic | None:
    """Where the loss is. `loss`: how bad each text's answer was, by its place in `said`; texts without are left out.

    Words are chosen on one half of the users and weighed on the other, so that the choice itself proves nothing.
    """
    halves: tuple[list[int], list[int]] = ([], [])
    for at in loss:
        halves[half(said[at].unit)].append(at)
    chosen = _losing(said, loss, halves[0])
    if not chosen:
        return None
    inside, outside = _Tally(), _Tally()
    for at in halves[1]:
        (inside if said[at].things & chosen else outside).add(said[at].side, loss[at])
    if min(inside.n) < 15 or min(outside.n) < 15:
        return None
    total = inside.n[1] + outside.n[1]
    traffic = inside.n[1] / total
    lost = inside.fell * traffic
    whole = lost + outside.fell * (1 - traffic)
    error = math.sqrt(inside.variance + outside.variance)
    if whole <= 0 or error <= 0:
        return None
    ranked = sorted((str(word) for word in chosen), key=lambda word: word)
    return Topic(tuple(ranked), max(0.0, min(1.0, lost / whole)), traffic, (inside.fell - outside.fell) / error)


def _losing(said: Sequence[Said], loss: Mapping[int, float], places: Iterable[int]) -> frozenset[Hashable]:
    """The words whose texts lost most, up to four, as long as each is clearly worse than the rest."""
    tallies: dict[Hashable, _Tally] = {}
    whole = _Tally()
    for at in places:
        whole.add(said[at].side, loss[at])
        for thing in said[at].things:
            tallies.setdefault(thing, _Tally()).add(said[at].side, loss[at])
    if min(whole.n) < 30:
        return frozenset()
    ranked = []
    for thing, tally in tallies.items():
        if min(tally.n) >= 8 and tally.n[1] < 0.5 * whole.n[1]:
            error = math.sqrt(tally.variance)
            ranked.append(((tally.fell - whole.fell) / error if error else 0.0, str(thing), thing))
    ranked.sort(key=lambda each: (-each[0], each[1]))
    best = [thing for z, _, thing in ranked[:4] if z > max(2.0, 0.6 * ranked[0][0])]
    return frozenset(best)


class _Tally:
    """Losses of both sides."""

    def __init__(self) -> None:
        self.n, self.s, self.ss = [0, 0], [0.0, 0.0], [0.0, 0.0]

    def add(self, side: int, value: float) -> None:
        """One more."""
        self.n[side] += 1
        self.s[side] += value
        self.ss[side] += value * value

    @property
    def fell(self) -> float:
        """How much worse it is since."""
        return self.s[1] / self.n[1] - self.s[0] / self.n[0]

    @property
    def variance(self) -> float:
        """Of that."""
        spread = 0.0
        for side in (0, 1):
            mean = self.s[side] / self.n[side]
            spread += max(self.ss[side] / self.n[side] - mean * mean, 1e-6) / self.n[side]
        return spread


def _weights(said: Sequence[Said]) -> dict[tuple[int, str], float]:
    counts = Counter((each.side, each.unit) for each in said)
    return {key: 1 / n for key, n in counts.items()}


@lru_cache(maxsize=65_536)
def half(unit: str) -> int:
    """Which half of the users somebody belongs to, always the same."""
    return sum(unit.encode()) % 2
