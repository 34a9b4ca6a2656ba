"""What the product itself calls a previous good: it served long enough, mostly, and nothing was wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.records.incident import Candidate, Cause, Incident
from homeostat.records.instant import micros
from homeostat.records.policy import Policy, reshaped
from homeostat.registry import steering
from homeostat.registry.author import Author
from homeostat.registry.proof import Proof
from homeostat.store.ledger import incidents, policies
from tests.registry.conftest import AT, Shop


def put(shop: Shop, **shares: float) -> tuple[str, str]:
    """(`previous_good`, what has proved itself) once these shares are obeyed."""
    there = policies.get(shop.ledger, "p", "chat")
    assert there is not None
    policy = Policy("chat", 0, reshaped([], shares))
    done = steering.put(
        shop.ledger, "p", policy, there.policy.version, Author("me", shop.at, shop.at), proof=Proof(0.5, 24)
    )
    assert isinstance(done, Policy), done
    kept = policies.get(shop.ledger, "p", "chat")
    assert kept is not None
    return done.previous_good, kept.proved


def blame(shop: Shop, release: str, cause: Cause = "release") -> Incident:
    """An incident opens that says this release is to blame."""
    now = micros(shop.at)
    candidates = (Candidate(cause, 1.0, subject=release),)
    incident = Incident(1, "p", now, now, "critical", "open", cause, candidates, ())
    return incidents.add(shop.ledger, incident, hull=(now, now), streams=[])


def test_one_that_served_a_day_in_peace_is_good(shop: Shop) -> None:
    assert put(shop, B=1) == ("A", "")
    shop.later(hours=25)
    assert put(shop, C=1) == ("B", "B")


def test_an_hour_less_than_a_day_is_not_enough(shop: Shop) -> None:
    put(shop, B=1)
    shop.later(hours=23)
    assert put(shop, C=1)[1] == ""


def test_less_than_half_of_the_traffic_is_not_enough(shop: Shop) -> None:
    put(shop, A=0.6, B=0.4)
    shop.later(hours=50)
    assert put(shop, A=1)[1] != "B"


@pytest.mark.parametrize("closed", [False, True])
def test_an_incident_that_blames_it_stands_against_it(shop: Shop, closed: bool) -> None:
    put(shop, B=1)
    shop.later(hours=10)
    incident = blame(shop, "B")
    shop.later(hours=5)
    if closed:
        incidents.change(shop.ledger, replace(incident, state="closed", closed=micros(shop.at)))
    shop.later(hours=20)
    assert put(shop, C=1)[1] == "", "it was not a day in peace"


@pytest.mark.parametrize(("release", "cause"), [("A", "release"), ("B", "provider")])
def test_what_blames_another_does_not(shop: Shop, release: str, cause: Cause) -> None:
    put(shop, B=1)
    shop.later(hours=10)
    blame(shop, release, cause)
    shop.later(hours=20)
    assert put(shop, C=1) == ("B", "B")


def test_an_incident_from_before_its_time_is_past(shop: Shop) -> None:
    incident = blame(shop, "B")
    shop.later(hours=1)
    incidents.change(shop.ledger, replace(incident, state="closed", closed=micros(shop.at)))
    shop.later(hours=1)
    put(shop, B=1)
    shop.later(hours=25)
    assert put(shop, C=1) == ("B", "B")
    assert shop.at - AT == timedelta(hours=27)
