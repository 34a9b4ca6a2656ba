"""The same rules for everybody: what is known goes in, causes with reasons come out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.act.diagnosis import Beside, Change, Evidence, Moved, Shift, Topic, Volume, diagnose
from homeostat.act.diagnosis.evidence import family
from homeostat.records.comparison import Comparison
from homeostat.records.incident import CAUSES, Cause
from tests.act.found import DAY, HOUR, MINUTE, T0, finding


def moved(measure: str, kind: Any, z: float, before: float = 0.84) -> Moved:
    return Moved(measure, kind, before, before + z * 0.01, 0.01, 400)


RELEVANCE = moved("mean(score.relevance)", "text", -8)
STILL = (moved("mean(score.relevance)", "text", 0.5), moved("mean(score.safety)", "text", -1),
         moved("coverage(signal.came_back)", "behaviour", 1))  # fmt: skip
ALIKE = Shift("words", 0.0, -1.0, "words of the questions")
LOOKED: dict[str, Any] = {"looked": True, "answers": (3000, 2000), "inputs": (ALIKE,)}
SIDES = Beside("B", "A", "mean(score.relevance)", "text", (0.76, 0.76), 0.0, 0.01, (60, 500))
PUT = Change(T0, "policy", "B", "the route default went to B 100%")

CASES: dict[str, tuple[Cause, Evidence]] = {
    "users of one arm do worse": ("release", Evidence((finding(release="B", against="release"),))),
    "a policy changed where it began": (
        "release",
        Evidence((finding(),), moved=(RELEVANCE,), changes=(PUT,), **LOOKED),
    ),
    "nothing of ours changed and all answers are worse": (
        "provider",
        Evidence((finding(),), moved=(RELEVANCE,), **LOOKED),
    ),
    "a few answers that do harm, too few for a mean of users": (
        "provider",
        Evidence(
            (finding("mean(score.bias)", value=0.879, reference=0.89, chance_per_month=0.1),),
            moved=(Moved("mean(score.bias)", "text", 0.885, 0.877, 0.005, 800),), **LOOKED,
        ),
    ),
    "what would have been seen again and is not there": (
        "none",
        Evidence(
            (finding("mean(score.bias)", value=0.84, reference=0.89, chance_per_month=1.0),),
            moved=(Moved("mean(score.bias)", "text", 0.885, 0.884, 0.005, 800),), **LOOKED,
        ),
    ),
    "slower and dearer with nothing changed": (
        "provider",
        Evidence((finding("mean(latency_ms)"),), moved=(moved("mean(latency_ms)", "plain", 9),), **LOOKED),
    ),
    "a policy that changed a day later": (
        "provider",
        Evidence((finding(),), moved=(RELEVANCE,), changes=(replace(PUT, at=T0 + DAY),), **LOOKED),
    ),
    "another language": (
        "data",
        Evidence(
            (finding(),), moved=(RELEVANCE,), **LOOKED | {"inputs": (Shift("languages", 0.3, 20.0, "de 5 % → 40 %"),)}
        ),
    ),
    "the same few texts again and again": (
        "data",
        Evidence(
            (finding("mean(output_tokens)"),), flood=(0.2, "buy cheap followers"),
            moved=(moved("mean(output_tokens)", "plain", -6), moved("mean(input_tokens)", "plain", -9)),
            new_words={"cheap": 0.1}, **LOOKED | {"inputs": (Shift("words", 0.1, 8.0, "cheap 0 % → 10 %"),)},
        ),
    ),
    "words nobody knew": (
        "concept",
        Evidence(
            (finding(),), moved=(RELEVANCE,), new_words={"aurora": 0.08}, topic=Topic(("aurora",), 0.9, 0.08, 9.0),
            documents=Shift("documents", 0.0, 0.0), **LOOKED,
        ),
    ),
    "one kind of question is worse, with the same documents": (
        "concept",
        Evidence(
            (finding("share(signal.thumbs=-1)", rung="signal"),),
            moved=(moved("mean(signal.thumbs)", "feedback", -6), *STILL),
            topic=Topic(("return", "refund"), 0.8, 0.12, 8.0), documents=Shift("documents", 0.0, 0.0), **LOOKED,
        ),
    ),
    "old documents": (
        "knowledge",
        Evidence((finding(),), moved=(RELEVANCE,), aged=300.0, documents=Shift("documents", 0.6, 30.0), **LOOKED),
    ),
    "only the judge is happier": (
        "judge",
        Evidence(
            (finding("mean(score.content)", rung="judge", direction="up"),),
            moved=(moved("mean(score.content)", "judge", 9), *STILL), **LOOKED,
        ),
    ),
    "another version of the scorer": (
        "judge",
        Evidence(
            (finding("mean(score.content)", rung="judge"),), moved=(moved("mean(score.content)", "judge", -9), *STILL),
            changes=(Change(T0, "scorer", "content@2", "content is measured by content@2"),), **LOOKED,
        ),
    ),
    "many more votes and nothing else": (
        "feedback",
        Evidence(
            (finding("share(signal.thumbs=-1)", rung="signal", direction="up"),),
            moved=(moved("mean(signal.thumbs)", "feedback", -9), *STILL),
            volumes=(Volume("thumbs", 0.08, 0.23, 12.0), Volume("came_back", 0.05, 0.05, 0.2)), **LOOKED,
        ),
    ),
    "signals stopped": (
        "instrumentation",
        Evidence(
            (finding("coverage(signals)"),), moved=STILL,
            volumes=(Volume("thumbs", 0.08, 0.002, -12.0), Volume("rating", 0.05, 0.001, -9.0)), **LOOKED,
        ),
    ),
    "fewer signals, says one monitor; looked at again they come, and the answers are worse": (
        "provider",
        Evidence(
            (finding("coverage(signals)"), finding()), moved=(RELEVANCE,),
            volumes=(Volume("thumbs", 0.08, 0.08, 0.1), Volume("rating", 0.05, 0.049, -0.2)), **LOOKED,
        ),
    ),
    "all kinds of signals come less, by a third": (
        "instrumentation",
        Evidence(
            (finding("coverage(signals)"),), moved=STILL,
            volumes=(
                Volume("thumbs", 0.08, 0.05, -5.0), Volume("rating", 0.05, 0.03, -4.0),
                Volume("answer_copied", 0.06, 0.04, -4.5), Volume("human_requested", 0.03, 0.02, -3.0),
            ), **LOOKED,
        ),
    ),
    "a monitor found it, and looked at again it is there": (
        "provider",
        Evidence((finding(),), moved=(moved("mean(score.relevance)", "text", -3),), **LOOKED),
    ),
    "a tenth of the users got another release when everybody lost": (
        "provider",
        Evidence((finding(),), moved=(RELEVANCE,), changes=(replace(PUT, share=0.1),), beside=(SIDES,), **LOOKED),
    ),
    "a tenth of the users got another release, and lost alone": (
        "release",
        Evidence(
            (finding(),), moved=(RELEVANCE,), changes=(replace(PUT, share=0.1),), gone=frozenset("B"),
            beside=(replace(SIDES, means=(0.3, 0.84), difference=-0.54),), **LOOKED,
        ),
    ),
    "a stream fell silent": ("instrumentation", Evidence((finding(against="silence", rung="model"),))),
    "the judge fell silent": ("judge", Evidence((finding(against="silence", rung="judge"),))),
    "weak, and gone when looked at again": (
        "none",
        Evidence((finding(chance_per_month=1.5, severity="watch"),), moved=STILL, **LOOKED),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_plain_case_has_its_cause_and_says_why(name: str) -> None:
    cause, evidence = CASES[name]
    first = diagnose(evidence)[0]
    assert first.cause == cause, diagnose(evidence)[:2]
    assert first.weight > 0.5 and first.supports and first.settle


def test_the_release_is_named() -> None:
    assert diagnose(CASES["a policy changed where it began"][1])[0].subject == "B"
    assert diagnose(CASES["users of one arm do worse"][1])[0].subject == "B"


def test_arms_that_do_alike_clear_the_release() -> None:
    alike = Comparison("p", "default", "mean(score.relevance)", "model", "B", "A", "down", 2, T0, T0 + DAY, 0.4, 90.0,
                       (400, 3000), (0.7, 0.7), 0.0, -0.02, 0.02)  # fmt: skip
    evidence = replace(CASES["a policy changed where it began"][1], comparisons=(alike,))
    assert diagnose(evidence)[0].cause == "provider"
    worse = replace(alike, harm=200.0, safe=0.1, estimate=-0.2, low=-0.3, high=-0.1)
    assert diagnose(replace(evidence, comparisons=(worse,)))[0].cause == "release"


def test_a_change_fits_better_the_closer_it_lies() -> None:
    evidence = CASES["a policy changed where it began"][1]

    def weight(at: int) -> float:
        found = diagnose(replace(evidence, changes=(replace(PUT, at=at),)))
        return next(each.weight for each in found if each.cause == "release")

    assert weight(T0) == weight(T0 - 10 * MINUTE) > weight(T0 - HOUR) > weight(T0 - 100 * MINUTE)
    assert weight(T0 + HOUR) < 0.2, "what came after cannot have begun it"


def test_who_measures() -> None:
    assert family("mean(score.relevance)", "model") == "text"
    assert family("mean(score.relevance)", "judge") == "judge"
    assert family("share(signal.thumbs=-1)", "signal") == "feedback"
    assert family("coverage(signal.human_requested)") == "behaviour"
    assert family("mean(latency_ms)") == "plain"


@given(
    st.lists(st.sampled_from(list(CASES)), min_size=1, max_size=3), st.booleans(), st.floats(-50, 50),
    st.sampled_from(["text", "judge", "human", "feedback", "behaviour", "plain"]),
)  # fmt: skip
def test_weights_are_weights_whatever_is_known(names: list[str], looked: bool, z: float, kind: Any) -> None:
    evidence = [CASES[name][1] for name in names]
    mixed = Evidence(
        findings=tuple(each for one in evidence for each in one.findings), looked=looked, answers=(1000, 500),
        moved=(*(each for one in evidence for each in one.moved), moved("mean(score.any)", kind, z)),
        changes=tuple(each for one in evidence for each in one.changes),
        volumes=tuple(each for one in evidence for each in one.volumes), topic=evidence[0].topic,
        aged=evidence[-1].aged, inputs=evidence[0].inputs,
    )  # fmt: skip
    found = diagnose(mixed)
    assert {each.cause for each in found} == set(CAUSES)
    assert sum(each.weight for each in found) == pytest.approx(1.0)
    assert [each.weight for each in found] == sorted((each.weight for each in found), reverse=True)
    assert found == diagnose(mixed)


def test_what_moved_is_what_the_cause_would_move() -> None:
    people, judge = moved("mean(signal.thumbs)", "feedback", -6.0), moved("mean(score.content)", "judge", -9.0)
    text, better = moved("mean(score.grounded)", "text", -12.0), moved("mean(score.fluent)", "text", 8.0)
    found = {each.cause: [one.measure for one in each.moved] for each in diagnose(
        Evidence(findings=(finding(),), looked=True, moved=(people, judge, text, better))
    )}  # fmt: skip
    assert found["provider"] == ["mean(score.grounded)", "mean(score.content)", "mean(signal.thumbs)"]
    assert found["judge"] == ["mean(score.content)"]
    alone = diagnose(Evidence(findings=(finding(),), looked=True, moved=(text,)))
    assert {each.moved for each in alone} == {()}, "another style moves small models too: people or a judge must say it"


def test_a_threshold_that_was_crossed_is_no_chance_that_goes_away() -> None:
    crossed = finding("share(status=error)", direction="up", value=0.36, reference=0.2, against="threshold",
                      chance_per_month=1.0, severity="critical")  # fmt: skip
    found = diagnose(Evidence(findings=(crossed,)))
    [nothing] = [each for each in found if each.cause == "none"]
    assert found[0].cause != "none" and not nothing.supports


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 1.0])
@pytest.mark.parametrize("beside", [(), (SIDES,), (replace(SIDES, means=(0.3, 0.84), difference=-0.54),)])
@pytest.mark.parametrize("gone", [frozenset(), frozenset("B")])
def test_the_sentences_of_one_page_do_not_contradict_each_other(share: float, beside: Any, gone: Any) -> None:
    put = replace(PUT, share=share)
    plain = moved("mean(latency_ms)", "plain", 9)
    known = Evidence((finding(),), moved=(RELEVANCE, plain), changes=(put,), beside=beside, gone=gone, **LOOKED)
    told = " ".join(text for one in diagnose(known) for text in (*one.supports, *one.contradicts))
    assert "where it began" in told
    assert "nothing of ours" not in told and "nothing changed by us" not in told
    assert ("all releases alike" in told) == ("do alike" in told) == (beside == (SIDES,))
    assert "will tell" not in told or (not gone and not beside)
