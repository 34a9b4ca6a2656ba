"""Which action answers an incident: by its cause, and by what the evidence says. Pure: facts in, proposals out.

What is proposed states what it expects, made from the finding that fired: the measure comes back by at least half of
what it lost, and lies nearer to what it was than to what it became.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from homeostat.act.monitors.defaults import HARMS
from homeostat.act.remedies import REMEDIES
from homeostat.records import words
from homeostat.records.action import Action, Expectation
from homeostat.records.comparison import Comparison
from homeostat.records.finding import LINES, Finding
from homeostat.records.incident import Candidate, Incident
from homeostat.records.policy import Policy
from homeostat.records.release import Release

#: Nobody is kept on a release whose answers do harm for the sake of a comparison.
HARMFUL: Final = tuple(f"score.{name}" for name in HARMS)
#: What an answer takes.
_TAKEN: Final = ("latency", "ttft", "cost", "tokens")
#: Facts about answers that are no judgement of them.
_COSTS: Final = (*_TAKEN, "error", "status")
#: Chance alone would do it less often than once a year.
_SURELY: Final = 1 / 12
HOUR: Final = 3_600_000_000
#: So many answers are to come in before a verdict is due.
ANSWERS_TO_JUDGE: Final = 2_000
#: However small a loss has become since the alert, so much of what the alert saw must come back.
_LEAST_LEFT: Final = 0.2


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when an answer is looked for."""

    at: int
    policies: Mapping[str, Policy] = field(default_factory=dict)
    releases: Mapping[str, Release] = field(default_factory=dict)
    comparisons: Sequence[Comparison] = ()
    per_hour: float = 600.0
    """Answers an hour, of late."""
    last_served: Mapping[str, str] = field(default_factory=dict)
    """By route: what served it before the change that is nearest to the onset."""
    gone: frozenset[str] = frozenset()
    """Releases that have served a route and serve none any more."""


def proposals(incident: Incident, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    """What could be done about it, best first; empty: nothing should be."""
    if not findings or incident.cause == "none":
        return []
    first = incident.candidates[0] if incident.candidates else Candidate(incident.cause, 1.0)
    answer = _ANSWERS.get(incident.cause)
    seen = _with_sight(first, findings)
    found = answer(incident, first, seen, facts) if answer else []
    if found and harming(findings) and harming(seen):
        found.append(_blocking(incident, findings, facts))
    return found


def harmful(measure: str) -> bool:
    """Does it tell of answers that did harm?"""
    return any(name in measure for name in HARMFUL)


def harming(findings: Sequence[Finding]) -> bool:
    """Did answers do harm? It is what the incident is about, or sure: other troubles move these scores a little too."""
    return harmful(main_finding(findings).measure) or _surely_harming(findings)


def _surely_harming(findings: Sequence[Finding]) -> bool:
    return any(harmful(one.measure) and one.chance_per_month <= _SURELY for one in findings)


def _with_sight(first: Candidate, findings: Sequence[Finding]) -> Sequence[Finding]:
    """What is to be answered for: of the findings that say that answers are worse, the one that the diagnosis, which
    saw more than an alert, found clearest. Where monitors saw only that answers are longer, or dearer, or signals
    fewer, and the diagnosis that answers are worse, what the diagnosis saw is what must come back."""
    judging, main = first.cause == "judge", main_finding(findings)
    if not first.moved:
        return findings
    if any(one.rung == "judge" if judging else _says_worse(one) for one in findings):
        settled = judging or main.segment or main.release or _surely_harming(findings)
        return findings if settled else _clearest(first, findings)
    sight = first.moved[0]
    direction: Any = "down" if sight.after < sight.before else "up"
    seen = replace(
        main, measure=sight.measure, value=sight.after, reference=sight.before, direction=direction, segment={},
        release="", against="reference",
    )  # fmt: skip
    return [seen] if judging else [seen, *findings]


def _clearest(first: Candidate, findings: Sequence[Finding]) -> Sequence[Finding]:
    """Without the findings that say less clearly than another one that answers are worse."""
    order = {sight.measure: number for number, sight in reversed(list(enumerate(first.moved)))}
    worse = [one for one in findings if _says_worse(one) and one.value is not None and not one.segment]
    known = [one for one in worse if one.measure in order and not harmful(one.measure)]
    if not known:
        return findings
    best = min(known, key=lambda one: (order[one.measure], one.chance_per_month))
    main = main_finding(findings)
    # Rare harm moves no mean of users: that the diagnosis does not see it is nothing against it.
    if harmful(main.measure) and order.get(main.measure, -1) < order[best.measure]:
        return findings
    return [one for one in findings if one is best or not _says_worse(one)]


def _judges(one: Finding) -> bool:
    """It tells that answers are worse, or cost more: not merely that they are other ones, or that less is told."""
    return bool(one.release) or (_matters(one) and "coverage(" not in one.measure)


def _says_worse(one: Finding) -> bool:
    """It tells that answers are worse, or none: not merely that they take more."""
    return _judges(one) and (bool(one.release) or not any(name in one.measure for name in _TAKEN))


def main_finding(findings: Sequence[Finding]) -> Finding:
    """The one to be answered for: what was found by comparing releases, then what people or scores say before what
    only costs or counts; the surest of those."""

    def order(one: Finding) -> tuple[bool, int, bool, float]:
        weak = 0 if _judges(one) else 2
        if not weak and any(name in one.measure for name in _COSTS):
            weak = 1
        return one.against != "release", weak, one.value is None, one.chance_per_month

    return min(findings, key=order)


def of_edit(incident: Incident, findings: Sequence[Finding], facts: Facts) -> Expectation:
    """What a change that people made by themselves is judged by: by what an answer of ours would be."""
    return expectation(_with_sight(incident.candidates[0], findings) if incident.candidates else findings, facts)


def expectation(findings: Sequence[Finding], facts: Facts, *, control: str = "before") -> Expectation:
    """What must be seen, in the measure that fired."""
    one = main_finding(findings)
    measure, value, reference = _for_each(one)
    by = facts.at + due_after(facts.per_hour)
    back: Any = "up" if one.direction == "down" else "down"
    if value is None or reference is None or value == reference:
        return Expectation(measure, "up" if value is None else back, 1e-6, by, control, dict(one.segment))
    # A line that somebody drew is where it must be again; else half of what it lost must come back.
    part = 1.0 if one.against in LINES else 0.5
    half = abs(reference - value) * part
    middle = value + (reference - value) * part
    low, high = (middle, None) if back == "up" else (None, middle)
    return Expectation(measure, back, half, by, control, dict(one.segment), low, high)


def lasting(expects: Expectation, now: float) -> Expectation:
    """With what the measure has been since the alert in the place of what the alert saw: it picked the worst stretch,
    and nobody picked what came after it. A fifth of what it saw is left at least: less nobody would have been told.

    >>> lasting(Expectation("m", "up", 0.2, 0, low=0.8), 0.9)
    Expectation(measure='m', direction='up', at_least=0.05, by=0, control='', where={}, low=0.95, high=None)
    """
    edge = expects.low if expects.direction == "up" else expects.high
    if edge is None:
        return expects
    way = 1 if expects.direction == "up" else -1
    before = edge + way * expects.at_least
    half = max(way * (before - now) / 2, _LEAST_LEFT * expects.at_least)
    middle = before - way * half
    low, high = (middle, None) if way > 0 else (None, middle)
    return replace(expects, at_least=half, low=low, high=high)


def due_after(per_hour: float) -> int:
    """How long until a verdict is due: about two thousand answers, from one hour to two days.

    >>> due_after(1000.0) // HOUR
    2
    """
    hours = ANSWERS_TO_JUDGE / max(per_hour, 1.0)
    return int(min(max(hours, 1.0), 48.0) * HOUR)


def of_comparison(found: Comparison, facts: Facts) -> Expectation:
    """What a rollback expects that a comparison asked for: the canary's users do as well as the others."""
    back: Any = "down" if found.harmful == "up" else "up"
    there, good = found.means
    by = facts.at + due_after(facts.per_hour)
    if there is None or good is None or there == good:
        return Expectation(found.measure, back, 1e-6, by, "canary")
    # A canary has few users: that they regained a third is what so few can prove, and noise cannot.
    regained = there + (good - there) / 3
    low, high = (regained, None) if back == "up" else (None, regained)
    return Expectation(found.measure, back, abs(good - there) / 3, by, "canary", {}, low, high)


def holdback_share(per_hour: float) -> float:
    """One user in twenty is enough where there are many; else one in ten."""
    return 0.05 if per_hour >= 2_000 else 0.1


def _release(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    suspect = _suspect(first, findings, facts)
    if not suspect:
        return []
    route = next((name for name, policy in facts.policies.items() if suspect in policy.shares), "")
    if not route:
        what = "Put back the release or prompt that served before: it is steered outside of here."
        return [_by_hand(incident, "rollback", what, first, expectation(findings, facts), facts)]
    policy = facts.policies[route]
    to = _target(policy, suspect, facts.last_served.get(route, ""))
    if not to:
        what = f"No release is known that {route} could go back to: name one."
        return [_by_hand(incident, "rollback", what, first, expectation(findings, facts), facts)]
    alone = policy.shares[suspect] >= 0.5
    held = holdback_share(facts.per_hour) if alone and not harming(findings) else 0.0
    # A canary always has users put there by chance beside it: that is what it is judged by, however little it says yet.
    compared = None if alone else _compared(route, suspect, facts)
    if compared is not None:
        expects = of_comparison(compared, facts)
    else:
        expects = expectation(findings, facts, control="holdback" if held else "before")
    parameters = {"route": route, "to": to, "leaving": suspect, "holdback": held}
    return [_action(incident, "rollback", parameters, expects, first, facts)]


def _compared(route: str, suspect: str, facts: Facts) -> Comparison | None:
    """The measure that says most against it, of those that can be told with an interval."""
    own = [one for one in facts.comparisons if (one.route, one.candidate) == (route, suspect) and min(one.users) >= 10]
    return max(own, key=lambda one: (one.low is not None, one.harm), default=None)


def _provider(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    if not any(_matters(one) for one in findings):
        return []
    for route, policy in facts.policies.items():
        leaving = next(iter(policy.shares))
        release = facts.releases.get(leaving)
        if release is None:
            continue
        held = 0.0 if harming(findings) else holdback_share(facts.per_hour)
        expects = expectation(findings, facts, control="holdback" if held else "before")
        told: dict[str, Any] = {"route": route, "leaving": leaving, "holdback": held}
        if release.fallbacks:
            told |= {"instead": release.fallbacks[0]}
        elif release.model_version and release.model_version != release.model:
            told |= {"model": release.model_version}
        else:
            other = next((each for each in facts.releases.values() if each.model not in ("", release.model)), None)
            if other is None:
                break
            told |= {"instead": other.name}
        return [_action(incident, "fallback", told, expects, first, facts)]
    what = "Pin the model's version, or let another model answer until this one is well again."
    return [_by_hand(incident, "fallback", what, first, expectation(findings, facts), facts)]


def _knowledge(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    what = f"Bring the documents up to date{_about(first)}."
    return [_by_hand(incident, "update-knowledge", what, first, expectation(findings, facts), facts)]


def _concept(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    """One new name, or one kind of question: knowledge is missing. Another way of speaking: the prompt must know it."""
    told = " ".join(first.supports)
    if told.count("“") >= 3 and "of the loss is in" not in told:
        return _prompting(incident, first, findings, facts)
    return _knowledge(incident, first, findings, facts)


def _data(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    if first.subject == "visits":
        return [_blocking(incident, findings, facts)]
    if first.subject == "languages" and any(_matters(one) for one in findings):
        return _prompting(incident, first, findings, facts)
    return []


def _judge(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    what = f"Calibrate the judge anew, or put its last version back{_about(first)}."
    return [_by_hand(incident, "fix-judge", what, first, expectation(findings, facts), facts)]


def _feedback(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    what = f"Leave the votes out that fit no answer, here and in every dataset{_about(first)}."
    return [_by_hand(incident, "curate", what, first, expectation(findings, facts), facts)]


def _instrumentation(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    what = f"Mend what the application sends{_about(first)}."
    return [_by_hand(incident, "fix-instrumentation", what, first, expectation(findings, facts), facts)]


_ANSWERS: Final[Mapping[str, Callable[[Incident, Candidate, Sequence[Finding], Facts], list[Action]]]] = {
    "release": _release, "provider": _provider, "knowledge": _knowledge, "concept": _concept, "data": _data,
    "judge": _judge, "feedback": _feedback, "instrumentation": _instrumentation,
}  # fmt: skip


def _prompting(incident: Incident, first: Candidate, findings: Sequence[Finding], facts: Facts) -> list[Action]:
    """A change of the prompt: the text comes later, from a model or a person."""
    expects = expectation(findings, facts)
    route, policy = next(iter(facts.policies.items()), ("", None))
    if policy is None:
        what = f"Tell the prompt what is asked now{_about(first)}."
        return [_by_hand(incident, "update-prompt", what, first, expects, facts)]
    leaving = next(iter(policy.shares))
    return [_action(incident, "prompt", {"route": route, "leaving": leaving, "share": 1.0}, expects, first, facts)]


def _blocking(incident: Incident, findings: Sequence[Finding], facts: Facts) -> Action:
    private = any(name in one.measure for name in ("privacy", "discreet") for one in findings)
    told: dict[str, Any] = {"name": f"incident-{incident.id}"}
    if private:
        told |= {"detector": "private"}
    first = incident.candidates[0] if incident.candidates else Candidate(incident.cause, 1.0)
    made = _action(incident, "block", told, expectation(findings, facts), first, facts)
    # It stands beside the first answer, and is named after it.
    return made if incident.cause == "data" else replace(made, proposed=facts.at + 1)


def _matters(one: Finding) -> bool:
    """It says that answers are worse, or dearer: not merely that they are other ones."""
    if any(name in one.measure for name in ("output_chars", "output_tokens", "length")):
        return False
    return one.value is None or any(name in one.measure for name in ("score.", "signal.", *_COSTS))


def _suspect(first: Candidate, findings: Sequence[Finding], facts: Facts) -> str:
    """The release that is blamed: by a comparison, by the diagnosis, else the one that serves the most. Empty: it
    serves nobody any more."""
    named = [one.release for one in findings if one.release]
    serving = {name for policy in facts.policies.values() for name in policy.shares}
    for name in (*named, first.subject):
        if name in serving:
            return name
    if facts.gone.intersection((*named, first.subject)):
        return ""
    return next((name for policy in facts.policies.values() for name in policy.shares), "")


def _target(policy: Policy, suspect: str, before: str) -> str:
    others = [name for name in policy.shares if name != suspect]
    if others and policy.shares[others[0]] > policy.shares[suspect]:
        return others[0]
    for name in (before, policy.previous_good, *others):
        if name and name != suspect:
            return name
    return ""


def _for_each(one: Finding) -> tuple[str, float | None, float | None]:
    """A measure that has a value for each exchange: a quantile becomes the share beyond what it was."""
    name, _, rest = one.measure.partition("(")
    if name[:1] == "p" and name[1:].replace(".", "").isdigit() and one.reference is not None and one.value is not None:
        level = 1 - float(name[1:]) / 100
        return f"share({rest.rstrip(')')}>{one.reference:g})", min(1.0, level * 3), level
    return one.measure, one.value, one.reference


def _about(first: Candidate) -> str:
    return f": {first.subject}" if first.subject else ""


def _action(
    incident: Incident, remedy: str, parameters: Mapping[str, Any], expects: Expectation, first: Candidate,
    facts: Facts, *, answer: str = "",
) -> Action:  # fmt: skip
    why = f"{words.cause(first)}: {'; '.join(first.supports[:2])}" if first.supports else words.cause(first)
    return Action(
        0, incident.project, remedy, answer or REMEDIES[remedy].answer, parameters, expects, "proposed",
        "rule:answers", why[:2_000], incident.id, facts.at,
    )  # fmt: skip


def _by_hand(
    incident: Incident, answer: str, what: str, first: Candidate, expects: Expectation, facts: Facts
) -> Action:  # fmt: skip
    parameters = {"what": what[:1_000], "subject": first.subject[:200], "evidence": list(first.supports[:4])}
    return _action(incident, "by-hand", parameters, expects, first, facts, answer=answer)
