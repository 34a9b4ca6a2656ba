"""What the evidence shows, whichever cause is asked about: what changed near the onset, which answers moved, what fell
silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from homeostat.act.diagnosis.evidence import (
    FIRED,
    MOVED,
    Beside,
    Change,
    Evidence,
    Moved,
    Shift,
    Volume,
    about,
    family,
    ways,
)
from homeostat.records import words
from homeostat.records.comparison import Comparison

#: A change explains what begins within so long of it; detectors guess onsets that well.
REACH: Final = 7_200_000_000
_CLOSE: Final = 600_000_000
#: Kinds of changes that we made ourselves.
OURS: Final = ("release", "policy", "guard")
#: A change that fits so well explains something by itself.
ENOUGH: Final = 0.4
#: Releases beside each other differ beyond so many standard errors, in what a monitor found.
_APART: Final = 3.0
#: Of what was found, a release that did it alone lost so much at least: the whole lost only its part of that.
_ALONE: Final = 0.8
#: Who measures the answers themselves.
ANSWERS: Final = ("text", "human", "judge")
#: What is sent in is no measure of what comes out.
_SENT_IN: Final = "mean(input_tokens)"


def near(evidence: Evidence, kinds: Sequence[str]) -> list[tuple[float, Change]]:
    """Changes that could have begun it, the best first, with how well they fit (0 to 1): in time, and in how many users
    they concern."""
    if not evidence.findings:
        return []
    low, high = evidence.onset
    return sorted(_fits(evidence.changes, kinds, low, high), key=lambda each: -each[0])


def ours(evidence: Evidence) -> bool:
    """Something that we did would explain it."""
    return harmed(evidence) is not None or any(fit >= ENOUGH for fit, _ in near(evidence, OURS))


def _fits(changes: Iterable[Change], kinds: Sequence[str], low: int, high: int) -> Iterator[tuple[float, Change]]:
    for change in changes:
        if change.kind not in kinds:
            continue
        # What comes after the latest possible onset did not begin it; a detector's guess may be a little late.
        away = max(low - change.at, (change.at - high) * 3, 0)
        if away < REACH:
            yield (1.0 - max(0, away - _CLOSE) / REACH) * min(1.0, 2 * change.share), change


def worse(evidence: Evidence) -> bool:
    """Somebody who measures quality says that it is another one: not only lengths and costs."""
    return any(each.moved and each.family != "plain" for each in evidence.moved)


def harmed(evidence: Evidence) -> Beside | None:
    """The release that did what was found, by the answers since the onset: the other one beside it did not."""
    found = ways(evidence.findings)
    apart = [
        each for each in evidence.beside
        if abs(each.z) >= _APART and (about(each.measure), each.difference > 0) in found
        and abs(each.difference) >= _ALONE * (_found(evidence, each.measure) or 0.0)
    ]  # fmt: skip
    return max(apart, key=lambda each: abs(each.z), default=None)


def alike(evidence: Evidence) -> Comparison | Beside | None:
    """Two releases, put to users by chance, of which neither is worse: what happened, happened to both."""
    worse_one = any(each.release for each in evidence.findings) or harmed(evidence) is not None
    if worse_one or any(each.harm >= 20 for each in evidence.comparisons):
        return None
    compared = next((each for each in evidence.comparisons if each.safe >= 20 and each.harm < 5), None)
    if compared is not None:
        return compared
    sizes = ((each, _found(evidence, each.measure)) for each in evidence.beside)
    return next((each for each, size in sizes if size and each.still(size)), None)


def _found(evidence: Evidence, measure: str) -> float | None:
    """By how much a monitor saw it move."""
    sizes = [
        abs(each.value - each.reference) for each in evidence.findings
        if each.measure == measure and not each.segment and each.value is not None and each.reference is not None
    ]  # fmt: skip
    return max(sizes, default=None)


def answers_moved(evidence: Evidence) -> list[Moved]:
    """What measures the answers themselves, not the people who vote."""
    kinds = ("text", "human", "behaviour", "plain")
    found = [each for each in evidence.moved if each.moved and each.family in kinds and each.measure != _SENT_IN]
    return found or [each for each in evidence.moved if each.moved and each.family == "judge"]


def blind(evidence: Evidence) -> bool:
    """What a monitor found in the answers is too little to be seen in means of users: that these did not move denies
    nothing. A few answers that do harm are such."""
    for finding in evidence.findings:
        if finding.release or finding.segment or finding.value is None or finding.reference is None:
            continue
        shift = abs(finding.value - finding.reference)
        again = [each for each in evidence.moved if about(each.measure) == about(finding.measure)]
        if any(not each.moved and not each.still(shift) for each in again if each.family in ANSWERS):
            return True
    return False


def had_power(others: Sequence[Moved]) -> bool:
    """Some of what did not move would have been seen to move: scores by a twentieth, what people do by a third."""
    able = [
        each for each in others if each.still(0.05 if each.family in ("text", "human") else 0.33 * abs(each.before))
    ]
    return len(able) >= 2


def surely(shift: Shift | None) -> bool:
    return shift is not None and shift.z >= MOVED and shift.distance >= 0.03


def opinion(volume: Volume) -> bool:
    return family(f"count(signal.{volume.signal})") == "feedback"


def told(moved: Sequence[Moved], *, still: bool = False) -> str:
    order = sorted(moved, key=lambda each: -abs(each.z))[:3]
    if still:
        return ", ".join(f"{words.measure(each.measure)} {words.number(each.after, each.measure)}" for each in order)
    return ", ".join(
        f"{words.measure(each.measure)} {words.number(each.before, each.measure)} → "
        f"{words.interval(each.after, each.after - 2 * each.error, each.after + 2 * each.error, each.measure)}, "
        f"{words.users(each.n)}"
        for each in order
    )


def stopped(evidence: Evidence) -> list[Volume]:
    """Kinds of signals that come so much less often that no change of the answers would explain it: by half, or all
    kinds alike. People who are discontent do less of one thing and more of another."""
    gone = [each for each in evidence.volumes if each.ratio <= 0.5 and each.z <= -MOVED]
    less = [each for each in evidence.volumes if each.ratio <= 0.8 and each.z <= -FIRED]
    kept = [each for each in evidence.volumes if each.z >= -1.0 and each.before > 0]
    return less if len(less) >= 3 and len(kept) <= len(less) // 3 else gone
