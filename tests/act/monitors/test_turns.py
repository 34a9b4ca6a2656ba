"""Who counts how often: everybody until they were bad once, and nobody so that their temper raises an alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.act.monitors import counting, plan, ticking
from homeostat.act.monitors.detectors import LEAST, TURNS, Sampled
from homeostat.act.monitors.seen import Keys
from homeostat.act.monitors.turns import Turns
from homeostat.act.monitors.watch import Alarm, Watch
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.budget import Budget
from homeostat.records.monitor import Monitor
from homeostat.store.warehouse.questions.ticks import MINUTE, STEPS, Rows

HOUR = 60


def _rows(minute: Any, user: Any, bad: Any, segment: Any = None) -> Rows:
    n = len(minute)
    order = np.argsort(minute, kind="stable")
    at, text = np.asarray(minute)[order], [""] * n if segment is None else [str(segment[one]) for one in order]
    return Rows(
        at, np.asarray(user, np.uint64)[order], at // HOUR, [""] * n, text, np.ones((1, n)),
        np.asarray(bad, float)[order][None, :],
    )  # fmt: skip


def _in_parts(rows: Rows) -> Rows:
    """The same, each in the part of its minute that its place in it tells."""
    low, high = (np.searchsorted(rows.minute, rows.minute, side=side) for side in ("left", "right"))
    return replace(rows, step=rows.minute * STEPS + (np.arange(len(rows)) - low) * STEPS // (high - low))


def _ticked(
    watch: Watch, rows: Rows, until: int, per_month: float, by: tuple[str, ...] = (),
    measure: str = "share(status=error)",
) -> tuple[counting.Values, list[Alarm]]:  # fmt: skip
    made = Monitor("p", "bad", measure, {"reference": "all"}, "up", by=by)
    values = counting.values(watch, [(group, rows) for group in plan.groups([plan.watch(made, {})])])
    return values, ticking.tick(watch, values, Budget(per_month, 43_200), until * MINUTE)


def test_many_pieces_give_what_the_rule_gives_row_by_row() -> None:
    rng, turns = np.random.default_rng(4), Turns()
    count: dict[tuple[int, int], int] = {}
    had: dict[tuple[int, int], int] = {}
    for piece in range(40):
        n = int(rng.integers(1, 200))
        unit, hour = rng.integers(0, 40, n), 5 + piece // 15 + rng.integers(0, 2, n)
        marks: Keys = rng.integers(0, 8, n).astype(np.uint64) * (rng.random(n) < 0.3).astype(np.uint64)
        told, known = turns.before(np.ones(n, np.uint64), unit.astype(np.uint64), hour, marks)
        for at in range(n):
            key = (int(unit[at]), int(hour[at]))
            assert (told[at], known[at]) == (count.get(key, 0), had.get(key, 0))
            count[key] = count.get(key, 0) + 1
            had[key] = had.get(key, 0) | int(marks[at])
        turns.forget(5 + piece // 15 - 1)


def test_the_line_is_what_few_lie_beyond() -> None:
    held = Sampled.new().having(["rare", "never", "half", "numbers"])
    rng = np.random.default_rng(1)
    n = 4 * LEAST
    each = (255 * (rng.random(n) < 0.02), np.zeros(n), 255 * (rng.random(n) < 0.3), rng.integers(0, 200, n))
    stream = np.repeat(np.arange(4), n)
    held, _ = held.ticked(stream, np.concatenate(each).astype(np.int64), np.zeros(4), rng)
    lined = held.lined(lambda key: False)
    line = lined.line.tolist()
    assert 1 <= line[0] <= 255 and line[1] == 1 and line[2] == 255 and 175 <= line[3] <= 185
    assert lined.having(["numbers", "new"]).line.tolist() == [line[3], -1]


def test_where_the_worst_is_what_is_usual_nothing_is_bad() -> None:
    held, rng = Sampled.new().having(["content"]), np.random.default_rng(1)
    n = 4 * LEAST
    held, _ = held.ticked(np.zeros(n, np.int64), 255 * (rng.random(n) < 0.83).astype(np.int64), np.zeros(1), rng)
    lined = held.lined(lambda key: False)
    assert lined.line[0] == 256 and lined.within[0] == 0 and lined.half[0] <= 255


def test_of_numbers_a_third_is_bad_and_what_wins_in_a_quarter_is_bet_on() -> None:
    held, rng = Sampled.new().having(["length", "all alike"]), np.random.default_rng(1)
    n = 4 * LEAST
    each = np.r_[rng.integers(0, 200, n), np.full(n, 90)]
    held, _ = held.ticked(np.repeat(np.arange(2), n), each, np.zeros(2), rng)
    lined = held.lined(lambda key: True)
    assert 128 <= lined.line[0] <= 138 and 0.25 <= lined.within[0] <= 0.27
    assert lined.line[1] == 90  # nobody counts twice where nothing can be told apart


def test_a_user_counts_until_the_first_bad_answer_of_the_hour() -> None:
    watch = Watch(ticked=MINUTE)
    learned = _rows(np.full(2 * LEAST, 1), np.arange(2 * LEAST) + 100, np.arange(2 * LEAST) % 50 == 0)
    values, _ = _ticked(watch, learned, 10, 1.0)
    assert len(values.stream) == 2 * LEAST
    values, _ = _ticked(watch, _rows([11, 12, 13, 14, 14], [1, 1, 1, 1, 2], [0, 0, 1, 1, 0]), 20, 1.0)
    assert values.stratum.tolist() == [0, 1, 1, 0] and values.value.tolist() == [0, 0, 1, 0]
    values, _ = _ticked(watch, _rows([21] * 30, [2] * 30, [0] * 30), 30, 1.0)
    assert len(values.stream) == TURNS - 1


def test_one_user_in_a_loop_raises_no_alarm() -> None:
    rng, watch = np.random.default_rng(2), Watch(ticked=MINUTE)
    minute = np.sort(rng.integers(0, 300, 6_000))
    _, alarms = _ticked(watch, _rows(minute, rng.integers(0, 3_000, 6_000), rng.random(6_000) < 0.02), 300, 2.0)
    for at in range(300, 330):
        n = 30
        quiet = _rows(
            np.full(2 * n, at), np.r_[rng.integers(0, 3_000, n), np.full(n, 9_999)], np.r_[np.zeros(n), np.ones(n)]
        )
        alarms += _ticked(watch, quiet, at + 1, 2.0)[1]
    assert not alarms


def _visits(
    rng: np.random.Generator, minutes: int, streams: int, share: Floats
) -> tuple[Ints, Ints, NDArray[np.bool_], Ints]:
    """Users who come and ask a few things each, and find each of them bad with the probability of their temper."""
    visits = minutes * 4 * streams
    size = rng.integers(1, 7, visits)
    minute = np.repeat(rng.integers(0, minutes - 6, visits), size) + np.concatenate([np.arange(one) for one in size])
    temper = rng.choice(share, visits)
    user = np.repeat(np.arange(visits), size)
    return (
        minute,
        user,
        rng.random(len(user)) < np.repeat(temper, size),
        np.repeat(rng.integers(0, streams, visits), size),
    )


def _false_alarms(rounds: int, seed: int, measure: str = "share(status=error)") -> int:
    """Of 50 streams; 10 are paid for each round. One user of twenty finds nearly everything bad; of numbers, everybody
    has their own, nine parts of ten of what makes them differ."""
    rng, alarms, minutes = np.random.default_rng(seed), 0, 480
    for _ in range(rounds):
        watch = Watch(ticked=MINUTE)
        minute, user, bad, stream = _visits(rng, minutes, 50, np.array([0.9, *[0.0] * 19]))
        if measure != "share(status=error)":
            own, now = rng.normal(size=int(user.max()) + 1)[user], rng.normal(size=len(user))
            bad = np.exp(5 + 0.9**0.5 * own + 0.1**0.5 * now)
        for begin in range(0, minutes, HOUR):
            here = (minute >= begin) & (minute < begin + HOUR)
            rows = _in_parts(_rows(minute[here] + HOUR, user[here], bad[here], stream[here]))
            budget = 10 * 43_200 / minutes
            alarms += len(_ticked(watch, rows, begin + 2 * HOUR, budget, ("model",), measure)[1])
    return alarms


def test_temper_is_no_change() -> None:
    assert _false_alarms(1, 7) <= 20  # 10 at most are expected: 21 come once in 600 times then


@pytest.mark.nightly
def test_temper_is_no_change_in_many_streams() -> None:
    assert _false_alarms(10, 8) <= 100 + 3 * 100**0.5
    assert _false_alarms(10, 9, "mean(output_tokens)") <= 100 + 3 * 100**0.5


def test_what_becomes_bad_is_found_in_all_that_people_ask() -> None:
    rng, delays = np.random.default_rng(11), []
    for _ in range(3):
        watch = Watch(ticked=MINUTE)
        minute, user, bad, _stream = _visits(rng, 360, 1, np.array([0.045]))
        bad |= (minute >= 240) & (rng.random(len(bad)) < 0.2)
        found = 0
        for begin in range(0, 360, 10):
            here = (minute >= begin) & (minute < begin + 10)
            for alarm in _ticked(watch, _rows(minute[here] + 60, user[here], bad[here]), begin + 70, 2.0)[1]:
                found = found or int(alarm.at // MINUTE - 60 - 240)
        assert found > 0
        delays.append(found * 14)
    assert np.median(delays) <= 180, delays  # a user's first answers alone need twice as many
