"""From events to ticks: one value per user and window, ratios, late data."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.analyze.inference.blocks import Late, Seen, fresh, linearised, per_user, placed, scaled


def test_a_user_counts_once_in_a_window() -> None:
    rng = np.random.default_rng(0)
    users = rng.integers(0, 500, 4000).astype(np.uint64)
    seen, counted = Seen.new(), []
    for part in np.array_split(users, 40):
        mask, seen = fresh(seen, 3, part)
        counted += part[mask].tolist()
        seen = Seen.from_json(seen.to_json())
    assert sorted(counted) == sorted(set(users.tolist()))
    assert seen.users.nbytes == 8 * len(set(counted))


def test_the_next_window_begins_anew() -> None:
    _, seen = fresh(Seen.new(), 1, np.array([1, 2], np.uint64))
    mask, seen = fresh(seen, 2, np.array([2], np.uint64))
    assert mask.tolist() == [True]
    with pytest.raises(ValueError, match="forward"):
        fresh(seen, 1, np.array([1], np.uint64))


def test_shards_add_up() -> None:
    rng = np.random.default_rng(0)
    row, n = rng.integers(0, 5, 300), rng.integers(1, 9, 300).astype(float)
    s = rng.random(300) * n
    whole = per_user(5, row, n, s)
    parts = per_user(5, row[:100], n[:100], s[:100]) + per_user(5, row[100:], n[100:], s[100:])
    assert parts.count.tolist() == whole.count.tolist()
    assert parts.total == pytest.approx(whole.total)
    assert parts.squares == pytest.approx(whole.squares)


def test_users_with_nothing_do_not_count() -> None:
    assert per_user(1, [0, 0], [0, 2], [0, 1]).count.tolist() == [1.0]
    assert per_user(1, [], [], []).count.tolist() == [0.0]
    assert per_user(1, [0, 0], [1, 1], [1, 0], use=[True, False]).total.tolist() == [1.0]


@pytest.mark.parametrize("wrong", [([0], [1], [2]), ([1], [1], [1]), ([0], [1], [np.nan]), ([0, 0], [1], [1])])
def test_rows_that_cannot_be(wrong: tuple[list[float], ...]) -> None:
    with pytest.raises(ValueError):
        per_user(1, *wrong)


def test_a_linearised_ratio_is_one_half_while_it_holds() -> None:
    rng = np.random.default_rng(3)
    k = rng.poisson(8, 20_000) + 1.0
    s = rng.binomial(k.astype(int), 0.12)
    assert linearised(s, k, ratio=0.12, cap=6.0).mean() == pytest.approx(0.5, abs=0.002)
    assert linearised(rng.binomial(k.astype(int), 0.2), k, ratio=0.12, cap=6.0).mean() > 0.53
    for wrong in (
        lambda: linearised([1.0], [1.0], ratio=0.1, cap=0),
        lambda: scaled([1.0], 0),
        lambda: scaled([-1.0], 1),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_late_data_never_opens_a_closed_tick() -> None:
    rng = np.random.default_rng(4)
    happened = rng.integers(0, 1000, 500)
    known = happened + rng.geometric(0.01, 500)
    for late in (Late("arrival", age=200), Late("equal-age", age=200)):
        tick = placed(late, happened, known, watermark=600)
        assert (tick[tick >= 0] > 600).all()
        assert (tick[known - happened > 200] == -1).all()


def test_equal_age_means_equal_age() -> None:
    tick = placed(Late("equal-age", age=50), [10, 20, 30], [10, 65, 81], watermark=0)
    assert tick.tolist() == [60, 70, -1]
