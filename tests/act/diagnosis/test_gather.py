"""From sums to what counts as moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from homeostat.act.diagnosis import diagnose
from homeostat.act.diagnosis.gather import _moved, gather
from homeostat.records.instant import as_datetime
from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from homeostat.registry import releases, steering
from homeostat.registry.author import Author
from homeostat.store.ledger import Ledger, guards, projects
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.diagnosis import Sums
from tests.act.found import HOUR, MINUTE, T0, finding
from tests.builders import exchange_row, store


def share(users: int, good: int) -> Sums:
    """One answer of each user, so many of them good."""
    return Sums(users, float(good), float(users), float(good), float(good), float(users))


def test_a_few_who_are_all_alike_are_no_surer_than_users_are() -> None:
    [answered] = _moved("mean(score.answered)", "text", {0: share(2_565, 2_534), 1: share(208, 208)})
    assert answered.after == 1.0 and not answered.moved
    assert abs(answered.z) < 2.5


def test_a_fall_of_a_share_is_seen() -> None:
    [answered] = _moved("mean(score.answered)", "text", {0: share(2_565, 2_534), 1: share(400, 352)})
    assert answered.moved and answered.z < -6
    [refused] = _moved("share(refused)", "text", {0: share(2_000, 0), 1: share(500, 25)})
    assert refused.moved


def test_with_too_few_users_nothing_is_said() -> None:
    assert list(_moved("mean(score.answered)", "text", {0: share(2_000, 1_900), 1: share(12, 2)})) == []


def answered(warehouse: Warehouse, project: str) -> None:
    """Four hours of one answer a minute; they become slower at T0."""
    rows = []
    for minute in range(-120, 120):
        at = as_datetime(T0 + minute * MINUTE)
        latency = 400.0 + minute % 7 + (900.0 if minute >= 0 else 0.0)
        rows.append(exchange_row(project, at=at, user_id=f"u{minute}", latency_ms=latency))
    store(warehouse, exchanges=rows)


def put(ledger: Ledger, project: str, route: str, name: str, at: datetime) -> None:
    author = Author("ann", at, at)
    releases.make(ledger, project, Release(name, model="m"), author)
    assert isinstance(steering.put(ledger, project, Policy(route, 0, reshaped((), {name: 1.0})), 0, author), Policy)


def test_the_first_policy_of_a_route_and_a_guard_are_changes_of_ours(
    ledger: Ledger, warehouse: Warehouse, project: str
) -> None:
    projects.ensure(ledger, project, at=datetime(2026, 1, 1, tzinfo=UTC))
    answered(warehouse, project)
    slower, onset = finding("mean(latency_ms)", project=project, direction="up"), as_datetime(T0)
    put(ledger, project, "early", "A", onset - timedelta(hours=3))

    def told() -> tuple[set[str], str]:
        evidence = gather(ledger, warehouse, project, [slower], (), now=T0 + 2 * HOUR)
        said = " ".join(each for one in diagnose(evidence) for each in one.supports)
        return {each.text for each in evidence.changes}, said

    changes, said = told()
    assert changes == set(), "before the first answer nobody had known otherwise"
    assert "with nothing changed by us" in said and "nothing of ours changed" in said
    guards.put(ledger, project, "no-foxes", {}, state="on", at=onset, author="ann")
    changes, said = told()
    assert changes == {"the guard no-foxes was switched on"}
    assert "nothing changed by us" not in said and "nothing of ours changed" not in said
    put(ledger, project, "late", "B", onset)
    changes, said = told()
    assert changes == {"the guard no-foxes was switched on", "the route late went to B 100%"}
    assert "the route late went to B 100%" in said
