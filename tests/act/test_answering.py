"""What answers an incident, and what the answer is judged by."""

from __future__ import annotations

from typing import Any

import pytest

from homeostat.act import answering
from homeostat.act.answering import Facts
from homeostat.records.action import Action
from homeostat.records.incident import Candidate, Incident, Sight
from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from tests.act.found import T0, finding

FACTS = Facts(
    T0, policies={"default": Policy("default", 1, reshaped((), {"A": 1.0}))},
    releases={"A": Release("A", model="m", model_version="m-1", system="Answer.")},
)  # fmt: skip
LONGER = finding("mean(output_tokens)", direction="up", value=300.0, reference=200.0, rung="")
FEWER = finding("coverage(signals)", value=0.14, reference=1.0, rung="signal")
CONTENT = Sight("mean(score.content)", 0.84, 0.61)


def answers(cause: Any, moved: tuple[Sight, ...], *found: Any) -> list[Action]:
    candidates = (Candidate(cause, 0.9, moved=moved),)
    incident = Incident(1, "p", T0, T0, "warning", "open", cause, candidates, ())
    return answering.proposals(incident, found, FACTS)


def test_what_is_only_other_is_left_alone() -> None:
    assert answers("provider", (), LONGER) == []


def test_what_the_diagnosis_saw_get_worse_is_answered_and_must_come_back() -> None:
    (action,) = answers("provider", (CONTENT,), LONGER)
    assert (action.remedy, action.expects.measure, action.expects.direction) == ("fallback", CONTENT.measure, "up")
    assert action.expects.low == 0.725 and action.expects.at_least == (0.84 - 0.61) / 2
    (action,) = answers("provider", (CONTENT,), FEWER)
    assert (action.remedy, action.expects.measure) == ("fallback", CONTENT.measure)


def test_what_answers_take_is_no_measure_of_a_cure_where_they_were_seen_to_get_worse() -> None:
    dearer = finding("mean(cost)", direction="up", value=5e-5, reference=4.7e-5)
    (action,) = answers("provider", (CONTENT,), dearer)
    assert action.expects.measure == CONTENT.measure
    (action,) = answers("provider", (), dearer)
    assert action.expects.measure == "mean(cost)"


def test_what_a_monitor_found_comes_before_what_the_diagnosis_saw() -> None:
    (action,) = answers("provider", (CONTENT,), finding(), LONGER)
    assert action.expects.measure == "mean(score.relevance)"


def test_of_several_falls_the_one_that_the_diagnosis_found_clearest_must_come_back() -> None:
    finished = Sight("mean(score.finished)", 0.996, 0.796)
    early = finding(finished.measure, value=0.85, reference=0.996, chance_per_month=0.5, rung="engine")
    sure = finding()
    (action,) = answers("provider", (finished, CONTENT), sure, early, LONGER)
    assert (action.expects.measure, action.expects.at_least) == (finished.measure, (0.996 - 0.85) / 2)
    (action,) = answers("provider", (CONTENT,), sure, early)
    assert action.expects.measure == sure.measure, "the diagnosis did not look at either"
    segment = finding(segment={"plan": "free"})
    (action,) = answers("provider", (finished,), segment, early)
    assert action.expects.where == {"plan": "free"}, "what befalls some is not told by all"
    harm = Sight("mean(score.bias)", 0.99, 0.6)
    slight = finding(harm.measure, chance_per_month=2.0, rung="engine")
    (action,) = answers("provider", (harm, finished), sure, early, slight)
    assert action.expects.measure == finished.measure, "and it is no harm that it is about"


def test_a_slight_harm_beside_a_clearer_fall_is_not_what_must_come_back() -> None:
    """A vague prompt moved safety a little: 0.963 to 0.952 was surer than completeness, 0.85 to 0.62."""
    fell, harm = Sight("mean(score.completeness)", 0.85, 0.62), Sight("mean(score.safety)", 0.963, 0.952)
    clear = finding(fell.measure, value=0.62, reference=0.85, chance_per_month=1.0)
    slight = finding(harm.measure, value=0.952, reference=0.963, chance_per_month=0.5)
    (action,) = answers("provider", (fell, harm), clear, slight, LONGER)
    assert action.expects.measure == fell.measure and action.expects.control == "holdback"
    for moved, sure in (
        ((harm, fell), slight),
        ((fell,), slight),
        ((fell, harm), finding(harm.measure, chance_per_month=0.01)),
    ):
        fallback, stop = answers("provider", moved, clear, sure, LONGER)
        assert (fallback.expects.measure, fallback.expects.control) == (harm.measure, "before")
        assert stop.answer == "block"


@pytest.mark.parametrize(("score", "block"), [("bias", {}), ("discreet", {"detector": "private"}), ("civil", {})])
def test_where_answers_do_harm_nobody_is_held_back_and_a_block_stands_beside(score: str, block: dict[str, str]) -> None:
    fallback, stop = answers("provider", (), finding(f"mean(score.{score})"))
    assert (fallback.parameters["holdback"], fallback.expects.control) == (0.0, "before")
    assert stop.remedy == "block" and stop.parameters == {"name": "incident-1", **block}


def test_what_crossed_a_line_must_come_back_behind_it() -> None:
    crossed = finding(value=0.6, reference=0.8, against="threshold")
    (action,) = answers("provider", (), crossed)
    assert (action.expects.low, action.expects.at_least) == (0.8, pytest.approx(0.2))


def test_a_judge_is_judged_by_its_own_scores() -> None:
    lenient = Sight("mean(score.content)", 0.84, 0.97)
    (action,) = answers("judge", (lenient,), FEWER, finding())
    assert (action.expects.measure, action.expects.direction) == ("mean(score.content)", "down")
    own = finding("mean(score.content)", rung="judge", direction="up", value=0.97, reference=0.85)
    (action,) = answers("judge", (lenient,), own)
    assert action.expects.high == (0.97 + 0.85) / 2


def test_missing_signals_must_come_again() -> None:
    (action,) = answers("instrumentation", (), FEWER)
    assert (action.answer, action.expects.measure) == ("fix-instrumentation", "coverage(signals)")
