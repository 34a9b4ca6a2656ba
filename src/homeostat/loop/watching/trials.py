"""Which releases serve a route together just now, for users put to them by chance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from homeostat.act.monitors.comparing import Trial, shares
from homeostat.records.instant import micros
from homeostat.records.policy import Policy
from homeostat.store.ledger import Ledger, actions, policies


def running(ledger: Ledger, project: str) -> list[Trial]:
    """Every candidate of every route whose users are drawn, since the shares are what they are.

    A hold-back is no trial: that its users are worse off is what the action says already, and its verdict looks at it.
    """
    found = []
    every = [kept.policy for _, kept in policies.listed(ledger, project)]
    serving = {policy.route: _serving(policy) for policy in every}
    for policy in every:
        if policy.sticky != "user" or len(policy.shares) < 2:
            continue
        held = _held_back(ledger, project, policy)
        given = {name: share for name, share in policy.shares.items() if name not in held}
        if len(given) < 2:
            continue
        baseline, candidates = shares(given)
        version, since = policy.version, 0
        for each in policies.history(ledger, project, policy.route, limit=50):
            if each.policy.pieces != policy.pieces:
                break
            version, since = each.policy.version, micros(each.at)
        found += [
            Trial(policy.route, version, since, name, baseline, part, shared(serving, policy.route, (name, baseline)))
            for name, part in candidates
        ]  # fmt: skip
    return found


def shared(serving: Mapping[str, Collection[str]], route: str, releases: Iterable[str]) -> bool:
    """Another route serves one of these releases: then only what names this route is of it. `serving`: by route."""
    others = {name for other, names in serving.items() if other != route for name in names}
    return not others.isdisjoint(releases)


def own(ledger: Ledger, project: str, route: str, start: int, end: int) -> str:
    """The route, where another one served a release of it at some time between the two; else an empty text."""
    serving: dict[str, set[str]] = {}
    begun = set()
    for each in policies.history(ledger, project):
        name, at = each.policy.route, micros(each.at)
        if at < end and name not in begun:
            serving.setdefault(name, set()).update(_serving(each.policy))
        if at <= start:
            begun.add(name)
    return route if shared(serving, route, serving.get(route, ())) else ""


def _serving(policy: Policy) -> set[str]:
    return {*policy.shares, *policy.pinned.values()}


def _held_back(ledger: Ledger, project: str, policy: Policy) -> set[str]:
    """Releases that serve on only so that an action can be judged by them."""
    return {
        str(action.parameters.get("leaving"))
        for action in actions.listed(ledger, project, states=("doing", "done"))
        if action.parameters.get("holdback") and action.parameters.get("route") == policy.route
        and not action.result.get("holdback_ended") and action.result.get("policy_version") == policy.version
    }  # fmt: skip
