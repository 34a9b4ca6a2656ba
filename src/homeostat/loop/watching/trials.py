"""Which releases serve a route together just now, for users put to them by chance."""

from __future__ import annotations

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
    for policy in every:
        if policy.sticky != "user" or len(policy.shares) < 2:
            continue
        held = _held_back(ledger, project, policy)
        serving = {name: share for name, share in policy.shares.items() if name not in held}
        if len(serving) < 2:
            continue
        baseline, candidates = shares(serving)
        version, since = policy.version, 0
        for each in policies.history(ledger, project, policy.route, limit=50):
            if each.policy.pieces != policy.pieces:
                break
            version, since = each.policy.version, micros(each.at)
        others = {name for each in every if each.route != policy.route for name in _serving(each)}
        found += [
            Trial(policy.route, version, since, name, baseline, part, shared=not others.isdisjoint((name, baseline)))
            for name, part in candidates
        ]  # fmt: skip
    return found


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
