"""The sentences about findings, incidents, actions and verdicts. Page, API, notifiers and terminal take them from here.

Numbers have at most three significant digits and never stand without their interval and the users behind them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from homeostat.records.action import Action, Expectation
from homeostat.records.finding import LINES, OURS, Finding
from homeostat.records.incident import Candidate, Cause, Incident
from homeostat.records.instant import as_datetime
from homeostat.records.verdict import Verdict

_CALL: Final = re.compile(r"(\w+)\(([^()]*)\)")
_COMPARED: Final = re.compile(r"([\w.]+)\s*(<=|>=|!=|=|<|>)\s*(.+)")
_THUMBS: Final = {"-1": "thumbs-down", "0": "thumbs-down", "1": "thumbs-up"}
_PLAIN: Final = {
    "latency": "latency", "latency_ms": "latency", "ttft_ms": "time to first token", "ttft": "time to first token",
    "cost": "cost", "input_tokens": "length of prompts", "output_tokens": "length of answers",
    "status=error": "errors", "errors": "errors",
    # That bias fell would be good news, and is none: its score did.
    "bias": "bias score", "toxic": "toxic score",
}  # fmt: skip
#: Filters as the API has them: `score.relevance.lt=0.5`.
_SUFFIXES: Final = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "not": "!="}
_THAN: Final = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "!=": "other than"}
_CAUSES: Final[Mapping[Cause, str]] = {
    "release": "a release of ours",
    "provider": "the provider's model behaves differently",
    "data": "other questions arrive than before",
    "concept": "what a right answer is has changed",
    "knowledge": "the documents that answers rest on are stale or wrong",
    "judge": "the judge measures differently; the answers did not change",
    "feedback": "the feedback changed, the answers did not",
    "instrumentation": "what we are sent is incomplete; the answers may be fine",
    "none": "nothing that needs an answer",
    "homeostat": "a part of Homeostat stopped; the application may be fine",
}
_OUTCOMES: Final = {
    "worked": "WORKED", "no-effect": "NO EFFECT", "harmed": "HARMED", "not-enough-data": "NOT ENOUGH DATA",
}  # fmt: skip
_RUNGS: Final = {
    "randomised": "Randomised: users were put to both sides by chance.",
    "switchback": "Switchback: both took turns, in an order drawn at random.",
    "replay": "Replayed: the same questions were answered again.",
    "before-after": "Before and after only; other causes are not excluded.",
    "none": "",
}
_CLAIMS: Final = {
    "caused": "The action caused it.",
    "caused-by-turns": "The action caused it, if nothing carries over from one turn to the next.",
    "fixes-these-cases": "It fixes these cases; more is not known.",
    "back-inside-band": "It is back inside its band; without a control group nothing more may be claimed.",
    "nothing": "Nothing may be claimed yet.",
}


def measure(name: str) -> str:
    """`mean(score.relevance)` as a person says it: relevance."""
    called = _CALL.fullmatch(name.strip())
    if called is None:
        return _thing(name.strip())
    how, what = called.groups()
    said = _thing(what)
    if how in ("p50", "p90", "p95", "p99"):
        return f"{how} {said}"
    if how == "coverage":
        return _covered(what)
    if how == "count":
        return f"number of {said or 'answers'}"
    if how == "share" and said == _plain(what) and not _COMPARED.fullmatch(what):
        return f"share of {said}"
    return said


def number(value: float | None, name: str = "") -> str:
    """At most three significant digits, in the measure's unit; unknown is a dash."""
    if value is None or not math.isfinite(value):
        return "–"
    if name.startswith(("share(", "coverage(")):
        return f"{_digits(value * 100)} %"
    if "latency" in name or "ttft" in name:
        return f"{_digits(value / 1000)} s" if abs(value) >= 1000 else f"{_digits(value)} ms"
    if "cost" in name:
        return f"${_digits(value)}"
    return _digits(value)


def interval(value: float | None, low: float | None, high: float | None, name: str = "") -> str:
    """`0.71 (0.67 to 0.75)`."""
    if low is None or high is None or low == high:
        return number(value, name)
    return f"{number(value, name)} ({number(low, name)} to {number(high, name)})"


def when(at: int) -> str:
    """`Tue 3 Mar 14:05`: UTC, always."""
    moment = as_datetime(at)
    return f"{moment:%a} {moment.day} {moment:%b %H:%M}"


def where(segment: Mapping[str, str]) -> str:
    """`in premium · de`; empty: everywhere."""
    return f" in {' · '.join(segment.values())}" if segment else ""


def surely(found: Finding) -> str:
    """How often chance would do this; of a simple threshold nobody knows."""
    if found.against == "threshold":
        return "a plain threshold: how often chance alone crosses it is not known"
    if found.measure.startswith(OURS):
        return "it is a part of Homeostat"
    return chance(found.chance_per_month)


def chance(per_month: float) -> str:
    """How often nothing at all would look like this, in ordinary time."""
    if per_month <= 0 or 1 / per_month > 12_000:
        return "chance alone would hardly ever do this"
    months = 1 / per_month
    if months < 1:
        return f"chance alone would do this about {_times(per_month)} a month"
    if months < 23.5:
        return "chance alone would do this about once a month" if months < 1.5 else (
            f"chance alone would do this about once in {months:.0f} months")  # fmt: skip
    years = months / 12
    round_to = 10 ** max(0, math.floor(math.log10(years)))
    return f"chance alone would do this about once in {round(years / round_to) * round_to:.0f} years"


def finding(found: Finding) -> str:
    """What was seen: `Relevance fell in premium since Tue 3 Mar 14:05: 0.84 → 0.71 (0.67 to 0.75), 812 users.`"""
    if found.measure.startswith(OURS):
        return _stopped(found)
    if found.against == "silence":
        return (
            f"{_first(measure(found.measure))}{where(found.segment)} has not been measured since {when(found.onset)}."
        )
    head = f"{_first(measure(found.measure))} {_moved(found)}{_arm(found)}{where(found.segment)}"
    seen = interval(found.value, found.low, found.high, found.measure)
    if found.against == "segment":
        there = f"; {number(found.reference, found.measure)}{where(found.evidence.get('beside') or {})}"
        return f"{head} since {when(found.onset)}: {seen}{there}, {_of(found)}."
    shown = found.reference is not None and found.against not in LINES
    before = f"{number(found.reference, found.measure)} → " if shown else ""
    return f"{head} since {when(found.onset)}: {before}{seen}, {_of(found)}."


def _stopped(found: Finding) -> str:
    """A part of ours, with what it means for the one who reads it."""
    part, since = found.measure.removeprefix(OURS), when(found.onset)
    why = f" ({found.evidence['why'].rstrip('.')})" if found.evidence.get("why") else ""
    if part == "loader":
        return f"What arrives is kept, but has not been read since {since}: nothing is scored or watched meanwhile."
    if part == "watching":
        return f"Nothing has been watched since {since}{why}."
    return f"The {part} has not been watched since {since}{why}."


def _of(found: Finding) -> str:
    """What the number was made of: users, where each counts once; else every answer, or every signal of a kind."""
    if found.against == "release":
        return users(found.n)
    thing = "signal" if "signal." in found.measure and not found.measure.startswith("coverage(") else "answer"
    return f"1 {thing}" if found.n == 1 else f"{found.n:,} {thing}s"


def users(n: int) -> str:
    """The independent units behind a number."""
    return "1 user" if n == 1 else f"{n:,} users"


def cause(candidate: Candidate) -> str:
    """A cause in words, with what it blames."""
    subject = f" ({candidate.subject})" if candidate.subject else ""
    return f"{_CAUSES[candidate.cause]}{subject}"


def title(incident: Incident, findings: Sequence[Finding]) -> str:
    """The first line of everything about an incident: what a colleague would have said."""
    if not findings:
        return f"Incident #{incident.id}: {_CAUSES[incident.cause]}"
    # Of what came back the news are told, and with each finding its own time.
    findings = [each for each in findings if each.at >= incident.begun] or findings if incident.reopened else findings
    worst = headline(findings)
    others = len({(each.measure, *each.segment.items()) for each in findings}) - 1
    more = f" (and {others} more)" if others else ""
    if worst.against == "silence":
        return f"{finding(worst)[:-1]}{more}"
    arm = f" in release {worst.release}" if worst.release else ""
    said = f"{_first(measure(worst.measure))} {_moved(worst)}{arm}{where(worst.segment)}{more}"
    return f"{said} since {when(worst.onset)}"


def headline(findings: Sequence[Finding]) -> Finding:
    """The finding to name first: the gravest, the surest, the earliest."""
    order = {"critical": 0, "warning": 1, "watch": 2}
    return min(findings, key=lambda each: (order[each.severity], each.chance_per_month, each.at))


def state(incident: Incident) -> str:
    """Where it stands."""
    if incident.merged_into:
        return f"merged into #{incident.merged_into}"
    if incident.state == "closed":
        return f"closed {when(incident.closed)} by {incident.closed_by or 'nobody'}"
    again = f", came back {_times(incident.reopened)}" if incident.reopened else ""
    silent = f", silenced until {when(incident.silenced_until)}" if incident.silenced_until else ""
    owner = f" by {incident.owner}" if incident.owner and incident.state == "acknowledged" else ""
    return f"{incident.state}{owner}{again}{silent}"


def expectation(expects: Expectation) -> str:
    """What must be seen for an action to have worked."""
    way = "rises" if expects.direction == "up" else "falls"
    least = _change(number(expects.at_least, expects.measure))
    said = f"{measure(expects.measure)}{where(expects.where)} {way} by {least} or more"
    band = ""
    if expects.low is not None or expects.high is not None:
        low, high = (number(each, expects.measure) for each in (expects.low, expects.high))
        band = f", back to {low} or more" if expects.high is None else (
            f", back to {high} or less" if expects.low is None else f", back between {low} and {high}")  # fmt: skip
    against = f", compared with {expects.control}" if expects.control else ""
    return f"{said}{band} by {when(expects.by)}{against}"


def action(done: Action) -> str:
    """What was done, proposed, declined or taken back, by whom and why."""
    what = ", ".join(_told(done))
    why = f": {done.why}" if done.why else ""
    waits = done.error or done.result.get("undo_waits")
    trouble = f" ({waits})" if waits else ""
    told = f" ({what})" if what else ""
    against = _against(done)
    if against:
        return f"{when(done.ended or done.started or done.proposed)} · {done.remedy}{told} {against}{why}{trouble}"
    begun = done.started or done.proposed
    turns = done.result.get("turns")
    if turns and done.state == "doing":
        serves = done.parameters.get("to" if turns[-1][0] else "leaving")
        trouble += f" (turn {len(turns)} of {len(done.result['order'])}: {serves} serves)"
    agreed = str(done.result.get("approved_by") or done.by)
    who = done.by or "nobody" if agreed == done.by else f"{agreed}, as {done.by} proposed"
    return f"{when(begun)} · {done.remedy}{told} {done.state} by {who}{why}{trouble}"


def _against(done: Action) -> str:
    """Who said no, or took it back, and why; and whose it was. Empty: nobody."""
    whose = done.by or "nobody"
    if done.state == "declined":
        by, said = done.result.get("declined_by"), done.result.get("said")
        whose = f"proposed by {whose}"
    elif done.state in ("undoing", "undone") and not done.error:
        by, said = done.result.get("undone_by"), done.result.get("undone_why")
        agreed = done.result.get("approved_by") or whose
        whose = f"begun by {agreed}" if agreed == whose else f"begun by {agreed}, as {whose} proposed"
    else:
        return ""
    return f"{done.state} by {by or 'nobody'}{f': {said}' if said else ''}; {whose}{_withdrawn(done)}"


def _withdrawn(done: Action) -> str:
    """What of a dataset was taken back, and what was not."""
    if "withdrawn" not in done.result:
        return ""
    later = ", ".join(str(number) for number in done.result.get("still_in", ()))
    kept = f"; later versions still hold its items: {later}" if later else ""
    return f"; version {done.result['withdrawn']} is withdrawn{kept}"


def _told(done: Action) -> Iterator[str]:
    """What is set of an action; what a person shall do stands for itself, and names what it is about."""
    plain = str(done.parameters.get("what") or "").rstrip(".")
    if plain:
        yield plain
    for name, value in done.parameters.items():
        if isinstance(value, str | int | float) and value and name != "what" and not (plain and name == "subject"):
            yield f"{name} {value}"


def tried(told: Mapping[str, Any]) -> str:
    """What came of a draft that was tried before anybody said yes; empty: it is not over yet."""
    if not told.get("over"):
        return ""
    if told.get("why"):
        return f"The draft was not tried: {told['why']}."
    parts = []
    for each in told.get("sets", ()):
        name = each["measure"]
        seen = f"{measure(name)} {number(each['old'], name)} → {number(each['new'], name)}"
        low, high = each.get("low"), each.get("high")
        if each.get("estimate") is not None:
            seen += f", change {interval(each['estimate'], low, high, name)}"
        parts.append(f"on {each['n']} {each['questions']}: {seen}, {_OUTCOMES[each['outcome']]}")
    spent = f" It took {told.get('calls', 0)} calls, ${told.get('usd', 0.0):.2f}."
    return f"The draft was tried {'; '.join(parts)}.{spent}"


def verdict(came: Verdict) -> str:
    """What came of it, and what may be claimed."""
    head = _OUTCOMES[came.outcome] if came.final else f"so far {_OUTCOMES[came.outcome]}"
    if came.estimate is None:
        seen = f"{measure(came.measure)}: no estimate yet, {users(came.n)}."
    else:
        seen = f"{measure(came.measure)} {_way(came, came.estimate)}, {users(came.n)}."
    little = "It is less than was expected." if "less-than-expected" in came.evidence.get("notes", ()) else ""
    why = f"It could not be judged: {str(came.evidence['why']).rstrip('.')}." if came.evidence.get("why") else ""
    route = came.evidence.get("route")
    only = f"Only what names the route {route} counted: another one serves the same releases." if route else ""
    said = (head + ":", seen, why, only, little, _RUNGS[came.rung], _CLAIMS.get(came.claim, ""))
    return " ".join(part for part in said if part)


def _way(came: Verdict, estimate: float) -> str:
    """`rose by 0.12 (0.08 to 0.16)`; with a zero inside the interval nobody knows which way."""
    low, high = came.low, came.high
    if low is not None and high is not None and low < 0 < high:
        return f"moved by {_change(interval(estimate, low, high, came.measure))}"
    if estimate < 0 and low is not None and high is not None:
        low, high = -high, -low
    amount = _change(interval(abs(estimate), low, high, came.measure))
    return f"{'rose' if estimate >= 0 else 'fell'} by {amount}"


def _change(said: str) -> str:
    """Between two shares lie points: 5 % less than 10 % would be 9.5 %.

    >>> _change("5 % (3 % to 7 %)")
    '5 points (3 to 7)'
    """
    return said.replace(" % (", " points (").replace(" %)", ")").replace(" % to ", " to ").replace(" %", " points")


def _covered(what: str) -> str:
    """`coverage(signal.thumbs)`: answers with thumbs."""
    if what.startswith("score."):
        return f"answers with a score of {_plain(what).removesuffix(' score')}"
    return "answers with any signal" if what == "signals" else f"answers with {_plain(what)}"


def _thing(what: str) -> str:
    compared = _COMPARED.fullmatch(what)
    if compared is None:
        return _plain(what)
    field, sign, value = compared.groups()
    stem, _, suffix = field.rpartition(".")
    if sign == "=" and suffix in _SUFFIXES:
        field, sign = stem, _SUFFIXES[suffix]
    if sign == "=" and suffix == "exists":
        return f"answers {'without' if value.strip() == 'false' else 'with'} {_plain(stem)}"
    if sign == "=" and suffix == "contains":
        return f"{_plain(stem)} with {value.strip()!r}"
    if field.startswith("score.") and sign in _THAN:
        return f"answers with {_plain(field)} {_THAN[sign]} {value.strip()}"
    if field.endswith("thumbs") and sign == "=":
        return _THUMBS.get(value.strip(), "thumbs")
    if f"{field}={value}" in _PLAIN and sign == "=":
        return _PLAIN[f"{field}={value}"]
    if sign == "=":
        return f"{_plain(field)} {value.strip()}"
    return f"{_plain(field)} {_THAN.get(sign, sign)} {value.strip()}"


def _plain(field: str) -> str:
    name = field.removeprefix("score.").removeprefix("signal.")
    return _PLAIN.get(name, name.replace("_", " ").replace("-", " ") if "score." not in field else name)


def _moved(found: Finding) -> str:
    if found.against == "segment":
        return "is lower" if found.direction == "down" else "is higher"
    moved = "fell" if found.direction == "down" else "rose"
    if found.against in LINES and found.reference is not None:
        beyond = "below" if found.direction == "down" else "above"
        return f"{moved} {beyond} {number(found.reference, found.measure)}"
    return moved


def _arm(found: Finding) -> str:
    if not found.release:
        return ""
    return (
        f" in release {found.release}"
        if found.against != "release"
        else f" in release {found.release}, beside the other"
    )


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _times(n: float) -> str:
    return "once" if round(n) == 1 else "twice" if round(n) == 2 else f"{n:.0f} times"


def _digits(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(places, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
