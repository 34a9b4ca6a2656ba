"""The practice world's stories, laid into the stores: how often is the cause right? The rules know none of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from homeostat.act.diagnosis import diagnose
from homeostat.act.diagnosis.gather import gather
from homeostat.store.ledger import Ledger, projects
from homeostat.store.warehouse.client import Warehouse
from tests.act.diagnosis.practice import causes, lay
from tests.act.found import finding

#: Those whose change scorers of half the world's sharpness can see.
SEEN = (
    "hallucination", "incomplete-answers", "refusals", "stale-knowledge", "cut-off", "off-topic", "verbose",
    "worse-for-one-segment", "bad-canary", "bad-prompt-release", "prompt-edit-worse", "inert-fix", "feedback-spam",
    "broken-instrumentation", "judge-turns-lenient", "silent-model-swap", "slower", "costlier",
)  # fmt: skip


def first(warehouse: Warehouse, ledger: Ledger, project: str, name: str, seed: int) -> tuple[str, str]:
    projects.ensure(ledger, project, at=datetime(2026, 1, 1, tzinfo=UTC))
    laid = lay(warehouse, ledger, project, name, seed=seed)
    _, found = causes(warehouse, ledger, laid, 2300)
    return (found[0].cause if found else "none"), laid.scenario.truth.cause


def test_a_story_has_its_cause(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    said, true = first(warehouse, ledger, project, "feedback-spam", 11)
    assert said == true


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [11, 12])
def test_four_of_five_stories_have_their_cause(warehouse: Warehouse, ledger: Ledger, project: str, seed: int) -> None:
    wrong = {}
    for name in SEEN:
        said, true = first(warehouse, ledger, f"{project}-{name}", name, seed)
        if said != true:
            wrong[name] = (said, true)
    assert len(wrong) <= len(SEEN) // 5, wrong


@pytest.mark.nightly
def test_an_onset_before_everything_is_still_looked_into(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    """A detector that thinks it began with the first answer leaves nothing to compare with: thirds are compared."""
    projects.ensure(ledger, project, at=datetime(2026, 1, 1, tzinfo=UTC))
    laid = lay(warehouse, ledger, project, "broken-instrumentation")
    now, first = laid.after(2300), laid.times[0]
    found = finding("coverage(signals)", project=project, onset=first, onset_low=first, onset_high=first, at=now)
    evidence = gather(ledger, warehouse, project, [found], (), now=now)
    assert evidence.looked and min(evidence.answers) > 500
    assert diagnose(evidence)[0].cause == "instrumentation"
    assert diagnose(evidence)[0].weight > 0.7
