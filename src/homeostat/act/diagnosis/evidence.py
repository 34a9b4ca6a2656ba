"""What a diagnosis looks at: everything that moved, and everything that changed, near the onset of an incident."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from homeostat.records.comparison import Comparison
from homeostat.records.finding import Finding

_SAID: Final = re.compile(r"(?:score|signal)\.\w+")
#: A share of what is low rises when the mean falls.
_LOW: Final = re.compile(r"=-1|<|\.lte?=")
Family = Literal["judge", "human", "text", "feedback", "behaviour", "plain"]
#: Signals by which people say what they think; all others are things that they do.
OPINIONS: Final = frozenset((
    "thumbs", "rating", "survey", "stars", "vote", "like", "dislike", "feedback", "csat", "nps", "score", "correction",
))  # fmt: skip
#: A measure counts as moved beyond so many standard errors: dozens are looked at, at a moment that one of them chose.
MOVED: Final = 4.0
#: What a monitor found by its own budget needs less when it is looked at again: it was not picked from dozens.
FIRED: Final = 2.5
#: Within so many it counts as unmoved, if it could have been seen to move at all.
STILL: Final = 2.5


@dataclass(frozen=True, slots=True)
class Moved:
    """One measure before the onset and since, with users as the units."""

    measure: str
    family: Family
    before: float
    after: float
    error: float
    """Standard error of the difference."""
    n: int
    """Users behind `after`."""
    fired: bool = False
    """A monitor found it, in the same direction."""

    @property
    def z(self) -> float:
        """The difference in standard errors."""
        return (self.after - self.before) / self.error if self.error > 0 else 0.0

    @property
    def moved(self) -> bool:
        """It is another one now."""
        return abs(self.z) >= (FIRED if self.fired else MOVED)

    def still(self, shift: float) -> bool:
        """It did not move, and a shift of that size would have been seen."""
        return abs(self.z) < STILL and self.error > 0 and shift / self.error > STILL + 1.0


@dataclass(frozen=True, slots=True)
class Beside:
    """One measure of two releases that served a route together since the onset, with users as the units."""

    candidate: str
    baseline: str
    measure: str
    family: Family
    means: tuple[float, float]
    """Since the onset, of the candidate and of the baseline."""
    difference: float
    """Candidate minus baseline, without what lay between them before the onset where both served then."""
    error: float
    """Its standard error."""
    users: tuple[int, int]

    @property
    def z(self) -> float:
        """The difference in standard errors."""
        return self.difference / self.error if self.error > 0 else 0.0

    def still(self, shift: float) -> bool:
        """They do alike, and a difference of that size would have been seen."""
        return abs(self.z) < STILL and self.error > 0 and shift / self.error > STILL + 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed near the onset, as the timeline tells it. Time: microseconds, event clock."""

    at: int
    kind: Literal["release", "policy", "guard", "model", "scorer"]
    """`release`, `policy`, `guard`: ours; `model`: another one answers; `scorer`: another version measures."""
    subject: str
    text: str
    share: float = 1.0
    """Of the traffic that it concerns: a tenth of the users does not move the whole."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a mix is from what it was: total variation beyond what chance gives, and how surely."""

    what: str
    distance: float
    z: float
    text: str = ""
    """What came and what went, in words."""


@dataclass(frozen=True, slots=True)
class Volume:
    """How many of a kind of signal come for each answer."""

    signal: str
    before: float
    after: float
    z: float

    @property
    def ratio(self) -> float:
        """After, by before."""
        return self.after / self.before if self.before else math.inf


@dataclass(frozen=True, slots=True)
class Topic:
    """The words of the questions that lost most, how much of the loss is theirs, and how much of the traffic."""

    words: tuple[str, ...]
    loss: float
    traffic: float
    z: float

    @property
    def concentrated(self) -> bool:
        """Most of the loss is in a small part of the traffic."""
        return self.z >= MOVED and self.loss >= 0.5 and self.loss >= 2.5 * self.traffic


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known. What nobody looked at is empty and speaks for nothing."""

    findings: tuple[Finding, ...] = ()
    looked: bool = False
    """Whether the warehouse was asked; without that only findings and changes speak."""
    answers: tuple[int, int] = (0, 0)
    """Looked at, before the onset and since."""
    moved: tuple[Moved, ...] = ()
    changes: tuple[Change, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    """Of releases that served at the onset; one that came later says nothing about it."""
    beside: tuple[Beside, ...] = ()
    """The same releases by their answers since the onset, also of those that serve nobody any more."""
    gone: frozenset[str] = frozenset()
    """Releases that serve nobody any more."""
    inputs: tuple[Shift, ...] = ()
    """Of what is asked and by whom: languages, words, length, users."""
    manner: Shift | None = None
    """Of the words of the answers."""
    models: tuple[str, ...] = ()
    """Names that answer since the onset and did not before."""
    volumes: tuple[Volume, ...] = ()
    topic: Topic | None = None
    new_words: Mapping[str, float] = field(default_factory=dict)
    """Words of questions that were unknown before, with the share of the questions that have them now."""
    flood: tuple[float, str] = (0.0, "")
    """Share of the questions that are a few texts again and again which nobody wrote before; one of them."""
    documents: Shift | None = None
    """Of the retrieved documents."""
    aged: float | None = None
    """Days by which what is retrieved is older than it was."""
    repeated: float = 0.0
    """Share of the new comments that are one and the same text."""
    givers: float = 0.0
    """Share of the new opinions that come from the busiest tenth of those who gave one, beyond what it was."""

    @property
    def onset(self) -> tuple[int, int]:
        """The interval in which it began: where the surest findings agree, else all of them."""
        low = max((each.onset_low for each in self.findings), default=0)
        high = min((each.onset_high for each in self.findings), default=0)
        if low <= high:
            return low, high
        first = min(self.findings, key=lambda each: each.onset_high - each.onset_low)
        return first.onset_low, first.onset_high


def marked(moved: Iterable[Moved], findings: Sequence[Finding]) -> tuple[Moved, ...]:
    """The same, with those marked that a monitor found moving that way, everywhere and on all releases."""
    fired = ways(findings)
    return tuple(replace(each, fired=(about(each.measure), each.after > each.before) in fired) for each in moved)


def ways(findings: Sequence[Finding]) -> set[tuple[str, bool]]:
    """What monitors found moving everywhere, and whether it rises."""
    return {(about(each.measure), _rising(each)) for each in findings if not each.segment and each.against != "silence"}


def about(measure: str) -> str:
    """What a measure is about, however it is summed: `score.relevance`, `signal.thumbs`, else itself."""
    found = _SAID.search(measure)
    return found[0] if found else measure


def _rising(finding: Finding) -> bool:
    """More thumbs down are a lower mean of thumbs; more answers below a line, a lower mean of the score."""
    return (finding.direction == "up") != bool(_LOW.search(finding.measure))


def family(measure: str, rung: str = "") -> Family:
    """Who measures it."""
    if rung in ("judge", "human"):
        return "judge" if rung == "judge" else "human"
    if "signal." in measure:
        name = measure.partition("signal.")[2].partition(")")[0]
        for end in "=<>!":
            name = name.partition(end)[0]
        return "feedback" if name.strip() in OPINIONS else "behaviour"
    return "text" if "score." in measure else "plain"
