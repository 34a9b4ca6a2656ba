"""Rollbacks while the core is away: obeyed at once, taken over once, whatever dies between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from homeostat.records.policy import Policy, reshaped
from homeostat.records.rollback import Rollback
from homeostat.registry import away, steering
from homeostat.registry.away import Back
from homeostat.registry.declined import Declined
from homeostat.store import control, overrides
from homeostat.store.ledger import audit, policies, published
from tests.registry.conftest import AT, Shop


def back(id: str, to: str = "", actor: str = "anna") -> Rollback:
    return Rollback(id, actor, AT.isoformat(), AT.isoformat(), to, "rude")


def rollbacks(shop: Shop) -> list[tuple[str, str, str]]:
    found = audit.entries(shop.ledger, project="p")
    assert audit.verify(shop.ledger) is None
    return [(entry.action, entry.subject, entry.actor) for entry in reversed(found) if "rollback" in entry.action]


def test_obeyed_at_once_and_taken_over_once(shop: Shop) -> None:
    done = away.roll_back(shop.control, "p", "chat", back("r1"))
    assert isinstance(done, Back) and (done.to, done.changed) == ("A", True)
    while_away = shop.route()
    assert while_away["shares"] == {"A": 1.0}
    assert policies.get(shop.ledger, "p", "chat").policy.version == 1  # type: ignore[union-attr]
    for _ in range(3):
        shop.publish()
    assert overrides.listed(shop.control) == []
    assert rollbacks(shop) == [("rollback", "chat", "anna")]
    assert shop.route() == while_away, "what was obeyed and what was taken over are the same to the letter"


def test_several_in_a_row_are_all_history(shop: Shop) -> None:
    for number, to in enumerate(("A", "B", "", "")):
        assert isinstance(away.roll_back(shop.control, "p", "chat", back(f"r{number}", to)), Back)
    assert shop.route()["shares"] == {"A": 1.0}
    shop.publish()
    versions = policies.history(shop.ledger, "p", "chat")
    assert [(each.policy.version, each.policy.shares) for each in versions[:3]] == [
        (4, {"A": 1.0}), (3, {"B": 1.0}), (2, {"A": 1.0}),
    ]  # fmt: skip
    assert len(rollbacks(shop)) == 3, "the last one changed nothing, so it is no change"


def test_what_cannot_be_is_declined(shop: Shop) -> None:
    for route, to, code in (("mail", "", "not_found"), ("chat", "Z", "not_found"), ("chat", "C", "not_found")):
        done = away.roll_back(shop.control, "p", route, back("r", to))
        assert isinstance(done, Declined) and done.code == code
    assert isinstance(away.roll_back(shop.control, "q", "chat", back("r")), Declined)
    assert overrides.listed(shop.control) == []


def test_without_a_snapshot_there_is_nothing_to_go_back_to(shop: Shop) -> None:
    (shop.control / "snapshot.json").unlink()
    assert isinstance(away.roll_back(shop.control, "p", "chat", back("r")), Declined)


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", ["take_over", "snapshot", "publish", "drop"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_between_any_two_steps_loses_and_doubles_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    away.roll_back(shop.control, "p", "chat", back("r1"))
    away.roll_back(shop.control, "p", "chat", back("r2", "B"))
    place: Any = {"take_over": steering, "snapshot": published, "publish": control, "drop": overrides}[step]
    real: Callable[..., Any] = getattr(place, step)

    def crash(*arguments: Any, **named: Any) -> None:
        if when == "after":
            real(*arguments, **named)
        raise Crash

    monkeypatch.setattr(place, step, crash)
    with pytest.raises(Crash):
        shop.publish()
    monkeypatch.undo()
    assert shop.route()["shares"] == {"B": 1.0}, "obeyed also between"
    shop.publish()
    assert shop.route()["shares"] == {"B": 1.0}
    assert len(rollbacks(shop)) == 2
    assert overrides.listed(shop.control) == []
    assert policies.get(shop.ledger, "p", "chat").policy.version == 3  # type: ignore[union-attr]


def test_a_crash_in_the_middle_of_the_ledger_leaves_nothing_half(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    away.roll_back(shop.control, "p", "chat", back("r1"))
    real = audit.append

    def crash(*arguments: Any, **named: Any) -> int:
        real(*arguments, **named)
        raise Crash

    monkeypatch.setattr(audit, "append", crash)
    with pytest.raises(Crash):
        shop.publish()
    monkeypatch.undo()
    assert rollbacks(shop) == [] and policies.get(shop.ledger, "p", "chat").policy.version == 1  # type: ignore[union-attr]
    shop.publish()
    assert len(rollbacks(shop)) == 1


def test_told_to_the_core_and_written_down_as_well_it_is_done_once(shop: Shop) -> None:
    """The edge asked a core that hung: it wrote the override, and the core woke up and did it too."""
    away.roll_back(shop.control, "p", "chat", back("r1"))
    away.roll_back(shop.control, "p", "chat", back("r2", "B"))
    done = steering.roll_back(shop.ledger, "p", "chat", back("r1"))
    again = steering.roll_back(shop.ledger, "p", "chat", back("r1"))
    assert isinstance(done, Back) and isinstance(again, Back) and done.after == again.after
    shop.publish()
    assert len(rollbacks(shop)) == 2
    assert shop.route()["shares"] == {"B": 1.0}


def test_what_a_newer_policy_has_overtaken_is_told_and_not_done(shop: Shop) -> None:
    away.roll_back(shop.control, "p", "chat", back("r1"))
    newer = Policy("chat", 2, reshaped([], {"C": 1.0}), previous_good="A")
    assert policies.replace(shop.ledger, "p", newer, proved="", action="put", at=AT)
    for _ in range(2):
        taken = steering.take_over(shop.ledger, shop.control)
        assert len(taken) == 1
    shop.publish()
    assert shop.route()["shares"] == {"C": 1.0}
    assert rollbacks(shop) == [("rollback.overtaken", "chat", "anna")]
    assert overrides.listed(shop.control) == []


def test_a_damaged_override_does_not_stop_the_core(shop: Shop) -> None:
    away.roll_back(shop.control, "p", "chat", back("r1"))
    (path,) = (shop.control / "overrides" / "p").iterdir()
    path.write_bytes(b"{")
    shop.publish()
    assert shop.route()["shares"] == {"A": 0.9, "B": 0.1}
    assert [found.name for found in path.parent.iterdir()] == ["chat.json.damaged"]
