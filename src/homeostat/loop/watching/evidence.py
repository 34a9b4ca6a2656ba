"""The evidence of a verdict, from the warehouse: users of either release, and blocks of time before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.act import answering
from homeostat.act.monitors.columns import beside
from homeostat.act.remedies import remedy
from homeostat.analyze.inference.confidence import RatioMoments
from homeostat.loop.watching import trials
from homeostat.loop.watching.context import Context
from homeostat.records import policy as policies_of
from homeostat.records.action import Action, Expectation
from homeostat.records.comparison import Comparison
from homeostat.records.instant import as_datetime
from homeostat.records.policy import assign
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.questions import curate
from homeostat.store.warehouse.questions import verdicts as asked
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.verdicts import About
from homeostat.verify.judging import Evidence

_MINUTE: Final = 60_000_000
_HOUR: Final = 3_600_000_000
#: A user counts with what came in so long after their first question, when that time is over.
_ENTERS: Final = 10 * _MINUTE
_BLOCKS: Final = 24
_FEWEST: Final = 12
#: So many users tell how bad it is.
_ENOUGH: Final = 50
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def of_canary(context: Context, action: Action, about: About, due: bool) -> Evidence:
    """Its comparison as it stood, and since then those who would still be on it."""
    told = dict(action.result["comparison"])
    told |= {name: tuple(told[name]) for name in ("users", "means")}
    canary = Comparison(**told)
    earlier = replace(about, start=min(canary.since, action.ended - _MINUTE), end=action.ended)
    since = asked.units(context.warehouse, about, window=_ENTERS)
    before = policies_of.from_json(action.before["policy"])
    moved = {unit for unit in since.unit if assign(before, user=unit).release == canary.candidate}
    values = per_user(since, moved) if moved else None
    both = None
    if canary.low is None:
        found = asked.units(context.warehouse, earlier, window=_ENTERS)
        both = (RatioMoments.of(*found.of(canary.baseline)), RatioMoments.of(*found.of(canary.candidate)))
    return Evidence(due, canary=canary, moved=values, both=both, spread=_spread(context, earlier))


def _spread(context: Context, earlier: About) -> float | None:
    """How far users differ from each other, before the action."""
    values = per_user(asked.units(context.warehouse, earlier, window=_ENTERS))
    return float(values.var()) if len(values) >= 20 else None


def per_user(units: asked.Units, among: Collection[str] | None = None) -> NDArray[np.float64]:
    """One value for each user: the mean of theirs, over all releases."""
    sums: dict[str, list[float]] = {}
    for unit, n, total in zip(units.unit, units.n, units.total, strict=True):
        if among is not None and unit not in among:
            continue
        kept = sums.setdefault(unit, [0.0, 0.0])
        kept[0] += float(n)
        kept[1] += float(total)
    return np.asarray([total / n for n, total in sums.values()])


def of_holdback(context: Context, action: Action, about: About) -> Evidence:
    """Users on either release since."""
    found = asked.units(context.warehouse, about)
    arms = [RatioMoments.of(*found.of(name)) for name in (_serves(action), str(action.parameters.get("leaving")))]
    hours = max((action.expects.by - action.ended) / _HOUR, 0.5)
    return Evidence(False, arms=(arms[0], arms[1]), planned=max(200.0, 100 * hours))


def _serves(action: Action) -> str:
    """The release that everybody has now who was not held back."""
    leaving, now = str(action.parameters.get("leaving")), str(action.result.get("release") or "")
    return now or next((name for name in action.result.get("shares", {}) if name != leaving), "")


def of_turns(context: Context, action: Action, about: About) -> Evidence:
    """The mean of each turn of a switchback, without the minutes in which conversations were of the one before."""
    settle = int(action.parameters.get("settle", 3)) * _MINUTE
    values, on = [], []
    for was_on, start, end in action.result.get("turns", ()):
        found = asked.blocks(
            context.warehouse, replace(about, start=start + settle, end=end), end - start - settle
        )  # fmt: skip
        n, total = float(found.n[0]), float(found.total[0])
        if n:
            values.append(total / n)
            on.append(bool(was_on))
    told = {"turns": len(values), "minutes": int(action.parameters.get("minutes", 30))}
    return Evidence(True, turns=(np.asarray(values), np.asarray(on, dtype=bool)), about=told)


def route_of(context: Context, action: Action, until: int) -> str:
    """The route that it concerns, where only what names that is of its verdict: another route served one of the same
    releases between the alert and `until`."""
    found = remedy(action.remedy, action.parameters)
    route = str(action.result.get("route") or getattr(found, "route", ""))
    if not route:
        return ""
    incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
    begun = [action.proposed or until, incident.opened if incident else until]
    begun += [int(told["since"]) for told in (action.result.get("comparison"),) if told]
    return trials.own(context.ledger, action.project, route, min(begun), until)


def chosen(measure: str, where: Mapping[str, Any]) -> Filters:
    """Of which exchanges a measure is judged: of those that its monitor counts. Raises `Refused`."""
    try:
        wanted, own = curate.chosen(where), curate.chosen(dict(beside(measure, where)))
        return replace(wanted, conditions=(*wanted.conditions, *own.conditions))
    except ValueError as problem:
        raise Refused(f"expects.where: {problem}") from None


def lasting(context: Context, action: Action, until: int) -> Expectation:
    """What the action is to bring back, by what came between the alert and `until`, where that is enough to say."""
    expects = action.expects
    incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
    if incident is None or expects.control == "canary" or expects.low is expects.high is None:
        return expects
    try:
        filters = chosen(expects.measure, expects.where)
        about = About(action.project, expects.measure, incident.opened, until, as_datetime(until), filters,
                      route_of(context, action, until))  # fmt: skip
        found = asked.units(context.warehouse, about)
    except Refused:  # it is none that can be judged: the verdict will say so
        return expects
    if len(found.n) < _ENOUGH:
        return expects
    return answering.lasting(expects, float(found.total.sum() / found.n.sum()))


def of_blocks(context: Context, action: Action, about: About, due: bool) -> Evidence:
    """Blocks of equal length between the alert and the action, and since the action: of those who were moved."""
    incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
    alert = incident.opened if incident is not None and incident.opened < action.ended else action.proposed
    earlier = replace(about, start=alert, end=action.ended)
    if action.expects.control == "holdback":
        about = replace(about, filters=chosen(about.measure, {**action.expects.where, "release": _serves(action)}))
    fresh = asked.blocks(context.warehouse, earlier, _MINUTE)
    after = asked.blocks(context.warehouse, about, _MINUTE)
    every = _block(fresh, after)
    fresh, after = _longer(fresh, every), _longer(after, every)
    told = {"block_minutes": every, "blocks": [len(fresh.n), len(after.n)]}
    if action.expects.at_least <= 1e-6 and action.expects.low is None and action.expects.high is None:
        present = (int((fresh.n > 0).sum()), len(fresh.n), int((after.n > 0).sum()), len(after.n))
        return Evidence(due, present=present, about=told)
    if about.measure == "count":
        means, others = (fresh.n.astype(float), after.n.astype(float)), None
    else:
        means, others = _beside(context, action, (earlier, about), (fresh, after), every)
    users, before = (asked.units(context.warehouse, each, window=_ENTERS) for each in (about, earlier))
    return Evidence(
        due, fresh=means[0], after=means[1], users=per_user(users) if len(users.n) else None,
        fresh_users=per_user(before) if len(before.n) else None, about=told, spread=_spread(context, earlier),
        controls=others,
    )  # fmt: skip


def _beside(
    context: Context, action: Action, abouts: tuple[About, About], here: tuple[asked.Blocks, asked.Blocks], every: int
) -> tuple[Pair, Pair | None]:
    """The means of blocks; and what the same blocks were in the rest of the traffic, where the action is about a
    segment: whatever else happened then, happened there too."""
    if not action.expects.where:
        return (_means(here[0]), _means(here[1])), None
    sides = []
    for about, mine in zip(abouts, here, strict=True):
        minutes = asked.blocks(context.warehouse, replace(about, filters=chosen(about.measure, {})), _MINUTE)
        whole = _longer(minutes, every)
        n, total = whole.n[: len(mine.n)] - mine.n, whole.total[: len(mine.n)] - mine.total
        there = (mine.n > 0) & (n > 0)
        sides.append((mine.total[there] / mine.n[there], total[there] / n[there]))
    if min(len(side[0]) for side in sides) < _FEWEST:
        return (_means(here[0]), _means(here[1])), None
    return (sides[0][0], sides[1][0]), (sides[0][1], sides[1][1])


def _block(fresh: asked.Blocks, after: asked.Blocks) -> int:
    """So many minutes that there are enough blocks on either side; time after the last answer is no time."""
    shorter = min(_lasted(fresh), _lasted(after))
    blocks = _BLOCKS if shorter >= _BLOCKS * 20 else _FEWEST
    return max(shorter // blocks, 1)


def _lasted(minutes: asked.Blocks) -> int:
    there = np.flatnonzero(minutes.n)
    return int(there[-1]) + 1 if len(there) else len(minutes.n)


def _longer(minutes: asked.Blocks, every: int) -> asked.Blocks:
    """Whole blocks of so many minutes each."""
    count = len(minutes.n) // every
    n, total = (each[: count * every].reshape(count, every).sum(axis=1) for each in (minutes.n, minutes.total))
    return asked.Blocks(n, total)


def _means(blocks: asked.Blocks) -> NDArray[np.float64]:
    there = blocks.n > 0
    return np.asarray(blocks.total[there] / blocks.n[there])
