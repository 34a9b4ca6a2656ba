"""How remedies change what a route obeys, and put it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Remedy, Told
from homeostat.records import policy as policies_of
from homeostat.records.action import Action
from homeostat.records.comparison import as_json as comparison_json
from homeostat.records.policy import Policy, Shadow, reshaped
from homeostat.registry import steering
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad
from homeostat.store.ledger import Ledger, comparisons, policies, releases, routing


def current(effects: Effects, project: str, route: str) -> Policy | Declined:
    """What the route obeys now."""
    kept = policies.get(effects.ledger, project, route)
    return steering.no_policy(route) if kept is None else kept.policy


def planned(
    effects: Effects, project: str, route: str, shares: Callable[[Policy], dict[str, float] | Declined]
) -> tuple[Policy, dict[str, float]] | Declined:
    """What the route obeys now, and the shares that are wanted of it."""
    now = current(effects, project, route)
    if isinstance(now, Declined):
        return now
    wanted = shares(now)
    return wanted if isinstance(wanted, Declined) else (now, wanted)


def moved(now: Policy, leaving: str, to: str, share: float) -> dict[str, float] | Declined:
    """The shares when `share` of what `leaving` serves, and of what `to` has of it already, is `to`'s. What serves
    nobody has nothing to give."""
    if not leaving:
        return bad("Say which release it is about: leaving.")
    if to == leaving:
        return bad(f"{to} cannot take its own place.")
    if not now.shares.get(leaving):
        hint = f"leaving is one of those that do: {', '.join(name for name, share in now.shares.items() if share)}."
        return Declined("conflict", f"{leaving} does not serve {now.route} now.", hint)
    rest = {name: had for name, had in now.shares.items() if name not in (leaving, to)}
    had = now.shares[leaving] + now.shares.get(to, 0.0)
    given = had * share
    return rest | {to: given} | ({leaving: had - given} if given < had else {})


def needless(ledger: Ledger, project: str, wanted: Remedy) -> Declined | None:
    """Why a change of a route has nothing left to change: whom it would take from the route serves it no more."""
    route, leaving = (str(getattr(wanted, name, "")) for name in ("route", "leaving"))
    kept = policies.get(ledger, project, route) if route and leaving else None
    if kept is None or kept.policy.shares.get(leaving) or leaving in kept.policy.pinned.values():
        return None
    said = f"{leaving} does not serve {route} now: somebody has done it by hand, or another way."
    return Declined("conflict", said, "Decline it, or name a release that serves: leaving.")


def shown(effects: Effects, action: Action, route: str, shares: Mapping[str, float]) -> Mapping[str, Any] | Declined:
    """Which shares a route has, and which it would have."""
    now = current(effects, action.project, route)
    if isinstance(now, Declined):
        return now
    try:
        after = replace(now, pieces=reshaped(now.pieces, shares))
    except ValueError as problem:
        return Declined("bad_request", str(problem))
    missing = routing.names(after) - set(releases.named(effects.ledger, action.project, routing.names(after)))
    if missing:
        return Declined("not_found", f"There is no release {min(missing)}.", "homeostat release ls")
    return {**change(now, after.shares), "version": now.version}


def change(now: Policy, shares: Mapping[str, float]) -> dict[str, Any]:
    """Shares before and after, and what ends with the change: the shadow, and pins on releases that serve no more."""
    gone = Counter(release for release in now.pinned.values() if not shares.get(release))
    shadow = {"shadow": {"release": now.shadow.release, "share": now.shadow.share}} if now.shadow else {}
    ends = {**shadow, **({"pins": dict(gone)} if gone else {})}
    told = {"route": now.route, "from": _rounded(now.shares), "to": _rounded(shares)}
    return {**told, "ends": ends} if ends else told


def put(
    effects: Effects, action: Action, route: str, shares: Mapping[str, float], *, shadow: Shadow | None = None
) -> Told | Declined:
    """Give a route other shares. Pins on releases that serve no more end; the good release stays the good one."""
    now = current(effects, action.project, route)
    if isinstance(now, Declined):
        return now
    try:
        pieces = reshaped(now.pieces, shares)
    except ValueError as problem:
        return Declined("bad_request", str(problem))
    wanted = replace(
        now, pieces=pieces, reason=action.why or f"action {action.id}", shadow=shadow,
        pinned={user: release for user, release in now.pinned.items() if shares.get(release)},
    )  # fmt: skip
    done = steering.put(effects.ledger, action.project, wanted, now.version, effects.author)
    if isinstance(done, Declined):
        return done
    told = {"route": route, "shares": _rounded(done.shares), "policy_version": done.version}
    told |= _compared(effects, action, now, route)
    return Told({"policy": policies_of.as_json(now)}, told, publish=True)


def put_back(effects: Effects, action: Action, route: str, *, reason: str = "") -> Told | Declined:
    """The policy as it was before the action, unless somebody has changed it since."""
    if "policy" not in action.before or "policy_restored" in action.result:
        return Told()
    now = current(effects, action.project, route)
    if isinstance(now, Declined):
        return now
    undone = reason or f"action {action.id} undone"
    if now.reason == undone:  # before a crash, and not written down
        return Told(result={"policy_restored": now.version}, publish=True)
    if now.version != action.result.get("policy_version"):
        return Declined(
            "conflict", f"The policy of {route} was changed after this action; it is left as it is.",
            "homeostat policy show", policies_of.as_json(now),
        )  # fmt: skip
    before = policies_of.from_json(action.before["policy"])
    wanted = replace(before, reason=undone)
    done = steering.put(effects.ledger, action.project, wanted, now.version, effects.author)
    if isinstance(done, Declined):
        return done
    return Told(result={"policy_restored": done.version, "shares": _rounded(done.shares)}, publish=True)


def _compared(effects: Effects, action: Action, before: Policy, route: str) -> dict[str, Any]:
    """How the measure stood for the release that is left, at the moment when it is left."""
    if action.expects.control != "canary" or "comparison" in action.result:
        return {}
    own = [
        one for one in comparisons.latest(effects.ledger, action.project, route)
        if one.measure == action.expects.measure and one.candidate in before.shares and one.policy <= before.version
        and one.candidate == (action.parameters.get("leaving") or one.candidate)
    ]  # fmt: skip
    return {"comparison": comparison_json(own[0])} if own else {}


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 6) for name, share in shares.items()}
