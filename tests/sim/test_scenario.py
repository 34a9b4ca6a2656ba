"""Scenario files: thirty and more, all well formed, and whoever writes a wrong one is told what is allowed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from math import ceil, log
from pathlib import Path

import pytest

import homeostat.sim
from homeostat.sim.scenario import ACTIONS, CAUSES, GROUPS, ORDINARY, VERDICTS, named, names, parsed
from homeostat.sim.schema import BadScenario
from homeostat.sim.shop import shop

FIXED = {
    "bad-prompt-release", "silent-model-swap", "new-product", "return-policy-changed", "topic-shift", "verbose",
    "hallucination", "stale-knowledge", "toxic-slips", "judge-turns-lenient", "inert-fix", "weekend", "double-traffic",
    "marketing-campaign",
}  # fmt: skip
GOOD = """
name = "mine"
group = "quality"
story = "The model is rude on Mondays."
truth = { cause = "provider", action = "fallback", verdict = "worked" }
exchanges = 2000
onset = 800
oracle = 300
[[effect]]
kind = "answers"
fault = "toxic"
share = 0.1
where = { plan = "free" }
"""

POLICY = '[[policy]]\nat = "onset"\nshares = { Z = 1.0 }\n'
RELEASE = '[[release]]\nname = "A"\nfaults = { toxic = 0.6, vague = 0.5 }\n'


def test_there_are_thirty_and_the_fixed_names_among_them() -> None:
    assert len(names()) >= 30 and set(names()) >= FIXED
    for name in names():
        scenario = named(name)
        assert scenario.name == name
        assert (
            scenario.truth.cause in CAUSES and scenario.truth.action in ACTIONS and scenario.truth.verdict in VERDICTS
        )
        assert scenario.story and scenario.look and scenario.long_enough
    assert {named(name).group for name in names()} == set(GROUPS)


def test_a_new_one_is_one_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    scenario = named(str(file))
    assert (scenario.name, scenario.effects[0].where) == ("mine", {"plan": ("free",)})
    assert scenario.sized(4000).onset == 1600


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("share = 0.1", "shar = 0.1", "effect 1: unknown field `shar`; allowed are fault, share, where"),
        ("share = 0.1", "share = 1.1", "effect 1: `share` must be a number from 0 to 1, not 1.1"),
        ("share = 0.1", "", "effect 1: `share` is missing"),
        ('kind = "answers"', 'kind = "answer"', "effect 1: `kind` is one of answers, style, speed"),
        ('fault = "toxic"', 'fault = "rude"', "effect 1: `fault` must be one of verbose, off_topic"),
        ('plan = "free"', 'tariff = "free"', "effect 1: `where`: unknown field `tariff`; allowed are plan, channel"),
        ('cause = "provider"', 'cause = "weather"', "`truth`: `cause` must be one of release, provider"),
        (', verdict = "worked"', "", "`truth` needs `verdict`"),
        ("onset = 800", "onset = 1900", "`exchanges` of 2800 or more"),
        ("onset = 800", "onset = 2500", "`onset` (2500) comes after the end (2000 exchanges)"),
        ("oracle = 300", "", "`oracle` is missing"),
        ("exchanges = 2000", "exchanges = 20000", "`exchanges` must be a whole number from 200 to 15000"),
        ("oracle = 300", 'oracle = 300\nshape = "ramp"', "a ramp needs `over`"),
        ("oracle = 300", 'oracle = 300\nspeed = 3', "unknown field `speed`; allowed are name, group, story"),
        ("oracle = 300", 'oracle = 300\nstart = "soon"', "`start` is a time such as 2026-03-02T08:00:00Z"),
        ("[[effect]]", f"{POLICY}[[effect]]", "a policy names releases of this file (A)"),
        ("[[effect]]", f"{RELEASE}[[effect]]", "more than all answers"),
        ("[[effect]]", "[[effect]", "is not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(BadScenario) as refused:
        parsed(GOOD.replace(old, new), "mine.toml")
    assert said in str(refused.value)


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(BadScenario, match=r"no scenario 'nothing', and no such file. Known: bad-canary"):
        named("nothing")


def test_the_oracle_needs_what_the_file_says() -> None:
    """A sequential test that knows every truth, at one false alarm in 10,000: log(10,000) over the divergence."""

    def needed(before: float, after: float) -> int:
        parts = ((after, max(before, 0.001)), (1 - after, 1 - max(before, 0.001)))
        return max(5, ceil(log(1e4) / sum(a * log(a / b) for a, b in parts)))

    for name in names():
        scenario = named(name)
        whole = [one for one in scenario.effects if one.kind == "answers" and not one.where]
        if len(scenario.effects) == len(whole) == 1:
            fault, share = whole[0].values["fault"], whole[0].values["share"]
            base = ORDINARY.get(fault, 0.0)
            assert scenario.oracle == needed(base, share + (1 - share) * base), name
    worse = named("bad-prompt-release")
    assert worse.oracle == pytest.approx(needed(0.15, sum(worse.releases[1].faults.values())) * 10, abs=15)


def test_the_shop_knows_a_few_hundred_intents_and_thousands_of_phrasings() -> None:
    assert len(shop().intents) >= 240
    assert shop().phrasings("en") >= 3000 and all(shop().phrasings(language) > 150 for language in ("de", "fr", "es"))
    for intent in shop().intents:
        for said in intent.said.values():
            now, older, wrong = (said.pages[version] for version in ("now", "older", "wrong"))
            assert (now.answers, now.more) != (older.answers, older.more) and (now.answers, now.more) != (
                wrong.answers,
                wrong.more,
            )


def test_the_examples_in_the_code_hold() -> None:
    for module in pkgutil.iter_modules(homeostat.sim.__path__, "homeostat.sim."):
        assert doctest.testmod(importlib.import_module(module.name)).failed == 0, module.name
