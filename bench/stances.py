"""The weights of `analyze/scorers/stance.py`: ridge regression over words and pairs of neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.analyze.scorers.stance import size, terms, weighed
from homeostat.analyze.text.words import plain

Array = NDArray[np.float64]
Weights = Mapping[str, Mapping[str, float]]
#: A word that only one case has tells about that case only.
_OFTEN: Final = 2
_RIDGE: Final = 0.25


def fitted(rows: Sequence[Mapping[str, Any]], labels: Array, trust: Array) -> Weights:
    """The dual form: there are more words than cases. Both classes weigh the same."""
    there = [_terms(row) for row in rows]
    often = Counter(term for one in there for term in one)
    names = sorted(term for term, count in often.items() if count >= _OFTEN)
    place = {term: at for at, term in enumerate(names)}
    matrix = np.zeros((len(rows), len(names)))
    for at, one in enumerate(there):
        matrix[at, [place[term] for term in one if term in place]] = 1 / size(len(one))
    share = float((labels * trust).sum() / trust.sum())
    weight = trust * np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))
    dual = np.linalg.solve(matrix @ matrix.T + _RIDGE * np.diag(1 / weight), 2 * labels - 1)
    found: dict[str, dict[str, float]] = {"a": {}, "q": {}}
    for name, value in zip(names, matrix.T @ dual, strict=True):
        if abs(value) >= 0.001:
            found[name[0]][name[1:]] = round(float(value), 3)
    return found


def outside(rows: Sequence[Mapping[str, Any]], labels: Array, trust: Array, groups: Array) -> Array:
    """The stance of each row by the weights of the other groups: what a stranger's text would get."""
    values = np.zeros(len(rows))
    for group in sorted(set(groups.tolist())):
        out = groups == group
        known = fitted([row for row, gone in zip(rows, out, strict=True) if not gone], labels[~out], trust[~out])
        values[out] = [weighed(known, *_texts(row)) for row, here in zip(rows, out, strict=True) if here]
    return values


def _terms(row: Mapping[str, Any]) -> list[str]:
    question, answer = _texts(row)
    return [*(f"a{term}" for term in terms(answer)), *(f"q{term}" for term in terms(question))]


def _texts(row: Mapping[str, Any]) -> tuple[str, str]:
    """As the scorer sees them."""
    return plain(row.get("input", "")[:4000]), plain(row["output"])
