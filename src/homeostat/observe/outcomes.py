"""What became of every item of a load: counted, and that none is missing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from homeostat.observe.assemble.assembly import Assembled
from homeostat.observe.opinions import Kept
from homeostat.observe.slot import Load, Outcomes
from homeostat.records.outcome import Kind, Outcome

log: Final = logging.getLogger("homeostat.loader")

_KINDS: Final[dict[str, Kind]] = {"stored": "stored", "rejected": "rejected", "expired": "expired"}


def count(load: Load, outcomes: Outcomes, done: Assembled, kept: Sequence[Kept]) -> None:
    """What became of the items of a piece."""
    became: list[Assembled | Kept] = [done, *kept]
    for one in became:
        for project, items in one.stored.items():
            outcomes[project, "stored", ""] += items
        for project, items in one.doubled.items():
            outcomes[project, "rejected", "duplicate"] += items
    load.outcomes += [Outcome(p, _KINDS[k], n, r) for (p, k, r), n in outcomes.items() if n]


def conserve(load: Load) -> None:
    """Every item ends in exactly one outcome. Anything else is our fault: it is told, counted, and stops nobody."""
    expected: Counter[str] = Counter()
    for record in load.records:
        expected[record.envelope.project] += record.envelope.items
    for outcome in load.outcomes:
        expected[outcome.project] -= outcome.items
    for project, left in expected.items():
        if left:
            log.error("segment %d: %d items of project %r have no outcome", load.number, left, project)
        if left > 0:
            load.outcomes.append(Outcome(project, "rejected", left, "unexplained"))
