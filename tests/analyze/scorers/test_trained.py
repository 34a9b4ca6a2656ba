"""The committed weights are what training writes today, from the tuning half and from what was kept of the practice world."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.train_scorers import WEIGHTS, trained


def _numbers(held: Any) -> dict[str, float]:
    if not isinstance(held, dict):
        return {"": float(held)}
    return {f"{key}/{rest}": value for key, one in held.items() for rest, value in _numbers(one).items()}


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["safety", "coherence"])
def test_training_again_gives_the_committed_weights(name: str) -> None:
    for file, text in trained(name).items():
        committed = _numbers(json.loads((WEIGHTS / file).read_text(encoding="utf-8")))
        again = _numbers(json.loads(text))
        # Another processor adds up in another order: what it changes is far behind what is kept of a weight.
        assert again == pytest.approx(committed, abs=0.002), f"train {name} again: python -m bench.train_scorers {name}"
