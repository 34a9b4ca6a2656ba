"""Which release a rollback puts back: the last that has proved itself, or while none has, the one replaced last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homeostat.records.instant import micros
from homeostat.records.policy import Policy
from homeostat.store.ledger import Ledger, incidents
from homeostat.store.ledger.policies import Kept, Version


@dataclass(frozen=True, slots=True)
class Proof:
    """How much of a route a release must serve, for how many hours of the event clock, to count as good."""

    share: float = 0.5
    hours: float = 24.0


def open_incident(ledger: Ledger, project: str, release: str, since: datetime) -> bool:
    """Whether an incident that blames a release was open at any time since then."""
    return bool(incidents.open_on_release(ledger, project, release, since=micros(since)))


def has_proved(
    ledger: Ledger, project: str, release: str, history: Sequence[Version], until: datetime, proof: Proof
) -> bool:
    """It has served its share without a break until now, long enough. `history`: newest first."""
    since = until
    for version in history:
        if version.policy.shares.get(release, 0.0) < proof.share - 1e-9:
            break
        since = version.at
    long = until - since >= timedelta(hours=proof.hours)
    return long and since < until and not open_incident(ledger, project, release, since)


def good_after(
    ledger: Ledger,
    project: str,
    kept: Kept | None,
    wanted: Policy,
    history: Sequence[Version],
    until: datetime,
    proof: Proof,
) -> tuple[str, str]:
    """(`previous_good` of the new policy, what has proved itself), when `wanted` replaces what is kept."""
    if kept is None:
        return _largest(wanted), ""
    old = kept.policy
    losing = [name for name, share in old.shares.items() if wanted.shares.get(name, 0.0) < share - 1e-9]
    for name in losing:
        if has_proved(ledger, project, name, history, until, proof):
            return name, name
    main = next((name for name in losing if old.shares[name] >= 0.5 - 1e-9), "")
    still = old.previous_good in old.shares and old.previous_good not in losing
    if not main or still:
        return old.previous_good or _largest(wanted), kept.proved
    return kept.proved or main, kept.proved


def _largest(policy: Policy) -> str:
    """Beside a canary the release that serves the most is the one to go back to."""
    ranked = list(policy.shares.items())
    return ranked[0][0] if len(ranked) > 1 and ranked[0][1] > ranked[1][1] + 1e-9 else ""
