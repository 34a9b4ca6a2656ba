"""Many small trees that vote: what some scorers learn where features matter only together.

`python -m bench.train_scorers` grows them (`bench/forest.py`) and writes `weights/forest_*.json`.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Self


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Flat trees over named features: left children follow their parent, right ones are named."""

    names: tuple[str, ...]
    roots: array[int]
    feature: array[int]
    value: array[float]
    right: array[int]
    line: array[float]
    bias: float

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> Self:
        """As it was written."""
        return cls(
            tuple(held["names"]), array("i", held["roots"]), array("i", held["feature"]), array("d", held["value"]),
            array("i", held["right"]), array("d", held.get("line", [])), held.get("bias", 0.0),
        )  # fmt: skip

    def straight(self, found: Mapping[str, float]) -> float:
        """What a plain weighing of the same features says, as log odds.

        >>> Forest.of({"names": ["a"], "roots": [], "feature": [], "value": [], "right": [], "line": [2.0],
        ...            "bias": -0.5}).straight({"a": 1.0})
        1.5
        """
        return self.bias + float(sum(w * found.get(name, 0.0) for name, w in zip(self.names, self.line, strict=True)))

    def share(self, found: Mapping[str, float]) -> float:
        """The mean of what the trees say: how probable it is that the text is good.

        >>> Forest.of({"names": ["a"], "roots": [0], "feature": [0, -1, -1], "value": [0.5, 0.2, 0.9],
        ...            "right": [2, 0, 0]}).share({"a": 1.0})
        0.9
        """
        row = [found.get(name, 0.0) for name in self.names]
        feature, value, right = self.feature, self.value, self.right
        total = 0.0
        for node in self.roots:
            while (at := feature[node]) >= 0:
                node = node + 1 if row[at] <= value[node] else right[node]
            total += value[node]
        return total / len(self.roots)


def over(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Features of the claims of a text as features of the text: the least and the most of each, and how many there are.

    >>> over([{"a": 1.0}, {"a": 2.0, "b": 1.0}])
    {'a<': 1.0, 'a>': 2.0, 'b<': 0.0, 'b>': 1.0, 'parts': 2.0}
    """
    names = sorted({name for part in parts for name in part})
    found: dict[str, float] = {}
    for name in names:
        values = [part.get(name, 0.0) for part in parts]
        found |= {f"{name}<": min(values), f"{name}>": max(values)}
    return found | {"parts": float(min(8, len(parts)))}


@lru_cache(maxsize=8)
def forest(name: str) -> Forest:
    """The trees of a scorer."""
    place = files("homeostat.analyze") / "scorers" / "weights" / f"forest_{name}.json"
    return Forest.of(json.loads(place.read_text(encoding="utf-8")))
