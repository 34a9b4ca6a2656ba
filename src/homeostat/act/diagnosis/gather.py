"""Evidence of an open incident: what the warehouse knows about the answers before its onset and since."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from statistics import median
from typing import Any, Final

from homeostat.act.diagnosis import mixes
from homeostat.act.diagnosis.evidence import (
    MOVED,
    OPINIONS,
    Beside,
    Change,
    Evidence,
    Family,
    Moved,
    Shift,
    Topic,
    Volume,
    family,
)
from homeostat.act.diagnosis.mixes import Said
from homeostat.analyze.metrics.language import language
from homeostat.records.comparison import Comparison
from homeostat.records.finding import Finding
from homeostat.records.instant import as_datetime, micros
from homeostat.registry import timeline
from homeostat.store.ledger import Ledger, guards, policies
from homeostat.store.ledger.policies import Version
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import diagnosis as ask
from homeostat.store.warehouse.questions.diagnosis import Sides, Sums

_DAY: Final = 86_400_000_000
#: So far back the time before the onset is looked at, and at least so far.
BEFORE: Final = 2 * _DAY
#: Since the onset, the newest so much.
SINCE: Final = 2 * _DAY
_FEW: Final = 30
#: Of releases beside each other each has so many users, and so many pairs are looked at.
_FEW_BESIDE: Final = 12
_PAIRS: Final = 4
#: A comparison is sure of harm.
_SURELY: Final = 20.0
_NEW_MODEL: Final = 0.05
_LENGTHS: Final = (40, 80, 160, 320, 640, 1280)


def gather(
    ledger: Ledger,
    warehouse: Warehouse,
    project: str,
    found: Sequence[Finding],
    comparisons: Sequence[Comparison],
    *,
    now: int,
) -> Evidence:
    """Everything that is known up to `now` (µs, event clock)."""
    blank = Evidence(findings=tuple(found))
    low, high = blank.onset
    history = policies.history(ledger, project)
    blank = replace(
        blank, comparisons=tuple(_of_the_onset(comparisons, found, history, low, high)),
        beside=tuple(_beside(warehouse, project, found, history, low, now)), gone=_gone(history),
    )  # fmt: skip
    sides = Sides(project, max(0, low - BEFORE), low, max(min(high, now), low, now - SINCE), now)
    sides = ask.drawn_of(warehouse, sides)
    answers = ask.answers(warehouse, sides)
    if 1 in answers and answers.get(0, {"n": 0})["n"] < _FEW:
        sides = ask.drawn_of(warehouse, _thirds(sides, answers[1]["first"]))
        answers = ask.answers(warehouse, sides)
    counted = tuple(int(answers.get(side, {}).get("n", 0)) for side in (0, 1))
    first = min((int(side["first"]) for side in answers.values()), default=now)
    changes = tuple(_changes(ledger, project, low, now, first))
    if min(counted) < _FEW:
        return replace(blank, changes=changes)
    signals = ask.signals(warehouse, sides)
    volumes = tuple(_volumes(signals, counted[0], counted[1]))
    moved = [
        *_scored(ask.scores(warehouse, sides)), *_plain(ask.plain(warehouse, sides)), *_signalled(signals),
        *_behaved(volumes, signals),
    ]  # fmt: skip
    sample = ask.sample(warehouse, sides)
    questions = [Said(int(row["side"]), row["unit"], mixes.words_of(row["input"])) for row in sample]
    replies = [Said(int(row["side"]), row["unit"], mixes.words_of(row["output"])) for row in sample]
    told, aged = _documents(warehouse, sides, sample)
    opinions = ask.opinions(warehouse, sides, sorted(OPINIONS))
    return replace(
        blank,
        looked=True,
        answers=(counted[0], counted[1]),
        moved=tuple(moved),
        changes=(*changes, *_scorers(warehouse, sides)),
        inputs=tuple(_inputs(sample, questions)),
        manner=mixes.shift("manner", replies, "words of answers"),
        models=tuple(_models(answers)),
        volumes=volumes,
        topic=_topic(warehouse, sides, sample, questions, moved),
        new_words=mixes.new_words(questions),
        flood=mixes.flood([(int(row["side"]), row["input"]) for row in sample]),
        documents=told,
        aged=aged,
        repeated=_repeated(ask.comments(warehouse, sides)),
        givers=_busiest(opinions.get(1)) - _busiest(opinions.get(0)),
    )


def _thirds(sides: Sides, first: int) -> Sides:
    """An onset from which nothing is older cannot be compared with what was before: the first third with the last."""
    third = (sides.high - first) // 3
    return replace(sides, low=first, before=first + third, after=first + 2 * third)


def _changes(ledger: Ledger, project: str, low: int, now: int, first: int) -> Iterator[Change]:
    """`first`: when the first answer came. What was before it, nobody had known otherwise."""
    since, until = (_moment(at) for at in (low - _DAY, now))
    told = timeline.events(ledger, project, since=since, until=until, limit=200)
    served = _served(ledger, project)
    for at, event in told:
        if event["kind"] == "put":
            if event["version"] > 1 or micros(at) > first:
                names = ", ".join(f"{name} {share:.0%}" for name, share in event["shares"].items())
                told_so = f"the route {event['route']} went to {names}"
                yield Change(micros(at), "policy", _newest(event), told_so, _moved_by(event, told))
        elif event["kind"] == "rollback":
            yield Change(micros(at), "policy", _newest(event), f"the route {event['route']} was rolled back")
        elif event["kind"] in ("implicit", "seen"):
            fields = set(event["changed"] or ())
            if fields == {"model"}:
                subject = str(event["changed"]["model"]["to"])
                yield Change(micros(at), "model", subject, f"{subject} answers in the place of another model")
            elif fields:
                names = ", ".join(sorted(field.replace("_", " ") for field in fields))
                share = served.get(event["release"], 1.0)
                yield Change(micros(at), "release", event["release"], f"calls came with another {names}", share)
    for guard in guards.listed(ledger, project):
        if since <= guard.changed < until:
            yield Change(
                micros(guard.changed), "guard", guard.name, f"the guard {guard.name} was switched {guard.state}"
            )


def _served(ledger: Ledger, project: str) -> dict[str, float]:
    """The largest share that a release has had on any route, of those that policies name."""
    found: dict[str, float] = {}
    for version in policies.history(ledger, project):
        for name, share in version.policy.shares.items():
            found[name] = max(found.get(name, 0.0), share)
    return found


def _moved_by(event: Mapping[str, Any], told: Sequence[tuple[datetime, Mapping[str, Any]]]) -> float:
    """The share of the route's users whom a change of the policy put elsewhere."""
    before = next(
        (each["shares"] for _, each in told if each.get("route") == event["route"] and "shares" in each
         and each["version"] < event["version"]), None,
    )  # fmt: skip
    if before is None:
        newest = _newest(event)
        return float(event["shares"].get(newest, 1.0))
    names = {*before, *event["shares"]}
    return float(sum(abs(event["shares"].get(name, 0.0) - before.get(name, 0.0)) for name in names) / 2)


def _newest(event: Mapping[str, Any]) -> str:
    """The release that a change of shares is about: the one that is not the good one from before."""
    shares: Mapping[str, float] = event["shares"]
    others = [name for name in shares if name != event["previous_good"]] or list(shares)
    return min(others, key=lambda name: shares[name]) if others else ""


def _first_served(history: Sequence[Version]) -> dict[str, int]:
    """Since when a release has served by policy (µs)."""
    return {name: micros(version.at) for version in history for name in version.policy.shares}


def _gone(history: Sequence[Version]) -> frozenset[str]:
    """Releases that have served and serve nobody any more."""
    now: dict[str, Version] = {}
    for version in history:
        now.setdefault(version.policy.route, version)
    serving = {name for version in now.values() for name in (*version.policy.shares, *version.policy.pinned.values())}
    return frozenset(_first_served(history)) - serving


def _of_the_onset(
    comparisons: Sequence[Comparison], found: Sequence[Finding], history: Sequence[Version], low: int, high: int
) -> Iterator[Comparison]:
    """Those that say something about the onset. What came after it did not begin it; a guess of the onset may be a
    little early, but whatever came after the alarm did no harm before."""
    served = _first_served(history)
    alarm = min((each.at for each in found if each.onset_low <= high), default=high)
    for each in comparisons:
        first = max(served.get(each.candidate, 0), served.get(each.baseline, 0))
        if each.at >= low and (first <= high or (first <= alarm and each.harm >= _SURELY)):
            yield each


def _beside(
    warehouse: Warehouse, project: str, found: Sequence[Finding], history: Sequence[Version], low: int, now: int
) -> Iterator[Beside]:
    """Releases that a policy put beside each other after the onset, by what came while both served."""
    served, begun = _first_served(history), min((each.at for each in found), default=now)
    for (one, other), (start, end) in _together(history, low, now).items():
        candidate, baseline = (one, other) if served[one] >= served[other] else (other, one)
        if served[candidate] > begun:
            continue
        sides = Sides(project, max(0, low - BEFORE), low, max(start, end - SINCE), end)
        sides, names = ask.drawn_of(warehouse, sides), (candidate, baseline)
        scores = ask.scores_beside(warehouse, sides, names)
        told: dict[tuple[str, Family], dict[str, Mapping[int, Sums]]] = {}
        for (name, rung, release), sums in scores.items():
            told.setdefault((f"mean(score.{name})", family(f"mean(score.{name})", rung)), {})[release] = sums
        for (name, release), sums in ask.plain_beside(warehouse, sides, names).items():
            told.setdefault((name, "plain"), {})[release] = sums
        for (measure, kind), arms in told.items():
            yield from _differ(measure, kind, names, arms)


def _together(history: Sequence[Version], low: int, now: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Pairs of releases of one route, by the time in which policies had both since the onset. Of a release that another
    route serves as well, nobody knows here whose an answer is."""
    until: dict[str, int] = {}
    routes: dict[str, set[str]] = {}
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for version in history:
        start, end = max(low, micros(version.at)), until.get(version.policy.route, now)
        until[version.policy.route] = micros(version.at)
        if start >= end:
            continue
        for name in version.policy.shares:
            routes.setdefault(name, set()).add(version.policy.route)
        first, *others = sorted(version.policy.shares, key=lambda name: -version.policy.shares[name])
        for name in others:
            pair = (min(first, name), max(first, name))
            before = found.get(pair, (start, end))
            found[pair] = (min(start, before[0]), max(end, before[1]))
    alone = {pair: span for pair, span in found.items() if all(len(routes[name]) == 1 for name in pair)}
    return dict(list(alone.items())[:_PAIRS])


def _differ(
    measure: str, kind: Family, names: tuple[str, str], arms: Mapping[str, Mapping[int, Sums]]
) -> Iterator[Beside]:
    """Two releases in one measure since the onset, without what lay between them before."""
    since = [arms.get(name, {}).get(1) for name in names]
    candidate, baseline = since
    if candidate is None or baseline is None or min(candidate.users, baseline.users) < _FEW_BESIDE:
        return
    error = _error(candidate, baseline) ** 2
    difference = candidate.mean - baseline.mean
    earlier = [arms[name].get(0) for name in names]
    if earlier[0] and earlier[1] and min(earlier[0].users, earlier[1].users) >= _FEW_BESIDE:
        difference -= earlier[0].mean - earlier[1].mean
        error += _error(earlier[0], earlier[1]) ** 2
    users, means = (candidate.users, baseline.users), (candidate.mean, baseline.mean)
    yield Beside(*names, measure, kind, means, difference, math.sqrt(error), users)


def _scorers(warehouse: Warehouse, sides: Sides) -> Iterator[Change]:
    seen: dict[str, str] = {}
    for row in ask.scorers(warehouse, sides):
        before = seen.get(row["name"])
        if before is not None and before != row["scorer"]:
            text = f"{row['name']} is measured by {row['scorer']} instead of {before}"
            yield Change(int(row["first"]), "scorer", row["scorer"], text)
        seen[row["name"]] = row["scorer"]


def _models(answers: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    """Names that answer now to who asks for the same model as before: what we ask for is our own doing."""
    before, after = (answers.get(side, {}).get("models", {}) for side in (0, 1))
    asked, answered = {each[0] for each in before}, {each[1] for each in before}
    total = sum(after.values()) or 1
    for (wanted, name), n in sorted(after.items(), key=lambda pair: -pair[1]):
        if name and name not in answered and wanted in asked and n / total >= _NEW_MODEL:
            yield str(name)


def _scored(found: Mapping[tuple[str, str], Mapping[int, Sums]]) -> Iterator[Moved]:
    for (name, rung), sides in found.items():
        yield from _moved(f"mean(score.{name})", family(f"mean(score.{name})", rung), sides)


def _plain(found: Mapping[tuple[str], Mapping[int, Sums]]) -> Iterator[Moved]:
    for (name,), sides in found.items():
        yield from _moved(name, "plain", sides)


def _signalled(found: Mapping[tuple[str, str], Mapping[int, Sums]]) -> Iterator[Moved]:
    for (name, what), sides in found.items():
        if what == "value":
            yield from _moved(f"mean(signal.{name})", family(f"mean(signal.{name})"), sides)


def _behaved(volumes: Sequence[Volume], found: Mapping[tuple[str, str], Mapping[int, Sums]]) -> Iterator[Moved]:
    """What people do after an answer is told by how often they do it. Where all kinds stopped coming, nobody tells."""
    lost = [each for each in volumes if each.ratio <= 0.5 and each.z <= -MOVED]
    if len(lost) > 1:
        return
    for each in volumes:
        if each.signal not in OPINIONS and each.z:
            users = found[each.signal, "count"]
            n = users[1].users if 1 in users else 0
            error = abs((each.after - each.before) / each.z)
            yield Moved(f"coverage(signal.{each.signal})", "behaviour", each.before, each.after, error, n)


def _moved(measure: str, kind: Family, sides: Mapping[int, Sums]) -> Iterator[Moved]:
    before, after = sides.get(0), sides.get(1)
    if before is None or after is None or min(before.users, after.users) < _FEW:
        return
    yield Moved(measure, kind, before.mean, after.mean, _error(before, after), after.users)


def _error(one: Sums, other: Sums) -> float:
    """Standard error of the difference of two means."""
    # If they are alike, users differ as much on either side: a few who are all alike must not look surer than that.
    own = [side.variance * side.users for side in (one, other)]
    pooled = (own[0] * one.users + own[1] * other.users) / (one.users + other.users)
    error = math.sqrt(max(own[0], pooled) / one.users + max(own[1], pooled) / other.users)
    # A share that was nothing but zeros has no spread of its own: so little counts as one answer in all of them.
    return max(error, math.sqrt(1 / (one.n * one.n) + 1 / (other.n * other.n)))


def _volumes(found: Mapping[tuple[str, str], Mapping[int, Sums]], before: int, after: int) -> Iterator[Volume]:
    empty = Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for (name, what), sides in found.items():
        if what != "count":
            continue
        one, two = sides.get(0, empty), sides.get(1, empty)
        rates = one.s / before, two.s / after
        spread = (max(one.ss, 1.0) / before**2) + (max(two.ss, 1.0) / after**2)
        yield Volume(name, rates[0], rates[1], (rates[1] - rates[0]) / math.sqrt(spread))


def _inputs(sample: Sequence[Mapping[str, Any]], questions: Sequence[Said]) -> Iterator[Shift]:
    spoken = [Said(each.side, each.unit, frozenset((_language(row["input"]),))) for row, each in
              zip(sample, questions, strict=True)]  # fmt: skip
    long = [Said(each.side, each.unit, frozenset((_length(row["input_chars"]),))) for row, each in
            zip(sample, questions, strict=True)]  # fmt: skip
    found = (
        mixes.shift("languages", spoken, "languages of the questions"),
        mixes.shift("words", questions, "words of the questions"),
        mixes.shift("length", long, "length of the questions, in characters"),
    )
    yield from (each for each in found if each is not None)


@lru_cache(maxsize=4096)
def _language(text: str) -> str:
    """Looked up again and again: every look at an incident reads most of the texts that the one before read."""
    code, sure = language(text) if len(text) >= 20 else ("", 0.0)
    return code if sure > 0.9 else "unknown"


def _length(chars: int) -> str:
    return next((f"up to {most}" for most in _LENGTHS if chars <= most), "longer")


def _topic(
    warehouse: Warehouse,
    sides: Sides,
    sample: Sequence[Mapping[str, Any]],
    questions: Sequence[Said],
    moved: Sequence[Moved],
) -> Topic | None:
    """Where the loss is, by what moved most: scores and signals that are about one answer."""
    names = {_name(each.measure): each for each in moved if "." in each.measure and abs(each.z) >= 3.0}
    if not names:
        return None
    spread: dict[str, list[float]] = {}
    rows = ask.values(warehouse, sides, sorted(names))
    for row in rows:
        spread.setdefault(row["name"], []).append(row["mean"])
    sizes = {name: _deviation(values) for name, values in spread.items()}
    sums: dict[str, list[float]] = {}
    for row in rows:
        each = names[row["name"]]
        sign = 1.0 if each.z > 0 else -1.0
        sums.setdefault(row["trace"], []).append(sign * (row["mean"] - each.before) / sizes[row["name"]])
    loss = {
        at: sum(sums[row["trace"]]) / len(sums[row["trace"]]) for at, row in enumerate(sample) if row["trace"] in sums
    }
    return mixes.topic(questions, loss)


def _name(measure: str) -> str:
    return measure.partition(".")[2].rstrip(")")


def _deviation(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((each - mean) ** 2 for each in values) / len(values)) or 1.0


def _documents(
    warehouse: Warehouse, sides: Sides, sample: Sequence[Mapping[str, Any]]
) -> tuple[Shift | None, float | None]:
    units = {row["trace"]: row["unit"] for row in sample}
    rows = [row for row in ask.documents(warehouse, sides) if row["side"] < 2]
    said = [Said(int(row["side"]), units.get(row["trace"], row["trace"]), frozenset(row["texts"])) for row in rows]
    # What half of the users were given is known; the other half tells how much is always new.
    known = {text for each in said if each.side == 0 and mixes.half(each.unit) for text in each.things}
    fresh = [
        Said(each.side, each.unit, frozenset(("unknown before",) if each.things - known else ("known",)))
        for each in said
        if not mixes.half(each.unit)
    ]
    ages = [[_ordinal(text) for row in rows if row["side"] == side for text in row["dates"]] for side in (0, 1)]
    dates = [[each for each in side if each is not None] for side in ages]
    aged = None
    if min(len(each) for each in dates) >= _FEW:
        aged = max(median(dates[0]) - median(dates[1]), _mean(dates[0]) - _mean(dates[1]))
    return mixes.shift("documents", fresh, "retrieved texts"), aged


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def _ordinal(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return None


def _repeated(comments: Sequence[Mapping[str, Any]]) -> float:
    """The share of the comments since the onset that are one text which nobody wrote so often before."""
    total = sum(row["n"] for row in comments if row["side"] == 1)
    before = sum(row["n"] for row in comments if row["side"] == 0)
    if total < _FEW // 2:
        return 0.0
    old = {row["words"]: row["n"] / before for row in comments if row["side"] == 0} if before else {}
    return max((row["n"] / total - old.get(row["words"], 0.0) for row in comments if row["side"] == 1), default=0.0)


def _busiest(row: Mapping[str, Any] | None) -> float:
    return float(row["busiest"]) / float(row["n"]) if row and row["n"] >= _FEW else 0.0


def _moment(at: int) -> datetime:
    return as_datetime(max(0, at))
