"""What judges otherwise is another version; and nobody changes what a kind says without saying so."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.analyze.judges import Judge
from homeostat.analyze.scorers import registry
from homeostat.analyze.scorers.case import Case, Scored
from homeostat.analyze.scorers.engine import IN_ENGINE
from homeostat.analyze.scorers.registry import TABLE, NotAScorer, find, registered
from homeostat.loop.scoring import kinds
from homeostat.loop.scoring.kinds import EDITIONS, current, runnable
from homeostat.loop.scoring.tracks import Tools, engine
from homeostat.store.ledger import scorers
from homeostat.store.ledger.scorers import Configured
from tests.builders import NOON, exchange_row, store

from .conftest import NOW, said, scorer

PAGE = (
    "Orders can be returned within 30 days. The shipping costs 4.90 EUR and is free from 50 EUR. Premium costs 9 EUR."
)
ASKED = "How long can I return my order, and what does the shipping cost?"
ANSWERS = (
    "You can return it within 30 days. Shipping costs 4.90 EUR.",
    "You can return it within 90 days, and shipping is always free.",
    "Shipping costs 4.90 EUR.",
    "Bananas are yellow and grow in warm countries.",
    "You can return it within 30 days. You can return it within 30 days. You can return it within 30 days.",
    "I am sorry, I cannot help you with that.",
    "You stupid idiot, read the page yourself.",
    "Women like you never understand prices; ask your husband.",
    "Write to anna.miller@example.org or call +49 170 1234567; the card is 4111 1111 1111 1111.",
    "days the 30 within return can You order an, costs and 4.90 the are",
    "You can return your order within 30 days and the shipping costs 4.90 EUR, unless your order is above",
    "Thank you so much for asking! It is, as so often in life, a wonderful question. In general one can say that it "
    "depends. Within 30 days you may return it, which is to say in a month, thirty days, that is.",
)
#: What each kind said of these answers when its edition was this one. A difference: raise its edition in `EDITIONS`,
#: then put the new line here.
SAID: dict[str, tuple[int, str]] = {
    "answered": (2, "f11c3ea4184d"),
    "bias": (6, "354e5881dd79"),
    "civil": (1, "fe4c6d75cddf"),
    "coherence": (7, "72af65ab7a08"),
    "completeness": (7, "e787c9e7367e"),
    "conciseness": (5, "9b86960005ac"),
    "discreet": (1, "0bdae7d50d77"),
    "finished": (1, "6ca1b14129b2"),
    "groundedness": (8, "38db0ff0373e"),
    "on_topic": (1, "da88ed883ad9"),
    "privacy": (4, "b268b461eb53"),
    "relevance": (7, "2c8951ef2153"),
    "safety": (8, "f8dddb391167"),
    "unrepeated": (1, "43f4a22fdc8a"),
}


def fingerprint(values: list[float | None]) -> str:
    told = ",".join("-" if value is None else f"{value:.3f}" for value in values)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", kinds._DEFAULT_MODELS)
def test_what_a_model_says_is_its_edition(name: str) -> None:
    told = [find(name).score(Case(answer, ASKED, [PAGE])) for answer in ANSWERS]
    values = [one.value if isinstance(one, Scored) else None for one in told]
    assert SAID[name] == (EDITIONS.get(name, 1), fingerprint(values))


def test_what_the_engine_says_is_its_edition(tools: Tools, project: str) -> None:
    at = [NOON + timedelta(seconds=number) for number in range(len(ANSWERS))]
    pairs = zip(at, ANSWERS, strict=True)
    store(
        tools.warehouse,
        exchanges=[exchange_row(project, input=ASKED, output=answer, at=when) for when, answer in pairs],
    )
    engine(tools, project, {"engine": [scorer(project, one.name, one.name) for one in IN_ENGINE]}, NOW)
    found = {
        one.name: (
            EDITIONS.get(one.name, 1),
            fingerprint([row["value"] for row in said(tools.warehouse, project, one.name)]),
        )
        for one in IN_ENGINE
    }
    assert found == {one.name: SAID[one.name] for one in IN_ENGINE}


def test_another_edition_is_another_version(tools: Tools, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {one.name: one for one in current(tools.ledger, project, at=NOON)}
    scorers.set_state(tools.ledger, project, "relevance", "paused", at=NOON, author="t")
    assert {one.version for one in first.values()} == {1}
    monkeypatch.setitem(EDITIONS, "relevance", 9)
    for _ in range(2):
        later = {one.name: one for one in current(tools.ledger, project, at=NOON + timedelta(hours=1))}
        assert later["relevance"].scorer == "relevance@2" and later["relevance"].state == "paused"
        assert runnable(later["relevance"]).works == runnable(first["relevance"]).works
        assert {name: one for name, one in later.items() if name != "relevance"} == {
            name: one for name, one in first.items() if name != "relevance"
        }


def test_a_judge_of_ones_own_that_is_asked_otherwise_is_another_version(tools: Tools, project: str) -> None:
    """As those that an earlier release made; judges of our dimensions, and who brought levels, are what they were."""
    own = {"task": "Judge the tone.", "fault": "Is it cold?"}
    made = {
        "tone": own, "warm": own | {"levels": ["1", "2", "3", "4", "5"]}, "cold": own | {"form": "yes_no"},
        "relevant": {"dimension": "relevance"}, "mine": own | {"dimension": "safety"},
    }  # fmt: skip
    for name, settings in made.items():
        scorers.put(tools.ledger, Configured(project, name, 1, "judge", settings), at=NOON, author="t")
    now = {one.name: one for one in current(tools.ledger, project, at=NOON + timedelta(hours=1))}
    assert {name: now[name].version for name in made} == {"tone": 2, "warm": 1, "cold": 1, "relevant": 1, "mine": 1}
    assert runnable(now["tone"]).works == Judge("tone", **own)


def test_no_name_means_two_things(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the card says is what runs."""
    assert not {one.name for one in IN_ENGINE} & {one.name for one in TABLE}
    shown = kinds.kinds()
    assert {name: shown[name]["rung"] for name in ("unrepeated", "unrepeated-4")} == {
        "unrepeated": "engine", "unrepeated-4": "model",
    }  # fmt: skip
    with pytest.raises(NotAScorer):
        registered(replace(find("unrepeated-4"), name="unrepeated"))
    monkeypatch.setattr(registry, "_decorated", {})
    registry.scorer("answered")(lambda case: 0.0)
    assert kinds.kinds()["answered"]["rung"] == runnable(Configured("p", "answered", 1, "answered")).rung == "engine"
