"""Labels and judge: right at the ends, right without a judge, and as another implementation computes it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.analyze.inference.band import Level
from homeostat.analyze.inference.confidence import Moments
from homeostat.analyze.inference.labels import MOST_LABELS, allocation, confirmation
from homeostat.analyze.inference.ppi import (
    Blocks,
    Calibration,
    Running,
    counts,
    plus_plus,
    post_stratified,
    rogan_gladen,
)
from homeostat.analyze.inference.proportions import Interval, Unknown, wilson


def world(n: int, seed: int, se: float = 0.9, sp: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.8
    f = np.where(y, rng.random(n) < se, rng.random(n) >= sp)
    return y.astype(float), f.astype(float)


def test_the_estimate_weighs_strata_by_what_was_judged() -> None:
    one = post_stratified([900, 100], [90, 10], [81, 2], rng=np.random.default_rng(0))
    assert float(one.estimate) == pytest.approx(0.9 * 0.9 + 0.1 * 0.2)
    assert one.low < one.estimate < one.high


def test_a_judge_that_says_one_thing_only_leaves_the_labels() -> None:
    one = post_stratified([10_000, 0], [200, 0], [150, 0], rng=np.random.default_rng(0))
    alone = wilson([150], [200])
    assert float(one.estimate) == 0.75
    assert (one.low, one.high) == (pytest.approx(alone.low[0], abs=0.01), pytest.approx(alone.high[0], abs=0.01))
    y, _ = world(300, 0)
    constant = plus_plus(y, np.ones(300), Moments.of(np.ones(5000)))
    assert float(constant.estimate) == pytest.approx(y.mean())


def test_without_labels_nothing_is_claimed() -> None:
    one = post_stratified([9000, 1000], [0, 0], [0, 0], rng=np.random.default_rng(0))
    assert np.isnan(one.estimate)
    assert one.low < 0.05
    assert one.high > 0.95
    assert isinstance(Running().interval(0.05, planned=100), Unknown)


def test_plus_plus_as_ppi_python_does_it() -> None:
    """`ppi_py.ppi_mean_ci` and `ppi_mean_pointestimate` 0.2.3 for the same numbers."""
    rng = np.random.default_rng(0)
    y = rng.random(5000) < 0.8
    f = np.where(rng.random(5000) < 0.9, y, ~y).astype(float)
    one = plus_plus(y[:300], f[:300], Moments.of(f))
    assert [float(one.estimate), float(one.low), float(one.high)] == pytest.approx(
        [0.76770936, 0.73674615, 0.79867257], abs=5e-4
    )


def test_rogan_gladen() -> None:
    one = rogan_gladen(760, 1000, Calibration(400, 360, 200, 160))
    assert isinstance(one, Interval)
    assert float(one.estimate) == pytest.approx((0.76 + 0.8 - 1) / 0.7)
    assert isinstance(rogan_gladen(5, 10, Calibration(0, 0, 10, 9)), Unknown)
    assert isinstance(rogan_gladen(5, 10, Calibration(10, 6, 10, 6)), Unknown)
    with pytest.raises(ValueError, match="part"):
        rogan_gladen(11, 10, Calibration(1, 1, 1, 1))


def test_counts_per_stratum() -> None:
    judged, n, k = counts([0, 1, 1, 1], [np.nan, 1.0, 0.0, np.nan], 2)
    assert (judged.tolist(), n.tolist(), k.tolist()) == ([1, 3], [0, 2], [0, 1])


@pytest.mark.parametrize(
    "table",
    [
        ([1], [2], [0]),
        ([5], [1], [2]),
        ([0, 0], [0, 0], [0, 0]),
        ([np.nan], [0], [0]),
        ([], [], []),
        ([5], [1, 1], [0]),
    ],
)
def test_counts_that_cannot_be(table: tuple[list[float], ...]) -> None:
    with pytest.raises(ValueError):
        post_stratified(*table, rng=np.random.default_rng(0))


def test_running_adds_up_and_starts_late() -> None:
    y, f = world(4000, 3)
    labels = np.where(np.random.default_rng(4).random(4000) < 0.1, y, np.nan)
    whole = Running().seen(f, labels, 0.1)
    parts = Running().seen(f[:1500], labels[:1500], 0.1) + Running.from_json(
        Running().seen(f[1500:], labels[1500:], 0.1).to_json()
    )
    assert parts.disagreements == whole.disagreements
    assert float(parts.phi.total) == pytest.approx(float(whole.phi.total))
    found = whole.interval(0.05, planned=4000)
    assert isinstance(found, Interval)
    assert found.low < 0.8 < found.high
    assert isinstance(Running().seen(f[:60], labels[:60], 0.1).interval(0.05, planned=4000), Unknown)
    for wrong in ([2.0], [-1.0]):
        with pytest.raises(ValueError, match="labels"):
            Running().seen([1.0], wrong, 0.1)
    with pytest.raises(ValueError, match="drawn"):
        Running().seen([1.0], [1.0], 0.0)


def test_blocks_have_the_mean_of_quality() -> None:
    """Over all choices of the labelled event the value's mean is that of the labels, whatever the judge says."""
    y, f = world(20, 5, se=0.3, sp=0.1)
    lean = Blocks(0.6)
    values = lean.values(np.full(20, f.mean()), y, f)
    assert values.mean() == pytest.approx(float(lean.level(y.mean())))
    assert ((values >= 0) & (values <= 1)).all()
    tuned = Blocks.tuned(*world(4000, 6))
    assert 0.4 < tuned.lean < 0.9
    assert Blocks.tuned(y, np.ones(20)).lean == 0.0


def test_labels_go_where_answers_vary() -> None:
    more = allocation([15_000, 5000], [38, 12], [37, 6], budget=300)
    assert more.sum() == 250
    weights = np.array([15_000, 5000]) * np.sqrt(np.array([37.5 / 39 * 1.5 / 39, 0.25]))
    assert (np.array([38, 12]) + more) == pytest.approx(300 * weights / weights.sum(), abs=1)


def test_allocation_at_its_ends() -> None:
    assert allocation([1000, 8], [40, 0], [40, 0], budget=100).tolist() == [52, 8]  # never more than there are
    assert allocation([1000, 1000], [50, 50], [25, 25], budget=80).tolist() == [0, 0]  # already spent
    assert allocation([1000, 1000], [95, 5], [50, 2], budget=120).tolist() == [0, 20]
    assert allocation([100_000, 100], [50, 0], [25, 0], budget=300)[1] >= 10  # a floor for every stratum


def test_confirmation() -> None:
    level = Level.new([0.9], "below")
    assert confirmation(level, 0) == "asking"
    assert confirmation(level.seen([400], [365]), MOST_LABELS) == "judge-drift-suspected"
    assert confirmation(level.seen([100], [75]), 100) == "confirmed"


def test_few_labels_cover_where_wald_does_not() -> None:
    """100 labels, quality .98: the default covers; PPI++ (Wald) does not, as documented."""
    rng = np.random.default_rng(8)
    held = np.zeros((2, 300))
    for run in range(300):
        y = rng.random(20_000) < 0.98
        f = np.where(y, rng.random(20_000) < 0.99, rng.random(20_000) >= 0.6)
        judged = np.bincount(f.astype(int), minlength=2)
        n, k = np.bincount(f[:100].astype(int), minlength=2), np.bincount(f[:100].astype(int), y[:100], minlength=2)
        for row, one in enumerate(
            (post_stratified(judged, n, k, rng=rng), plus_plus(y[:100], f[:100], Moments.of(f.astype(float))))
        ):
            held[row, run] = one.low <= 0.98 <= one.high
    assert held[0].sum() >= stats.binom.ppf(0.01, 300, 0.935)
    assert held[1].mean() < 0.92
