"""A judge: a rubric, a form and a model. It makes prompts and reads answers; whoever runs it does the asking.

So the same judge works on live exchanges, on history, on files and in tests, sync or async.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final, Literal

from homeostat.analyze.judges import prompt as prompts
from homeostat.analyze.judges.degenerate import degenerate
from homeostat.analyze.judges.prompt import Prompt
from homeostat.analyze.judges.reading import Unreadable, Verdict, read
from homeostat.analyze.judges.rubrics import PLAIN, RUBRICS, Rubric
from homeostat.analyze.judges.suspicion import suspicion
from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored

#: Grows when prompts, walls or reading change: scores before and after are of different judges.
WORKING: Final = 1
_GOOD: Final = 0.5


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges one dimension by asking a language model.

    >>> Judge("relevance").begin(Case(output="  ", input="Where is my order?"), secret=b"s")
    Scored(value=0.0, label='bad', reason='The answer is empty.')
    """

    dimension: str
    form: Literal["rubric", "yes_no"] = "rubric"
    model: str = ""
    """The model to ask for; empty: the endpoint's own."""
    jury: tuple[str, ...] = ()
    """Models that judge together: the median counts, if more than half of them give a verdict."""
    task: str = ""
    """A task in the user's own words instead of ours; may not contain variables."""
    fault: str = ""
    """Their own question; YES means bad."""
    levels: tuple[str, ...] = ()
    """Their own five levels, worst first."""
    extra: str = ""
    """Put after the task: what is special about this application."""

    rung: ClassVar[Rung] = "judge"

    def __post_init__(self) -> None:
        if self.dimension not in RUBRICS and not (self.task and self.fault):
            known = ", ".join(RUBRICS)
            raise ValueError(f"{self.dimension!r} has no rubric of ours ({known}): give it a task and a fault.")
        if self.form not in ("rubric", "yes_no"):
            raise ValueError("form is rubric or yes_no.")
        if len(self.jury) > 9:
            raise ValueError("a jury has at most nine members.")
        if self.levels and len(self.levels) != 5:
            raise ValueError("levels are five sentences, worst first.")

    @property
    def name(self) -> str:
        return self.dimension

    @property
    def rubric(self) -> Rubric:
        """Ours, with what the user changed; of a dimension of their own, theirs."""
        ours = RUBRICS.get(self.dimension)
        if ours is None:
            # Without levels of their own the fault says what the plain ones are about.
            task = self.task if self.levels else f"{self.task}\n\nThe fault to look for: {self.fault}"
            ours = Rubric(self.dimension, task, self.fault, PLAIN)
        else:
            ours = replace(ours, task=self.task or ours.task, fault=self.fault or ours.fault)
        if not self.levels:
            return ours
        levels = self.levels
        return replace(ours, levels=(levels[0], levels[1], levels[2], levels[3], levels[4]))

    @property
    def version(self) -> str:
        """Another text, model or working is another version."""
        said = [WORKING, asdict(self), asdict(self.rubric)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:10]

    def begin(self, case: Case, *, secret: bytes) -> Prompt | Scored | Unscored:
        """What to ask; or the judgement at once, when there is nothing to ask."""
        nothing = degenerate(case.output)
        if nothing:
            return Scored(0.0, "bad", nothing)
        missing = [need for need in self.rubric.needs if not getattr(case, need)]
        if missing:
            return Unscored(f"there is no {missing[0].removesuffix('s')} to judge it by")
        found = suspicion(case)
        if found:
            return Unscored(f"suspicious: {found}; a human should look at it")
        make = prompts.rubric_prompt if self.form == "rubric" else prompts.yes_no_prompt
        return make(self.rubric, case, secret=secret, extra=self.extra)

    def end(self, text: str, prompt: Prompt, *, chance: float | None = None) -> Scored | Unscored:
        """What the judge's answer says. `chance`: its probability of NO, where the endpoint tells."""
        verdict = read(text, prompt)
        if isinstance(verdict, Unreadable):
            return Unscored(verdict.why)
        value = chance if chance is not None and self.form == "yes_no" else verdict.value
        return Scored(round(value, 4), "good" if value >= _GOOD else "bad", verdict.reasons)


def jury(verdicts: Sequence[Scored | Unscored]) -> Scored | Unscored:
    """Several judges' word: the median, if more than half of them gave one; their discord is part of the reason."""
    given = [verdict for verdict in verdicts if isinstance(verdict, Scored)]
    if 2 * len(given) <= len(verdicts):
        reasons = sorted({verdict.reason for verdict in verdicts if isinstance(verdict, Unscored)})
        return Unscored(f"only {len(given)} of {len(verdicts)} judges gave a verdict: {'; '.join(reasons)[:400]}")
    values = [verdict.value for verdict in given]
    value = statistics.median(values)
    reasons_given: list[Any] = [verdict.reason for verdict in given]
    spread = max(values) - min(values)
    return Scored(
        value, "good" if value >= _GOOD else "bad", {"judges": values, "spread": spread, "reasons": reasons_given}
    )


def compare(judge: Judge, first: Case, second: Case, *, secret: bytes) -> tuple[Prompt, Prompt] | Scored | Unscored:
    """The two questions of a pairwise comparison: the same pair in both orders. Against nothing, anything is better."""
    empty = degenerate(first.output), degenerate(second.output)
    if all(empty):
        return Unscored("neither is an answer")
    if any(empty):
        return Scored(*((0.0, "second") if empty[0] else (1.0, "first")), "".join(filter(None, empty)))
    found = suspicion(first) or suspicion(second)
    if found:
        return Unscored(f"suspicious: {found}; a human should look at it")
    rubric = judge.rubric
    return (
        prompts.pairwise_prompt(rubric, first, second, secret=secret),
        prompts.pairwise_prompt(rubric, second, first, secret=secret),
    )


def preferred(forward: Verdict | Unreadable, swapped: Verdict | Unreadable) -> Scored | Unscored:
    """1: the first is better, 0: the second. Who changes sides with the order has no preference."""
    if isinstance(forward, Unreadable):
        return Unscored(forward.why)
    if isinstance(swapped, Unreadable):
        return Unscored(swapped.why)
    value = (forward.value + 1 - swapped.value) / 2
    label = "first" if value > _GOOD else "second" if value < _GOOD else "neither"
    return Scored(
        value, label, {"reasons": [forward.reasons, swapped.reasons], "steady": forward.value == 1 - swapped.value}
    )
