"""The sentences, pinned: a person woken at three in the morning reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeostat.records import words
from homeostat.records.action import Expectation
from homeostat.records.incident import Candidate, Entry, Incident
from homeostat.records.story import story
from homeostat.records.verdict import Verdict
from tests.act.found import DAY, HOUR, MINUTE, T0, finding


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mean(score.relevance)", "relevance"),
        ("share(signal.thumbs=-1)", "thumbs-down"),
        ("share(status=error)", "errors"),
        ("p95(latency_ms)", "p95 latency"),
        ("mean(latency_ms)", "latency"),
        ("mean(output_tokens)", "length of answers"),
        ("coverage(signal.human_requested)", "answers with human requested"),
        ("coverage(signals)", "answers with any signal"),
        ("coverage(score.safety)", "answers with a score of safety"),
        ("mean(score.bias)", "bias score"),
        ("coverage(score.bias)", "answers with a score of bias"),
        ("share(latency_ms > 2000)", "latency above 2000"),
        ("share(latency_ms.gte=2000)", "latency at least 2000"),
        ("share(score.answered.lt=0.5)", "answers with answered below 0.5"),
        ("share(score.relevance<0.5)", "answers with relevance below 0.5"),
        ("count(score.relevance.lt=0.5)", "number of answers with relevance below 0.5"),
        ("share(status.not=ok)", "status other than ok"),
        ("share(output.contains=sorry)", "output with 'sorry'"),
        ("share(signal.correction.exists=true)", "answers with correction"),
        ("sum(cost)", "cost"),
        ("my own words", "my own words"),
    ],
)
def test_measures_as_people_say_them(name: str, said: str) -> None:
    assert words.measure(name) == said


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        (0.8412, "mean(score.relevance)", "0.841"), (0.1 + 0.2, "", "0.3"),
        (0.0239, "share(signal.thumbs=-1)", "2.39 %"),
        (1893.2, "mean(latency_ms)", "1.89 s"), (412.0, "mean(latency_ms)", "412 ms"),
        (0.00123, "mean(cost)", "$0.00123"),
        (48210.0, "count(answers)", "48,210"), (0.0, "", "0"), (None, "", "–"), (float("nan"), "", "–"),
        (-0.166, "mean(score.x)", "-0.166"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits_and_a_unit(value: float | None, name: str, said: str) -> None:
    assert words.number(value, name) == said


@pytest.mark.parametrize(
    ("measure", "against", "said"),
    [
        ("mean(score.relevance)", "release", "812 users"), ("mean(score.relevance)", "reference", "812 answers"),
        ("share(signal.thumbs=-1)", "reference", "812 signals"), ("mean(latency_ms)", "segment", "812 answers"),
        ("coverage(signal.thumbs)", "reference", "812 answers"),
    ],
)  # fmt: skip
def test_a_number_says_what_it_was_made_of(measure: str, against: str, said: str) -> None:
    assert words.finding(finding(measure, against=against)).endswith(f", {said}.")


@pytest.mark.parametrize(
    ("per_month", "said"),
    [
        (1 / 120, "about once in 10 years"), (1 / 1100, "about once in 90 years"), (1 / 30, "about once in 2 years"),
        (1 / 6, "about once in 6 months"), (1.0, "about once a month"), (2.0, "about twice a month"),
        (5.0, "about 5 times a month"),
    ],
)  # fmt: skip
def test_chance_in_ordinary_time(per_month: float, said: str) -> None:
    assert words.chance(per_month) == f"chance alone would do this {said}"


def test_chance_beyond_words() -> None:
    assert words.chance(1e-9) == words.chance(0.0) == "chance alone would hardly ever do this"


def test_a_finding_in_a_sentence() -> None:
    seen = finding(segment={"plan": "premium", "language": "de"})
    assert words.finding(seen) == (
        "Relevance fell in premium · de since Tue 3 Mar 14:00: 0.84 → 0.71 (0.67 to 0.75), 812 answers."
    )
    drawn = finding(against="threshold", reference=0.75)
    assert words.finding(drawn) == (
        "Relevance fell below 0.75 since Tue 3 Mar 14:00: 0.71 (0.67 to 0.75), 812 answers."
    ), "the line is not what was before"
    assert words.surely(drawn) == "a plain threshold: how often chance alone crosses it is not known"
    counted = finding(
        measure="count", against="threshold", direction="up", reference=1.0, value=176.0, low=176.0, high=176.0
    )
    assert ": 176, 812 answers." in words.finding(counted)
    silent = finding(against="silence", value=None, low=None, high=None)
    assert words.finding(silent) == "Relevance has not been measured since Tue 3 Mar 14:00."


def test_a_verdict_says_what_may_be_claimed() -> None:
    worked = Verdict(1, "p", T0, "worked", "randomised", "mean(score.relevance)", 0.12, 0.08, 0.16, 640, "caused")
    assert words.verdict(worked) == (
        "WORKED: relevance rose by 0.12 (0.08 to 0.16), 640 users. Randomised: users were put to both sides by chance. "
        "The action caused it."
    )
    fell = Verdict(1, "p", T0, "worked", "before-after", "share(signal.thumbs=-1)", -0.05, -0.07, -0.03, 90,
                   "back-inside-band")  # fmt: skip
    assert "thumbs-down fell by 5 points (3 to 7), 90 users." in words.verdict(fell)
    either = replace(fell, high=0.01, evidence={"notes": ["less-than-expected"]})
    assert "thumbs-down moved by -5 points (-7 to 1), 90 users. It is less than was expected." in words.verdict(either)
    unknown = Verdict(1, "p", T0, "not-enough-data", "none", "mean(cost)", None, None, None, 1, "nothing", final=False)
    assert words.verdict(unknown) == (
        "so far NOT ENOUGH DATA: cost: no estimate yet, 1 user. Nothing may be claimed yet."
    )


def test_an_expectation_in_a_sentence() -> None:
    expects = Expectation("mean(score.relevance)", "up", 0.05, T0 + DAY, "holdback", {"plan": "free"}, low=0.8)
    assert words.expectation(expects) == (
        "relevance in free rises by 0.05 or more, back to 0.8 or more by Wed 4 Mar 14:00, compared with holdback"
    )


def test_the_story_of_an_incident_nobody_has_done_anything_about() -> None:
    candidates = (
        Candidate("provider", 0.8, ("the answers changed",), ("the questions too",), "Ask the pinned model."),
        Candidate("data", 0.17, ("more questions in de",), (), "Weigh."), Candidate("none", 0.03),
    )  # fmt: skip
    incident = Incident(
        7, "p", T0 + HOUR, T0, "critical", "open", "provider", candidates, (1, 2),
        (Entry(T0 + HOUR, "state", "opened: it fell"),), owner="ann",
    )  # fmt: skip
    found = [finding(id=1), finding(id=2, at=T0 + 45 * MINUTE), finding("mean(cost)", id=3, direction="up")]
    page = story(incident, found, [], {})
    assert page.splitlines()[:3] == [
        "Incident #7 · critical · open",
        "Relevance fell (and 1 more) since Tue 3 Mar 14:00.",
        "ann looks after it.",
    ]
    for line in (
        "  Tue 3 Mar 14:00 (between Tue 3 Mar 13:55 and Tue 3 Mar 14:05); told Tue 3 Mar 15:00. Times are UTC.",
        "  1. the provider's model behaves differently, 80%",
        "     for      the answers changed",
        "     against  the questions too",
        "  Unlikely: none.",
        "  nothing yet",
        "  · Ask the pinned model.",
    ):
        assert line in page.splitlines(), f"{line}\n{page}"
    assert page.count("Relevance fell since") == 1, "one stream is one line"
    assert max(len(line) for line in page.splitlines()) <= 110


def test_of_a_long_timeline_the_beginning_and_the_end_are_told() -> None:
    entries = tuple(Entry(T0 + n * MINUTE, "comment", f"line-{n}") for n in range(200))
    page = story(Incident(7, "p", T0, T0, "warning", "open", "none", (), (1,), entries), [finding()], [], {})
    assert "line-9\n" in page and "line-10\n" not in page and "  … 150 more" in page
    assert "line-160\n" in page and "line-159\n" not in page and page.endswith("line-199\n")


def test_the_title_tells_the_time_of_the_finding_that_it_names() -> None:
    """Of what came back, of what was found since."""
    early = finding("mean(latency_ms)", id=1, direction="up", onset=T0, chance_per_month=1.0)
    named = finding(id=2, onset=T0 + 20 * MINUTE)
    one = Incident(7, "p", early.at, T0, "warning", "open", "none", (), (1, 2))
    assert words.title(one, [early, named]) == "Relevance fell (and 1 more) since Tue 3 Mar 14:20"
    again = finding("mean(cost)", id=3, direction="up", onset=T0 + 5 * HOUR, chance_per_month=1.5)
    back = replace(one, reopened=1, timeline=(Entry(again.at, "state", "it came back", "", {"news": "reopened"}),))
    assert words.title(back, [early, named, again]) == "Cost rose since Tue 3 Mar 19:00"
