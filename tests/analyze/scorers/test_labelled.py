"""How often the scorers are right on held-out cases. The floors are a little under what was measured: a fall is a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.labelled import JUDGED, balanced, cases, entity_f1, naive, our_spans, ours
from bench.scorers import ASKED, look_alikes

ROOT = Path(__file__).parents[3]
FLOORS = {
    "groundedness": 0.77, "relevance": 0.72, "completeness": 0.72, "coherence": 0.76, "conciseness": 0.85, "safety": 0.82, "bias": 0.76,
    "correctness": 0.70,
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGED)
def test_held_out_cases(name: str) -> None:
    rows = cases(name, "held")
    found = balanced(rows, ours(name))
    assert found["balanced"] >= FLOORS[name], found
    assert found["balanced"] > max(naive(name, cases(name, "tune"), rows).values())


def test_private_entities() -> None:
    assert entity_f1(cases("privacy", "held"), our_spans, typed=True) >= ASKED["privacy"]


def test_harmless_look_alikes_are_let_through() -> None:
    found = look_alikes()
    assert found["flagged"] <= 0.08 * found["harmless"], found


def test_no_group_is_on_both_sides() -> None:
    for name in JUDGED:
        sides: dict[str, set[str]] = {}
        for row in cases(name, "all"):
            group = json.dumps([row["batch"], row.get("documents") or row.get("input") or row["id"]])
            sides.setdefault(group, set()).add(row["split"])
        assert all(len(each) == 1 for each in sides.values()), name


def test_the_page_tells_what_was_measured() -> None:
    page = (ROOT / "docs" / "scorers.md").read_text()
    newest = sorted((ROOT / "bench" / "results").glob("*-scorers.json"))[-1]
    held = json.loads(newest.read_text())["figures"]["held_out"]
    for name, one in held.items():
        value = one["f1"] if name == "privacy" else one["balanced"]
        assert f"| {name} | {one['cases']} |" in page
        assert f"{value:.2f}" in next(line for line in page.splitlines() if line.startswith(f"| {name} |"))


def test_the_page_holds_every_card() -> None:
    from homeostat.analyze.scorers.cards import CARDS

    page = (ROOT / "docs" / "scorers.md").read_text()
    for name, card in CARDS.items():
        assert f"**{name}.** {card.means} *Misses:* {card.misses}" in page, name
