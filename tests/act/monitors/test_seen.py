"""A unit counts once an hour for each monitor, whatever comes together and in whichever pieces."""

from __future__ import annotations

import numpy as np

from homeostat.act.monitors.seen import Keys, Seen
from homeostat.analyze.inference.arrays import Ints


def _plain(known: set[tuple[int, int, int, int]], rows: list[tuple[int, int, int, int]]) -> list[int]:
    """The rule, row by row and bit by bit."""
    found = []
    for stream, unit, hour, wanted in rows:
        new = 0
        for bit in range(64):
            if wanted >> bit & 1 and (stream, unit, hour, bit) not in known:
                known.add((stream, unit, hour, bit))
                new |= 1 << bit
        found.append(new)
    return found


def _arrays(rows: list[tuple[int, int, int, int]]) -> tuple[Keys, Keys, Ints, Keys]:
    stream, unit, hour, wanted = (np.array(each) for each in zip(*rows, strict=True))
    return stream.astype(np.uint64), unit.astype(np.uint64), hour.astype(np.int64), wanted.astype(np.uint64)


def test_many_pieces_give_what_the_rule_gives_row_by_row() -> None:
    rng, seen, known = np.random.default_rng(3), Seen(), set[tuple[int, int, int, int]]()
    new = 0
    for piece in range(60):
        count = int(rng.integers(1, 300))
        bits = 1 << int(rng.choice([1, 3, 9, 20, 40]))
        rows = [
            (int(rng.integers(3)), int(rng.integers(150)), 10 + piece // 25, int(rng.integers(bits)))
            for _ in range(count)
        ]
        stream, unit, hour, wanted = _arrays(rows)
        found = seen.first(stream, unit, hour, wanted).tolist()
        assert found == _plain(known, rows)
        new += sum(one > 0 for one in found)
    assert new > 500


def test_the_last_of_64_bits_is_a_bit_like_the_others() -> None:
    seen, last = Seen(), np.array([1 << 63], np.uint64)
    unit, hour = np.array([5], np.uint64), np.array([1])
    assert seen.first(np.uint64(1), unit, hour, last).tolist() == [1 << 63]
    assert seen.first(np.uint64(1), unit, hour, last | np.uint64(1)).tolist() == [1]
    assert seen.first(np.uint64(1), unit, hour, last).tolist() == [0]


def test_an_hour_that_is_forgotten_begins_anew_and_others_stay() -> None:
    seen, unit = Seen(), np.array([7, 8], np.uint64)
    for hour in (1, 2):
        assert seen.fresh(np.uint64(1), unit, np.full(2, hour)).all()
    seen.forget(2)
    assert seen.fresh(np.uint64(1), unit, np.full(2, 1)).all()
    assert not seen.fresh(np.uint64(1), unit, np.full(2, 2)).any()


def test_a_full_hour_is_held_in_few_runs() -> None:
    seen, rng = Seen(), np.random.default_rng(1)
    for _ in range(200):
        seen.fresh(np.uint64(1), rng.integers(0, 1 << 60, 100).astype(np.uint64), np.zeros(100, np.int64))
    runs = seen._hours[0]
    assert sum(len(keys) for keys, _ in runs) == 20_000
    assert len(runs) <= 10
    assert all((np.diff(keys.astype(np.float64)) > 0).all() for keys, _ in runs)


def test_a_monitor_keeps_its_number_when_others_come() -> None:
    seen = Seen()
    assert [seen.number("fact", head) for head in ("a", "b", "a", "c")] == [0, 1, 0, 2]
    assert seen.number("score", "c") == 0
