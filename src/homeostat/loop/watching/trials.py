"""Which releases serve a route together just now, for users put to them by chance."""

from __future__ import annotations

from homeostat.act.monitors.comparing import Trial, shares
from homeostat.records.instant import micros
from homeostat.store.ledger import Ledger, policies


def running(ledger: Ledger, project: str) -> list[Trial]:
    """Every candidate of every route whose users are drawn, since the shares are what they are."""
    found = []
    for _, kept in policies.listed(ledger, project):
        policy = kept.policy
        if policy.sticky != "user" or len(policy.shares) < 2:
            continue
        baseline, candidates = shares(policy.shares)
        version, since = policy.version, 0
        for each in policies.history(ledger, project, policy.route, limit=50):
            if each.policy.pieces != policy.pieces:
                break
            version, since = each.policy.version, micros(each.at)
        found += [Trial(policy.route, version, since, name, baseline, part) for name, part in candidates]
    return found
