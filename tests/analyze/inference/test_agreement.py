"""Against scikit-learn 1.9 and the package krippendorff 0.9.0 (figures recorded), and what is not defined."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.analyze.inference.agreement import agreement, krippendorff, krippendorff_interval
from homeostat.analyze.inference.annotators import consensus


def test_two_raters() -> None:
    """cohen_kappa_score and matthews_corrcoef for the same table of 200 items: 122, 22, 9, 47."""
    a = np.repeat([1, 1, 0, 0], [122, 22, 9, 47])
    b = np.repeat([1, 0, 1, 0], [122, 22, 9, 47])
    found = agreement(a, b)
    assert found.observed == pytest.approx(0.845)
    n, pe = 200, (144 * 131 + 56 * 69) / 200**2
    assert found.kappa == pytest.approx((0.845 - pe) / (1 - pe))
    assert found.mcc == pytest.approx((122 * 47 - 22 * 9) / np.sqrt(131 * 144 * 56 * 69))
    q = (144 + 131) / (2 * n)
    assert found.ac1 == pytest.approx((0.845 - 2 * q * (1 - q)) / (1 - 2 * q * (1 - q)))


def test_skewed_prevalence_is_the_case_for_ac1() -> None:
    a, b = np.repeat([1, 1, 0, 0], [95, 2, 2, 1]), np.repeat([1, 0, 1, 0], [95, 2, 2, 1])
    found = agreement(a, b)
    assert found.kappa < 0.35
    assert found.ac1 > 0.94


def test_one_answer_only() -> None:
    found = agreement([1, 1], [1, 1])
    assert found.observed == 1.0
    assert np.isnan([found.kappa, found.ac1, found.mcc]).all()
    assert np.isnan(krippendorff([[1, 1], [1, 1]]))


@pytest.mark.parametrize(("scale", "expected"), [("nominal", 0.8275862068965517), ("interval", 0.9214659685863874)])
def test_krippendorff(scale: str, expected: float) -> None:
    nan = float("nan")
    table = [[1, 2, 3, 3, 2, nan], [1, 2, 3, 3, 2, 4], [nan, 3, 3, 3, 2, 4]]
    assert krippendorff(table, scale=scale) == pytest.approx(expected)  # type: ignore[arg-type]


def test_krippendorff_interval_covers() -> None:
    rng, held, truth = np.random.default_rng(0), 0, []
    p = 0.6 * 0.85 + 0.4 * 0.15
    true = 1 - 2 * 0.85 * 0.15 / (2 * p * (1 - p))
    for run in range(60):
        y = rng.random(120 if run < 50 else 20_000) < 0.6
        table = np.stack([np.where(rng.random(len(y)) < 0.85, y, ~y) for _ in range(3)]).astype(float)
        if run >= 50:
            truth.append(krippendorff(table))
            continue
        one = krippendorff_interval(table, rng=rng, draws=300)
        held += int(one.low <= true <= one.high)
    assert np.mean(truth) == pytest.approx(true, abs=0.006)
    assert held >= 42


def test_ratings_that_cannot_be() -> None:
    nan = float("nan")
    for wrong in ([[1.0, nan], [nan, 1.0]], [[nan, nan]], [[np.inf, 1.0], [1.0, 1.0]]):
        with pytest.raises(ValueError, match="ratings"):
            krippendorff(wrong)


def test_consensus_beats_the_majority_when_people_differ() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 400)
    skill = np.array([0.97, 0.95, 0.6, 0.6, 0.55])
    answers = np.where(rng.random((400, 5)) < skill, truth[:, None], 1 - truth[:, None])
    item, person = np.repeat(np.arange(400), 5), np.tile(np.arange(5), 400)
    found = consensus(item, person, answers.ravel(), classes=2)
    majority = (answers.mean(axis=1) > 0.5).astype(int)
    assert (found.labels == truth).mean() > (majority == truth).mean() + 0.03
    right = np.einsum("k,pkk->p", found.prevalence, found.confusion)
    assert right == pytest.approx(skill, abs=0.06)


def test_consensus_with_few_items_each() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 100)
    person = np.repeat(np.arange(60), 5)  # five items each: one coin per person
    item = rng.permutation(np.tile(np.arange(100), 3))
    right = rng.random(300) < 0.8
    answer = np.where(right, truth[item], (truth[item] + 1) % 3)
    found = consensus(item, person, answer, classes=3)
    assert (found.labels == truth).mean() > 0.85
    diagonal = np.diagonal(found.confusion, axis1=1, axis2=2)
    assert np.allclose(diagonal, diagonal[:, :1])
    for wrong in (([], [], []), ([0], [0], [3]), ([1], [0], [0])):
        with pytest.raises(ValueError):
            consensus(*wrong, classes=3)
