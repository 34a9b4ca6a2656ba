"""A draft tried on the failing questions: paired, judged by the measure's scorer, and no more is claimed than that."""

from __future__ import annotations

from homeostat.records.action import Action, Expectation
from homeostat.records.release import Release
from homeostat.registry.declined import Declined
from homeostat.verify.replaying import messages, replayed

EXPECTS = Expectation("mean(score.groundedness)", "up", 0.1, 1_000)
ACTION = Action(7, "p", "prompt", "update-prompt", {}, EXPECTS, "proposed", "rule:answers")
OLD, NEW = Release("A", system="Answer.\n{{documents}}"), Release("A2", system="Answer from this only.\n{{documents}}")
PAGE = "A parcel takes three days. Returns are free within thirty days."
ITEMS = [{"input": f"How long does parcel {n} take?", "documents": [PAGE]} for n in range(20)]


def asked(release: Release, said: list[dict[str, str]]) -> str | None:
    assert PAGE in said[0]["content"] and said[-1]["role"] == "user"
    if release.name == "A":
        return "It takes eleven weeks, and a courier in a red hat brings a free television."
    return "A parcel takes three days."


def test_a_better_prompt_fixes_these_cases() -> None:
    found = replayed(ACTION, OLD, NEW, ITEMS, asked, at=5)
    assert not isinstance(found, Declined)
    verdict, pairs = found
    assert (verdict.outcome, verdict.rung, verdict.claim, verdict.final) == (
        "worked", "replay", "fixes-these-cases", False,
    )  # fmt: skip
    assert verdict.low is not None and verdict.low > 0
    assert len(pairs) == 20 and pairs[0].worth[1] > pairs[0].worth[0]


def test_the_same_prompt_fixes_nothing() -> None:
    found = replayed(ACTION, OLD, OLD, ITEMS, asked, at=5)
    assert not isinstance(found, Declined)
    assert found[0].outcome in ("no-effect", "not-enough-data") and found[0].claim == "nothing"


def test_a_model_that_is_away_says_nothing() -> None:
    found = replayed(ACTION, OLD, NEW, ITEMS, lambda release, said: None, at=5)
    assert not isinstance(found, Declined)
    assert (found[0].outcome, found[0].estimate, found[1]) == ("not-enough-data", None, [])


def test_only_a_scorer_can_judge() -> None:
    thumbs = Action(
        7, "p", "prompt", "update-prompt", {}, Expectation("share(signal.thumbs=-1)", "down", 0.1, 9), "proposed", ""
    )  # fmt: skip
    assert isinstance(replayed(thumbs, OLD, NEW, ITEMS, asked, at=5), Declined)


def test_a_conversation_is_asked_up_to_its_answer() -> None:
    """Items of a chat file, which have no input."""
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello!"},
             {"role": "user", "content": [{"type": "text", "text": "How long does parcel 1 take?"}]}]  # fmt: skip
    item = {"messages": [{"role": "system", "content": "An old prompt"}, *turns,
                         {"role": "assistant", "content": "Weeks."}], "documents": [PAGE]}  # fmt: skip
    assert messages(Release("B", system="Be kind."), item)[1:] == turns
    found = replayed(ACTION, OLD, NEW, [item], asked, at=5)
    assert not isinstance(found, Declined)
    assert [pair.input for pair in found[1]] == ["How long does parcel 1 take?"]


def test_documents_without_a_place_stand_behind_the_prompt() -> None:
    [system, user] = messages(Release("B", system="Be kind."), ITEMS[0])
    assert system["content"] == f"Be kind.\n\n{PAGE}"
    assert user["content"] == ITEMS[0]["input"]
