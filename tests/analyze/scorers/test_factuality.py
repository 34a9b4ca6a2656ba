"""Answers that follow documents out of date, seen by what the project itself knows."""

from __future__ import annotations

from dataclasses import replace

from homeostat.analyze.scorers import Case, Scored, Unscored
from homeostat.analyze.scorers.factuality import OWN, Factuality
from homeostat.analyze.scorers.groundedness import Groundedness

STALE = Case(
    "You can return it within 60 days of delivery. Every colour is hand-made.",
    "How long may I return it?",
    documents=["Items can be returned within 60 days of delivery."],
    metadata={
        OWN: ["The shop is in Bern, 60 metres from the station.", "Items can be returned within 30 days of delivery."]
    },
)


def test_what_the_application_retrieved_is_out_of_date() -> None:
    found = Factuality().score(STALE)
    assert isinstance(found, Scored)
    assert found.label == "bad"
    assert "60 days" in found.reason["why"]
    assert found.reason["snippet"] == "Items can be returned within 30 days of delivery."
    grounded = Groundedness().score(replace(STALE, output="You can return it within 60 days of delivery."))
    assert isinstance(grounded, Scored)
    assert grounded.label == "good"


def test_what_is_still_so_passes_and_the_unknown_is_not_judged() -> None:
    found = Factuality().score(replace(STALE, output="You can return it within 30 days of delivery. Cats are grey."))
    assert isinstance(found, Scored)
    assert found.label == "good"
    assert isinstance(Factuality().score(replace(STALE, output="Cats are grey.")), Unscored)
    assert isinstance(Factuality().score(replace(STALE, metadata={})), Unscored)


def test_given_facts() -> None:
    facts = Factuality(facts=("The guided tour costs 12 euros.",))
    good, bad = facts.score(Case("The tour costs €12.")), facts.score(Case("The tour costs €15."))
    assert isinstance(good, Scored)
    assert isinstance(bad, Scored)
    assert (good.label, bad.label) == ("good", "bad")
