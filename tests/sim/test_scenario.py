"""Scenario files: thirty and more, all well formed, and whoever writes a wrong one is told what is allowed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from datetime import UTC, datetime
from math import log
from pathlib import Path

import pytest

import homeostat.sim
from homeostat.sim.scenario import ACTIONS, CAUSES, GROUPS, ORDINARY, VERDICTS, Scenario, named, names, parsed
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
RUDE_JUDGE = '[[effect]]\nkind = "judge"\nfail = 0.5\n'
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
        ("oracle = 300", 'oracle = 300\nstart = "soon"', "`start` must be a time such as 2026-03-02T08:00:00Z"),
        ('plan = "free"', 'plan = "gold"', "`plan` must be one or a list of free, plus, premium, not 'gold'"),
        ('plan = "free"', 'release = "Z"', "`where` names releases of this file (A)"),
        ("[[effect]]", f'{RUDE_JUDGE}where = {{ group = "x" }}\n[[effect]]', "unknown field `group`; allowed are plan"),
        ("[[effect]]", '[[effect]]\nkind = "bots"\n[[effect]]', "effect 1 does nothing: it needs `share`"),
        ("[[effect]]", '[[release]]\nmodel = "m"\n[[effect]]', "`release` 1: `name` is missing"),
        ("[[effect]]", '[[release]]\nname = "A"\n' * 2 + "[[effect]]", "every release needs a name of its own"),
        ("[[effect]]", POLICY.replace("Z = 1.0", "A = 0.0") + "[[effect]]", "releases of this file (A) and their"),
        ("[[effect]]", POLICY.replace('"onset"', "3000").replace("Z", "A") + "[[effect]]", "with exchange 3000, after"),
        ("[[effect]]", '[[effect]]\nkind = "languages"\nshares = { de = 1, fr = 1 }\n[[effect]]', "than all customers"),
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


def test_a_file_that_is_no_text_and_a_moment_as_toml_writes_it(tmp_path: Path) -> None:
    (tmp_path / "photo.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadScenario, match=r"photo.toml cannot be read as text"):
        named(str(tmp_path / "photo.toml"))
    for said in ("2026-03-02T08:00:00Z", "2026-03-02T09:00:00+01:00", '"2026-03-02T08:00:00"'):
        assert parsed(f"start = {said}\n{GOOD}").start == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_the_shapes() -> None:
    """How strongly it holds: at once, more and more, or for a while; a ramp may begin with a part of it."""
    shapes = {
        "": [0, 0, 1, 1, 1, 1], 'shape = "ramp"\nover = 4': [0, 0, 0.25, 0.5, 0.75, 1],
        'shape = "pulse"\nover = 2': [0, 0, 1, 1, 0, 0],
        'shape = "ramp"\nover = 2\nbegins = 0.5': [0, 0, 0.75, 1, 1, 1],
    }  # fmt: skip
    for said, strengths in shapes.items():
        assert [parsed(f"{said}\n{GOOD}").intensity(number) for number in range(798, 804)] == strengths, said
    assert named("new-product").intensity(3000) * 0.12 == pytest.approx(0.03, abs=0.0001), "it begins at 3 percent"


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(BadScenario, match=r"no scenario 'nothing', and no such file. Known: bad-canary"):
        named("nothing")


def oracle(before: float, added: float, scenario: Scenario, seen: float = 1.0) -> int:
    """Exchanges until a sequential test at one false alarm in 10,000 is sure, where the truth of each is known and a
    share of the rest goes wrong in addition. Of what creeps in, the first ones hardly diverge. `seen`: the share of all
    exchanges that it concerns."""
    usual, gathered, exchanges = max(before, 0.001), 0.0, 0
    while gathered < log(1e4):
        after = before + (1 - before) * added * scenario.intensity(scenario.onset + exchanges)
        gathered += seen * (after * log(after / usual) + (1 - after) * log((1 - after) / (1 - usual)))
        exchanges += 1
    return max(5, exchanges)


def test_the_oracle_needs_what_the_file_says() -> None:
    """Where answers go wrong for everybody."""
    alone = [(name, *needed) for name in names() if (needed := oracle_of_a_fault(named(name)))]
    assert len(alone) >= 8 and [one for one in alone if one[1] != one[2]] == []
    assert named("new-product").oracle == oracle(ORDINARY["hallucinated"], 0.12 * 0.98 * 0.85, named("new-product"))


def oracle_of_a_fault(scenario: Scenario) -> tuple[int, int] | None:
    """What the file says and what is needed, where one fault of the answers is all that is planted."""
    whole = [one for one in scenario.effects if one.kind == "answers" and not one.where]
    if not len(scenario.effects) == len(whole) == 1:
        return None
    fault, share = whole[0].values["fault"], whole[0].values["share"]
    return scenario.oracle, oracle(ORDINARY.get(fault, 0.0), share, scenario)


@pytest.mark.parametrize("name", [name for name in names() if len(named(name).policy) > 1 and not named(name).effects])
def test_the_oracle_of_a_release(name: str) -> None:
    """By the fault that tells the most, or by all of them together; of the share of customers that it answers."""
    scenario = named(name)
    worse, seen = scenario.releases[-1].faults, scenario.policy[-1].shares["B"]
    told = {"any": (sum(ORDINARY.values()), sum(worse.values()))}
    told |= {fault: (ORDINARY.get(fault, 0.0), share) for fault, share in worse.items()}
    needed = [oracle(a, (b - a) / (1 - a), scenario, seen) for a, b in told.values() if b > a]
    assert any(scenario.oracle == pytest.approx(one, rel=0.03) for one in needed), needed


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
