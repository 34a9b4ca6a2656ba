"""When every answer is worth a look: while something is compared, warns, is open, or waits for its verdict."""

from __future__ import annotations

from datetime import timedelta

from homeostat.act.monitors.watch import Standing, standings_json
from homeostat.records.action import Action, Expectation, State
from homeostat.records.incident import Incident
from homeostat.records.instant import micros
from homeostat.records.policy import Policy, reshaped
from homeostat.registry import steering
from homeostat.registry.author import Author
from homeostat.registry.proof import Proof
from homeostat.registry.suspicion import WARNING, suspected
from homeostat.store.ledger import actions, incidents, policies, streams
from tests.registry.conftest import Shop


def asked(shop: Shop, project: str = "p") -> str:
    return suspected(shop.ledger, project, micros(shop.at))


def alone(shop: Shop) -> None:
    """One release serves everybody, for longer than a release is new."""
    there = policies.get(shop.ledger, "p", "chat")
    assert there is not None
    policy = Policy("chat", 0, reshaped([], {"A": 1}))
    done = steering.put(shop.ledger, "p", policy, there.policy.version, Author("me", shop.at, shop.at), proof=Proof())
    assert isinstance(done, Policy), done
    shop.later(hours=4)


def stands(shop: Shop, level: float) -> None:
    """A stream of the project has so much evidence."""
    kept = streams.take(shop.ledger, "p", "me", now=0.0, seconds=60)
    assert kept is not None
    standing = standings_json({"quiet": Standing(units=900), "stream": Standing(units=900, level=level)})
    with shop.ledger.begin() as connection:
        streams.move(connection, "p", streams.Kept(standing=standing, fence=kept.fence))


def action(shop: Shop, state: State) -> None:
    expects = Expectation("mean(score.content)", "up", 0.1, micros(shop.at))
    now = micros(shop.at)
    actions.make(shop.ledger, Action(0, "p", "rollback", "rollback", {}, expects, state, "me", started=now, ended=now))


def test_nothing_is_suspected_where_nothing_is_known(shop: Shop) -> None:
    assert asked(shop, "q") == ""


def test_a_comparison_for_two_days_from_its_beginning(shop: Shop) -> None:
    assert asked(shop) == "comparison"
    shop.later(hours=49)
    assert asked(shop) == ""


def test_one_release_is_no_comparison(shop: Shop) -> None:
    alone(shop)
    assert asked(shop) == ""


def test_a_stream_on_its_way_to_an_alarm(shop: Shop) -> None:
    alone(shop)
    stands(shop, WARNING / 2)
    assert asked(shop) == ""
    stands(shop, WARNING)
    assert (asked(shop), asked(shop, "q")) == ("warning", "")


def test_an_open_incident(shop: Shop) -> None:
    alone(shop)
    now = micros(shop.at)
    made = incidents.add(
        shop.ledger, Incident(1, "p", now, now, "warning", "open", "none", (), ()), hull=(now, now), streams=[]
    )
    assert asked(shop) == "incident"
    incidents.change(shop.ledger, Incident(made.id, "p", now, now, "warning", "closed", "none", (), ()))
    assert asked(shop) == ""


def test_an_action_that_waits_for_its_verdict(shop: Shop) -> None:
    alone(shop)
    action(shop, "proposed")
    assert asked(shop) == ""
    action(shop, "done")
    assert asked(shop) == "verdict"
    shop.later(hours=49)
    assert asked(shop) == ""


def test_a_release_for_three_hours(shop: Shop) -> None:
    shop.later(hours=60)
    assert asked(shop) == ""
    alone(shop)
    shop.at -= timedelta(hours=2)
    assert asked(shop) == "release"
    assert asked(shop, "q") == ""
    shop.later(hours=2)
    assert asked(shop) == ""
