"""A scenario: one small TOML file: what goes wrong, when, how much, for whom, and what would be right to do."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from homeostat.sim.faults import FAULTS
from homeostat.sim.people import facts
from homeostat.sim.schema import (
    BadScenario,
    Table,
    choice,
    count,
    flag,
    mapping,
    moment,
    number,
    share,
    some,
    table,
    text,
    time,
)  # fmt: skip
from homeostat.sim.shop import LANGUAGES, shop

CAUSES: Final = ("release", "provider", "data", "concept", "knowledge", "judge", "feedback", "instrumentation", "none")
ACTIONS: Final = (
    "rollback", "fallback", "update-prompt", "update-knowledge", "curate", "retrain", "block", "fix-judge",
    "fix-instrumentation", "none",
)  # fmt: skip
VERDICTS: Final = ("worked", "no-effect", "harmed", "not-enough-data", "none")
GROUPS: Final = ("quality", "model-drift", "data-drift", "concept-drift", "measuring", "bad-action", "benign")
MOST: Final = 15_000
_START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

#: Whom an effect concerns: customers, who answers them, and for answers what they ask about.
_WHOM: Final[Table] = {
    **{name: some(tuple(facts()["segments"][name])) for name in ("plan", "channel", "country")},
    "language": some(LANGUAGES), "release": some(),
}  # fmt: skip
_WHERE: Final[Table] = {
    **_WHOM,
    "group": some(tuple(shop().by_group)),
    "topic": some(tuple(dict.fromkeys(intent.topic for intent in shop().intents))),
}
_FAULTS: Final[Table] = {name: share() for name in FAULTS}
#: What a scenario can do to the world: the kinds of effect and their fields.
EFFECTS: Final[Mapping[str, Table]] = {
    "answers": {"fault": choice(tuple(FAULTS)), "share": share(), "where": mapping(_WHERE)},
    "style": {"share": share()},
    "speed": {"factor": number(0.1, 20)},
    "tokens": {"factor": number(0.1, 20)},
    "model-name": {"answered": text()},
    "product": {"name": text(), "share": share(), "wrong": share()},
    "writing": {"slang": share(), "synonyms": share(), "longer": number(1, 1.5)},
    "topics": {"groups": mapping({name: number(0, 50) for name in shop().by_group})},
    "languages": {"shares": mapping({name: share() for name in LANGUAGES})},
    "traffic": {"factor": number(0.1, 10), "new_users": share()},
    "bots": {"share": share()},
    "signals": {"kept": share(), "spam": share()},
    "judge": {
        "sensitivity": share(), "specificity": share(), "slow": number(0, 60), "fail": share(), "garbage": share(),
        "obeys": flag(), "where": mapping(_WHOM),
    },
}  # fmt: skip
_RELEASE: Final[Table] = {
    "name": text(), "model": text(), "answered": text(), "prompt": text(), "prompt_version": count(1, 10_000),
    "system": text(), "temperature": number(0, 2), "faults": mapping(_FAULTS),
}  # fmt: skip
_POLICY: Final[Table] = {"at": moment(), "shares": mapping(None), "why": text()}
_TRUTH: Final[Table] = {"cause": choice(CAUSES), "action": choice(ACTIONS), "verdict": choice(VERDICTS)}
_SCENARIO: Final[Table] = {
    "name": text(), "group": choice(GROUPS), "story": text(), "look": text(), "exchanges": count(200, MOST),
    "per_day": number(100, 1_000_000), "start": time(), "onset": count(1, MOST), "oracle": count(1, MOST),
    "shape": choice(("step", "ramp", "pulse")), "over": count(1, MOST), "begins": share(), "users": count(10, 100_000),
    "reviewed": share(), "truth": mapping(_TRUTH), "release": table(_RELEASE), "policy": table(_POLICY),
    "effect": table(None), "told": choice(("call", "trace")),
}  # fmt: skip
#: What an ordinary model of 2026 gets wrong, in 15 answers of 100.
ORDINARY: Final = {
    "incomplete": 0.035, "vague": 0.03, "wrong_detail": 0.02, "hallucinated": 0.02, "verbose": 0.015,
    "off_topic": 0.012, "cut_off": 0.005, "refusal": 0.005, "error": 0.008,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Served:
    """A release of the simulated application, and how often it goes wrong in which way."""

    name: str
    model: str = "gpt-4o-mini"
    answered: str = "gpt-4o-mini-2024-07-18"
    prompt: str = "support"
    prompt_version: int = 1
    system: str = ""
    temperature: float = 0.2
    faults: Mapping[str, float] = field(default_factory=lambda: dict(ORDINARY))


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the routing policy: from this exchange on."""

    at: int
    shares: Mapping[str, float]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that changes in the world from the onset on."""

    kind: str
    values: Mapping[str, Any]

    @property
    def where(self) -> Mapping[str, Sequence[str]]:
        """The segment that it is limited to."""
        found: Mapping[str, Sequence[str]] = self.values.get("where", {})
        return found


@dataclass(frozen=True, slots=True)
class Truth:
    """What is really the matter, what would be right to do about it, and what would come of that."""

    cause: str
    action: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that makes one story."""

    name: str
    group: str
    story: str
    truth: Truth
    exchanges: int
    onset: int
    oracle: int
    """Exchanges that somebody who knows the truth of every answer would need to be sure."""
    look: str = ""
    per_day: float = 16_000.0
    start: datetime = _START
    shape: str = "step"
    over: int = 0
    begins: float = 0.0
    """With how much of its effects a ramp begins."""
    users: int = 1_500
    reviewed: float = 0.0
    """The share of answers that annotators look at."""
    releases: tuple[Served, ...] = (Served("A"),)
    policy: tuple[Step, ...] = ()
    effects: tuple[Effect, ...] = ()
    told: str = "call"
    """How the application is instrumented: one span a call, or the whole trace of an answer."""

    @property
    def benign(self) -> bool:
        """Nothing is wrong: silence is right."""
        return self.truth.cause == "none"

    @property
    def long_enough(self) -> bool:
        """It lasts at least three times as long after the onset as an oracle needs."""
        return self.exchanges - self.onset >= 3 * self.oracle

    def intensity(self, number: int) -> float:
        """How strongly the effects hold at this exchange, 0 to 1."""
        if number < self.onset:
            return 0.0
        if self.shape == "ramp":
            return self.begins + (1.0 - self.begins) * min(1.0, (number - self.onset + 1) / self.over)
        if self.shape == "pulse":
            return 1.0 if number < self.onset + self.over else 0.0
        return 1.0

    def sized(self, exchanges: int) -> Scenario:
        """The same story told in another length."""
        by = exchanges / self.exchanges

        def at(number: int) -> int:
            return round(number * by)

        steps = tuple(replace(step, at=at(step.at)) for step in self.policy)
        return replace(self, exchanges=exchanges, onset=at(self.onset), over=max(1, at(self.over)), policy=steps)


def names() -> tuple[str, ...]:
    """The scenarios that come with the package."""
    return tuple(sorted(path.name[:-5] for path in _folder().iterdir() if path.name.endswith(".toml")))


def named(name: str) -> Scenario:
    """One that comes with the package, or a file. Raises BadScenario with what to do."""
    if name in names():
        return parsed(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")
    path = Path(name)
    if not path.is_file():
        raise BadScenario(f"There is no scenario {name!r}, and no such file. Known: {', '.join(names())}.")
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(f"{path.name} cannot be read as text: {error}") from error
    return parsed(source, path.name)


def _folder() -> Any:
    return files("homeostat.sim").joinpath("scenarios")


def parsed(source: str, file: str = "scenario") -> Scenario:
    """A scenario from TOML. Raises BadScenario, which says where, what is wrong, and what is allowed."""
    try:
        told = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise BadScenario(f"{file} is not TOML: {error}") from error
    checked = mapping(_SCENARIO).read(told, file)
    for name in ("name", "group", "story", "truth", "exchanges", "onset", "oracle"):
        if name not in checked:
            raise BadScenario(f"{file}: `{name}` is missing.")
    checked["truth"] = _truth(checked["truth"], file)
    rows = checked.pop("release", None) or [{"name": "A"}]
    checked["releases"] = tuple(_served(row, f"{file}: `release` {at}") for at, row in enumerate(rows, 1))
    checked["effects"] = tuple(
        _effect(row, f"{file}: effect {at}") for at, row in enumerate(checked.pop("effect", []), 1)
    )
    checked["policy"] = tuple(_step(row, checked) for row in checked.pop("policy", []))
    scenario = Scenario(**checked)
    _agrees(scenario, file)
    return scenario


def _truth(told: Mapping[str, str], file: str) -> Truth:
    missing = [name for name in _TRUTH if name not in told]
    if missing:
        raise BadScenario(f"{file}: `truth` needs {', '.join(f'`{name}`' for name in missing)}.")
    return Truth(**told)


def _served(row: Mapping[str, Any], place: str) -> Served:
    if "name" not in row:
        raise BadScenario(f"{place}: `name` is missing.")
    return Served(**row)


def _effect(row: Mapping[str, Any], place: str) -> Effect:
    kind = str(row.get("kind", ""))
    if kind not in EFFECTS:
        raise BadScenario(f"{place}: `kind` is one of {', '.join(EFFECTS)}.")
    values = mapping(EFFECTS[kind]).read({name: value for name, value in row.items() if name != "kind"}, place)
    required = {"answers": ("fault", "share"), "product": ("name", "share")}.get(kind, ())
    for name in required:
        if name not in values:
            raise BadScenario(f"{place}: `{name}` is missing.")
    if not values.keys() - {"where"}:
        raise BadScenario(f"{place} does nothing: it needs {' or '.join(f'`{name}`' for name in EFFECTS[kind])}.")
    return Effect(kind, values)


def _step(row: Mapping[str, Any], told: Mapping[str, Any]) -> Step:
    at = row.get("at", "start")
    after = {"start": 0, "onset": told["onset"]}
    return Step(after[at] if at in after else int(at), row.get("shares", {}), row.get("why", ""))


def _agrees(scenario: Scenario, file: str) -> None:
    """What no single field can show."""
    for wrong in (_lengths(scenario), _releases(scenario), _shares(scenario)):
        if wrong:
            raise BadScenario(f"{file}: {wrong}")


def _lengths(scenario: Scenario) -> str:
    if not scenario.onset < scenario.exchanges:
        return f"`onset` ({scenario.onset}) comes after the end ({scenario.exchanges} exchanges)."
    if not scenario.long_enough:
        needed = scenario.onset + 3 * scenario.oracle
        return f"it must last three times as long as an oracle needs: `exchanges` of {needed} or more."
    if scenario.shape != "step" and not scenario.over:
        return f"a {scenario.shape} needs `over`: during how many exchanges."
    late = [step.at for step in scenario.policy if step.at >= scenario.exchanges]
    return f"a policy begins with exchange {late[0]}, after the end." if late else ""


def _releases(scenario: Scenario) -> str:
    names = [release.name for release in scenario.releases]
    known = ", ".join(sorted(names))
    if len(set(names)) < len(names):
        return f"every release needs a name of its own ({known})."
    named = {name for effect in scenario.effects for name in effect.where.get("release", ())}
    if not named <= set(names):
        return f"`where` names releases of this file ({known})."
    if any(set(step.shares) - set(names) or not sum(step.shares.values()) for step in scenario.policy):
        return f"a policy names releases of this file ({known}) and their shares."
    return ""


def _shares(scenario: Scenario) -> str:
    for release in scenario.releases:
        if sum(release.faults.values()) > 1:
            return f"the faults of release {release.name} are more than all answers."
    for effect in scenario.effects:
        if effect.kind == "languages" and sum(effect.values.get("shares", {}).values()) > 1:
            return "the shares of languages are more than all customers."
    return ""
