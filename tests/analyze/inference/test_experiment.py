"""Pseudo-outcomes, bets on them, and when a unit may enter."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.analyze.inference.experiment import (
    Evidence,
    Predictor,
    harm_path,
    matured,
    pseudo_outcomes,
    running_means,
    safe_path,
)


def units(n: int, share: float, p0: float, p1: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = (rng.random(n) < share).astype(float)
    return a, (rng.random(n) < np.where(a == 1, p1, p0)).astype(float)


@pytest.mark.parametrize("share", [0.05, 0.5])
@pytest.mark.parametrize("m", [(0.0, 1.0), (0.7, 0.7), (1.0, 0.0)])
def test_the_mean_is_the_effect_whatever_the_predictions(share: float, m: tuple[float, float]) -> None:
    """Exact expectation over arm and outcome."""
    p1, p0 = 0.8, 0.65
    mean = 0.0
    for a, weight in ((1.0, share), (0.0, 1 - share)):
        for y in (0.0, 1.0):
            p = p1 if a else p0
            chance = weight * (p if y else 1 - p)
            phi = pseudo_outcomes([a], [y], share, m1=[m[0]], m0=[m[1]])[0]
            assert abs(phi) <= 1 / min(share, 1 - share) + 1e-12
            mean += chance * phi
    assert mean == pytest.approx(p1 - p0)


def test_predictions_know_only_the_past() -> None:
    a, y = units(300, 0.4, 0.5, 0.7, 0)
    m1, m0 = running_means(a, y)
    changed = y.copy()
    changed[200:] = 1 - changed[200:]
    other1, other0 = running_means(a, changed)
    assert (m1[:201] == other1[:201]).all()
    assert (m0[:201] == other0[:201]).all()
    assert not np.allclose(m1[201:], other1[201:])


def test_running_means_are_the_predictors() -> None:
    a, y = units(60, 0.3, 0.5, 0.7, 1)
    m1, m0 = running_means(a, y)
    predictor = Predictor.new()
    for i in range(60):
        one, zero = predictor.predicted(None, 1)
        assert (one[0], zero[0]) == pytest.approx((m1[i], m0[i]))
        predictor = Predictor.from_json(predictor.learned(a[i : i + 1], y[i : i + 1]).to_json())
    one, zero = running_means(a, y, start=predictor)
    assert one[0] == pytest.approx(predictor.predicted(None, 1)[0][0])
    assert zero[0] == pytest.approx(predictor.predicted(None, 1)[1][0])


def test_a_covariate_makes_phi_less_variable() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4000, 2))
    a = (rng.random(4000) < 0.5).astype(float)
    y = np.clip(0.5 + 0.15 * x[:, 0] - 0.1 * x[:, 1] + 0.05 * rng.standard_normal(4000), 0, 1)
    predictor = Predictor.new(covariates=2).learned(a[:1000], y[:1000], x[:1000])
    m1, m0 = predictor.predicted(x[1000:], 3000)
    adjusted = pseudo_outcomes(a[1000:], y[1000:], 0.5, m1=m1, m0=m0)
    plain = pseudo_outcomes(a[1000:], y[1000:], 0.5, m1=np.full(3000, y.mean()), m0=np.full(3000, y.mean()))
    assert adjusted.var() < 0.2 * plain.var()
    assert abs(adjusted.mean()) < 0.02


def test_evidence_in_parts_is_evidence_at_once() -> None:
    a, y = units(500, 0.1, 0.85, 0.7, 3)
    m1, m0 = running_means(a, y)
    phi = pseudo_outcomes(a, y, 0.1, m1=m1, m0=m0)
    state = Evidence.new(0.1, margin=0.03)
    for part in np.array_split(phi, 7):
        state = Evidence.from_json(state.seen(part).to_json())
    assert state.of_harm == pytest.approx(harm_path(phi, 0.1)[-1])
    assert state.of_safety == pytest.approx(safe_path(phi, 0.1, 0.03)[-1])


def test_no_units_is_no_evidence() -> None:
    assert Evidence.new(0.5).seen([]).of_harm == 1.0


def test_when_a_unit_enters() -> None:
    first = np.arange(0, 100)
    entered = [matured(first, 30, before=t - 1, now=t) for t in range(131)]
    assert (np.sum(entered, axis=0) == 1).all()  # every unit exactly once


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: pseudo_outcomes([1], [np.nan], 0.5, m1=[0], m0=[0]),
        lambda: pseudo_outcomes([1], [2.0], 0.5, m1=[0], m0=[0]),
        lambda: pseudo_outcomes([1], [1.0], 0.0, m1=[0], m0=[0]),
        lambda: pseudo_outcomes([1, 0], [1.0], 0.5, m1=[0], m0=[0]),
        lambda: Evidence.new(0.5).seen([3.0]),
        lambda: Evidence.new(1.0),
        lambda: Predictor.new(covariates=1).predicted(np.zeros((2, 2)), 2),
    ],
)
def test_what_cannot_be(wrong: object) -> None:
    with pytest.raises(ValueError):
        wrong()  # type: ignore[operator]
