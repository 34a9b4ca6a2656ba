"""Trees learn what no line can, the same ones every time, and are read as they were written."""

from __future__ import annotations

import numpy as np
import pytest

from bench import forest as growing
from homeostat.analyze.scorers import Case, Scored, find
from homeostat.analyze.scorers.entailment.reading import plainly
from homeostat.analyze.scorers.forest import Forest, forest, over
from homeostat.analyze.scorers.groundedness import checks

NAMES = ("a", "b", "noise")


def _either(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Good is one of two signs alone, not both: no weights of a line say that."""
    matrix = np.random.default_rng(seed).random((rows, 3))
    return matrix, ((matrix[:, 0] > 0.5) != (matrix[:, 1] > 0.5)).astype(float)


def test_trees_learn_what_matters_only_together() -> None:
    matrix, labels = _either(400, 1)
    grown = growing.grown(matrix, labels, np.ones(400), trees=60)
    assert grown == growing.grown(matrix, labels, np.ones(400), trees=60)
    voted = Forest.of({"names": NAMES, **grown})
    fresh, truth = _either(300, 2)
    said = [voted.share(dict(zip(NAMES, row, strict=True))) for row in fresh]
    assert np.mean((np.array(said) >= 0.5) == truth) > 0.85


def test_a_forest_is_read_as_one_walks_it() -> None:
    held, rng = forest("groundedness"), np.random.default_rng(3)

    def walked(root: int, row: dict[str, float]) -> float:
        at = root
        while held.feature[at] >= 0:
            low = row.get(held.names[held.feature[at]], 0.0) <= held.value[at]
            at = at + 1 if low else int(held.right[at])
        return float(held.value[at])

    for _ in range(20):
        row = {name: float(rng.integers(0, 3)) / 2 for name in held.names if rng.random() < 0.5}
        assert held.share(row) == pytest.approx(np.mean([walked(int(root), row) for root in held.roots]))


def test_what_trees_weigh_are_features_of_the_whole_text() -> None:
    document = "Lockers are in both changing rooms; bring your own padlock. The pool is closed on Mondays."
    one, two = checks("Bring a padlock for the lockers. The pool has a slide.", [document], "")
    told = over([one.features, two.features])
    assert told["parts"] == 2
    assert told["clause_known<"] == two.features["clause_known"] < one.features["clause_known"]
    assert told["clause_strange>"] == 1, "a slide"


PAGE = (
    "The Meridian card is free for the first year; after that it costs 48 euros a year. Lost cards are blocked by phone, "
    "day and night. A replacement arrives within five working days and costs 12 euros. Tickets cost 11 euros, or 8.50 on "
    "Wednesdays. Each of the five shelves carries up to 25 kg."
)


@pytest.mark.parametrize(
    ("claim", "label"),
    [
        ("The card costs nothing in the first year.", "good"),
        ("The text says nothing about insurance.", "good"),
        ("The page does not say whether there is insurance.", "good"),
        ("The page does not mention what a replacement costs.", "bad"),
        ("You can have the card blocked by phone, and you get a bunch of flowers.", "bad"),
        ("A replacement arrives by courier within five working days.", "bad"),
    ],
)
def test_what_is_put_in_and_what_is_only_said_otherwise(claim: str, label: str) -> None:
    found = find("groundedness").score(Case(claim, "What about the card?", [PAGE]))
    assert isinstance(found, Scored)
    assert found.label == label, found


@pytest.mark.parametrize(
    ("asked", "claim", "right"),
    [
        ("Three of us?", "Three Wednesday tickets come to 25.50 euros.", True),
        ("Three of us?", "Three Wednesday tickets come to 24.50 euros.", False),
        ("", "The five shelves carry 125 kg together.", True),
        ("Two cards lost?", "Two replacements cost 24 euros.", True),
    ],
)
def test_so_many_at_so_much(asked: str, claim: str, right: bool) -> None:
    (found,) = checks(claim, [PAGE], asked)
    assert bool(found.features["number_lost"]) is not right


def test_turns_of_speech() -> None:
    assert plainly("Every other Thursday, at no extra cost.") == "every second Thursday, free."
